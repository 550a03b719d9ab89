"""A small run directory in the layout that a run leaves, made of real signals: tones that move between the ears."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.signal import chirp

from avspatial.evaluation.comparison.compare import Comparison, compare
from avspatial.evaluation.comparison.load import read_scored
from avspatial.evaluation.comparison.systems import make_system
from avspatial.interfaces import Truth
from avspatial.report.comparison.page import write_comparison
from avspatial.report.run.page import write_report
from avspatial.runs.directory import Run, open_run
from avspatial.runs.outputs import save_outputs

RATE = 16000
SECONDS = 2.0
CLIPS = ("000001", "000002", "000003", "000004")
STATED = {
    "stft_distance": {"unit": "", "higher_is_better": False, "summary": "FAIR-Play's STFT distance"},
    "snr": {"unit": "dB", "higher_is_better": True, "summary": "Signal-to-noise ratio over both channels"},
    "left_right": {"unit": "", "higher_is_better": True, "summary": "Share of lateral frames on the right side"},
    "spl_magnitude": {"unit": "", "higher_is_better": None, "summary": "Predicted over true size"},
}
ROWS = {"model": 0.21, "mono": 0.66, "swapped": 2.41, "reference": 0.0, "blank_picture": 0.7, "mirrored_picture": 2.2}

RECIPE = """\
schema: 1
name: tones
seed: 7
data: {use: avspatial.simulated@1, clips: 8}
window: {seconds: 1.0, rate: 16000, gain: GAIN}
model: {use: masking@1}
trainer: {use: shared_visual_gan@1, steps: 120}
convention: fairplay
"""


def panned(pan: np.ndarray, place: int) -> np.ndarray:
    """A chirp whose two channels differ by `pan` dB, (2, T)."""
    times = np.arange(pan.size) / RATE
    tone = 0.3 * chirp(times, 300 + 150 * place, SECONDS, 2500) * (1 + 0.7 * np.sin(2 * np.pi * 3 * times))
    return np.stack([tone * 10 ** (pan / 40), tone * 10 ** (-pan / 40)])


def _outputs(folder: Path, place: int, louder: float) -> None:
    times = np.arange(round(SECONDS * RATE)) / RATE
    pan = 10 * np.sin(2 * np.pi * (0.5 * times + place / 4))
    across = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(36, 0)
    azimuth = 60 * np.sin(2 * np.pi * (0.5 * np.arange(0, SECONDS, 0.1) + place / 4))[None]
    save_outputs(
        folder,
        louder * panned(0.7 * pan, place),
        louder * panned(pan, place),
        RATE,
        image=np.stack([across, across[:, ::-1], np.full_like(across, 90)], -1),
        truth=Truth(10.0, azimuth, np.full_like(azimuth, 0.1)),
    )


def _scores(model: float) -> list[dict[str, object]]:
    lines: list[dict[str, object]] = []
    for row, level in (ROWS | {"model": model}).items():
        for place, clip in enumerate(CLIPS):
            head = {"row": row, "clip": clip, "recording": clip, "metric": ""}
            values = {"stft_distance": level * (1 + 0.2 * place), "left_right": 1 - level / 3, "spl_magnitude": 0.8}
            lines += [{**head, "metric": metric, "value": value} for metric, value in values.items()]
            if row != "reference":
                lines.append({**head, "metric": "snr", "value": 6 - 3 * level})
    return lines


def _summary(lines: list[dict[str, object]]) -> dict[str, object]:
    rows: dict[str, dict[str, object]] = {}
    for row in ROWS:
        for metric in STATED:
            mine = [line for line in lines if line["row"] == row and line["metric"] == metric]
            values = [float(str(line["value"])) for line in mine if "value" in line]
            if not mine:
                continue
            mean = math.fsum(values) / len(values)
            entry = {
                "mean": mean,
                "ci95": [0.9 * mean, 1.1 * mean],
                "n": len(values),
                "failed": len(mine) - len(values),
            }
            rows.setdefault(row, {})[metric] = entry
    return {"convention": "fairplay", "clips": len(CLIPS), "failed": 0, "rows": rows, "metrics": STATED}


def _log(path: Path) -> None:
    records: list[dict[str, object]] = [{"event": "run", "name": "tones"}]
    for step in range(1, 121):
        terms = {"discriminator/total": 0.7 + 0.2 * math.sin(step), "model/l1": 5 * math.exp(-step / 30) + 0.05}
        records.append(
            {
                "event": "train",
                "step": step,
                "epoch": step // 40,
                "terms": terms,
                "clips_per_second": 8.0,
                "waiting": 0.02,
            }
        )
        if step % 40 == 0:
            records.append({"event": "validate", "step": step, "terms": {"total": 1 / step}})
            records.append({"event": "checkpoint", "step": step})
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def write_run(
    folder: Path,
    *,
    gain: str = "mixture",
    trained: bool = True,
    broken: str = "",
    louder: float = 1.0,
    name: str = "tones",
    model: float = ROWS["model"],
) -> Run:
    """A finished run; `gain` as in a recipe, `trained` for a log, `broken` names a clip whose metrics failed for the
    model, `louder` multiplies every sound, `model` is the level of the model's scores (0: perfect)."""
    path = folder / "runs" / name / "20260101T000000Z-0123abcd"
    path.mkdir(parents=True)
    (path / "recipe.yaml").write_text(f"name: {name}\n")
    (path / "recipe.resolved.yaml").write_text(RECIPE.replace("GAIN", gain).replace("name: tones", f"name: {name}"))
    plugins = [{"name": "resnet", "version": "0.1.0", "origin": "installed"}]
    (path / "run.json").write_text(json.dumps({"versions": {"avspatial": "0.1.0"}, "plugins": plugins}))
    lines = [_broken(line) if line["clip"] == broken and line["row"] == "model" else line for line in _scores(model)]
    (path / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (path / "summary.json").write_text(json.dumps(_summary(lines) | {"failed": int(bool(broken))}))
    for place, clip in enumerate(CLIPS):
        _outputs(path / "outputs" / clip, place, louder)
    if trained:
        _log(path / "log.jsonl")
        (path / "checkpoints" / "step-000120").mkdir(parents=True)
        (path / "checkpoints" / "BEST").write_text("step-000120\n")
    return open_run(path)


def _broken(line: dict[str, object]) -> dict[str, object]:
    return {key: item for key, item in line.items() if key != "value"} | {"error": "<b>not finite</b>"}


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    """Write a run (see `write_run`) that a test may change."""
    return partial(write_run, tmp_path)


@pytest.fixture(scope="session")
def report_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The report of a run as `write_run` makes it, written once a session for each set of options."""

    @cache
    def report(**options: object) -> Path:
        return write_report(write_run(tmp_path_factory.mktemp("run"), **options))  # type: ignore[arg-type]

    return report


def compared(folder: Path, levels: Mapping[str, float], baseline: str | None = None, **options: Any) -> Comparison:
    """A comparison of systems with these names and levels of scores, each one run as `write_run` makes it."""
    runs = {name: write_run(folder, name=name, model=level, **options) for name, level in levels.items()}
    return compare([make_system(name, str(run.path), [read_scored(run.path)]) for name, run in runs.items()], baseline)


@pytest.fixture
def make_comparison(tmp_path: Path) -> Callable[..., Comparison]:
    """Make a comparison (see `compared`)."""
    return partial(compared, tmp_path)


@pytest.fixture(scope="session")
def comparison_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of three systems against a baseline, with two clips."""
    folder = tmp_path_factory.mktemp("comparison")
    levels = {"a_base_line_of_a_long_name": 0.4, "ours": 0.2, "theirs": 0.6}
    comparison = compared(folder, levels, baseline="a_base_line_of_a_long_name")
    return write_comparison(comparison, folder / "comparison.html", clips=2)
