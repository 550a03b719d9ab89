"""The report: one self-contained HTML file, made from a run directory alone."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avspatial.atomic import write_text
from avspatial.report.parts.template import render
from avspatial.report.run.clip_choice import choose_clips
from avspatial.report.run.clips import clip_views
from avspatial.report.run.plots import standing_plots, term_plots
from avspatial.report.run.record import Record, read_record
from avspatial.report.run.table import row_label, score_table
from avspatial.runs.directory import Run
from avspatial.text import counted, pace

_BUDGET = 11_000_000
"""Bytes that clips may add to the page."""
_REWARD_MONO = ("stft_distance", "envelope_distance")


def _steps(record: Record) -> dict[str, Any]:
    """Steps, epochs, speed and waiting time of the training."""
    train = record.events("train")
    if not train:
        return {}
    speeds = [r["clips_per_second"] for r in train if r.get("clips_per_second") is not None]
    waits = [r["waiting"] for r in train if r.get("waiting") is not None]
    return {
        "steps": max(int(r["step"]) for r in train),
        "epochs": 1 + max(int(r.get("epoch", 0)) for r in train),
        "speed": pace(statistics.median(speeds), "clip") if speeds else None,
        "waiting": f"{100 * statistics.fmean(waits):.1f}" if waits else None,
    }


def _best_step(run: Run) -> int | None:
    """The step of the best checkpoint, if there is one."""
    if not (run.checkpoints / "BEST").is_file():
        return None
    return int(run.checkpoint("BEST").name.removeprefix("step-"))


def _component(recipe: Mapping[str, Any], key: str) -> str:
    """The short name of a component, without plugin and version."""
    return str(recipe.get(key, {}).get("use", "–")).partition("@")[0].rpartition(".")[2]


def _facts(record: Record, steps: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Terms and values in the head of the page."""
    recipe, summary = record.recipe, record.summary
    window = recipe.get("window", {})
    facts = [
        ("Convention", summary.convention),
        ("Clips scored", str(summary.clips)),
        ("Failed", str(summary.failed)),
        ("Seed", str(recipe.get("seed", "–"))),
        ("Data", _component(recipe, "data")),
        ("Model", _component(recipe, "model")),
        ("Trainer", _component(recipe, "trainer")),
        ("Window", f"{window['seconds']:g} s at {window['rate']} Hz" if {"seconds", "rate"} <= set(window) else "–"),
        ("Gain", window.get("gain", "–").replace("_", " ")),
        ("Training", counted(steps["steps"], "step") if steps else "none"),
    ]
    versions = record.facts.get("versions", {})
    installed = [f"{name} {versions[name]}" for name in ("avspatial", "torch") if name in versions]
    facts.append(("Versions", ", ".join(installed) or "–"))
    if steps.get("speed"):
        facts.append(("Speed", steps["speed"]))
    if steps.get("waiting"):
        facts.append(("Waiting for data", f"{steps['waiting']} % of the time"))
    return facts


def _flat(facts: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested data as a list of dotted names and values."""
    rows: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, Mapping):
            rows += _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            items = (" ".join(map(str, item.values())) if isinstance(item, Mapping) else str(item) for item in value)
            rows.append((prefix + key, ", ".join(items) or "–"))
        else:
            rows.append((prefix + key, "–" if value is None else str(value)))
    return rows


def _failures(record: Record) -> list[dict[str, str]]:
    """One row per clip and error, with its conditions and metrics."""
    return [
        {
            "clip": clip,
            "error": error,
            "conditions": ", ".join(dict.fromkeys(row_label(row)[0] for row, _ in affected)),
            "metrics": ", ".join(dict.fromkeys(metric for _, metric in affected)),
        }
        for (clip, error), affected in record.errors().items()
    ]


def write_report(run: Run, clips: Sequence[str] = ()) -> Path:
    """Write `report.html` into the run directory and return its path.

    clips: ids to show [default: the best, the median and the worst by `stft_distance`]. Raises RunError for a run
    without scores, a damaged file or an id without outputs; DataError for a damaged truth.json; OSError if the page
    cannot be written.
    """
    record = read_record(run)
    steps, best_step = _steps(record), _best_step(run)
    shown, left_out = clip_views(record, choose_clips(record, clips), _BUDGET)
    table = score_table(record.summary)
    page = render(
        "page.html.j2",
        ("page.css",),
        "player.js",
        name=record.recipe.get("name", run.path.name),
        run=run.path.name,
        facts=_facts(record, steps),
        reference_gain=record.recipe.get("window", {}).get("gain") == "reference_stereo",
        overlap=record.recipe.get("data", {}).get("overlap") == "allow",
        summary=record.summary,
        table=table,
        rewards_mono=[head.name for head in table.headings if head.name in _REWARD_MONO],
        standings=standing_plots(record),
        clips=shown,
        left_out=left_out,
        training=term_plots(record, "train"),
        validation=term_plots(record, "validate", best_step),
        best_step=best_step,
        failures=_failures(record),
        provenance=_flat(record.facts),
        recipe_text=record.recipe_text,
    )
    write_text(run.report, page)
    return run.report
