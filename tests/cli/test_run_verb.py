"""`avspatial run` as a program: what it prints, where, and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from avspatial.cli.main import main
from avspatial.cli.table import score_tables
from avspatial.evaluation.scoring.score_schema import Mean, MetricInfo, Summary

RECIPE = """\
schema: 1
name: tiny
data: {use: simulated, clips: 6, seconds: 1.2, picture: [48, 64], root: ROOT}
window: {seconds: 1.0, picture: [32, 32]}
model:
  use: masking
  visual_encoder: null
  audio_encoder: {use: unet, width: 0.03125}
  mask_generator: {use: unet}
trainer: {use: supervised, steps: 5, batch_size: 2}
metrics: [snr]
smoke: {trainer: {steps: 1}}
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("verb")
    (folder / "tiny.yaml").write_text(RECIPE.replace("ROOT", str(folder / "scenes")))
    return folder / "tiny.yaml"


@pytest.fixture(autouse=True)
def cache(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(recipe.parent / "cache"))


def test_results_on_stdout_the_rest_on_stderr(recipe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--runs", str(tmp_path), "--device", "cpu"]
    assert main(["run", str(recipe), "--smoke", "--json", "--name", "mine", "--set", "seed=3", *common]) == 0
    printed = capsys.readouterr()
    last = json.loads(printed.out.splitlines()[-1])
    assert list(last) == ["run", "summary"] and len(printed.out.splitlines()) == 1
    run = Path(last["run"])
    assert run.parent == tmp_path / "mine"
    assert last["summary"] == json.loads((run / "summary.json").read_text())
    assert "step 1/1" in printed.err and "Spatializing clips (2)" in printed.err

    assert main(["run", "--resume", str(run)]) == 0
    printed = capsys.readouterr()
    assert printed.err == f"{run} is finished already; nothing was done.\n"
    lines = printed.out.splitlines()
    assert lines[0].strip() == "2 clips, convention fairplay"
    controls = ["mono", "swapped", "reference", "level_panned", "blank_picture", "mirrored_picture"]
    assert lines[1].split() == ["metric", "model", "sd", "95", "%", "interval", "n", "failed", *controls]
    snr = last["summary"]["conditions"]["model"]["snr"]
    low, high = snr["ci95"]
    expected = f"snr ↑ (dB) {snr['mean']:.3f} {snr['sd']:.3f} {low:.3f} .. {high:.3f} 2 0".split()
    assert lines[2].split()[: len(expected)] == expected
    assert lines[-1] == f"Report: {run / 'report.html'}"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            [],
            "error: there is nothing to run\n  Give a recipe, such as sagm_demo (`avspatial recipes list` lists the "
            "shipped ones), or a run to resume (--resume RUN).\n",
        ),
        (  # neither the data nor the pretrained weights are there: the missing data are reported first
            ["sagm_fairplay"],
            "error: /nowhere/FAIR-Play: the data root is not there\n"
            "  Get FAIR-Play from https://github.com/facebookresearch/FAIR-Play (videos/, binaural_audios/ and splits/ "
            "in one\n  folder) and name that folder: --set data.root=DIR. To try avspatial without it, on simulated "
            "scenes:\n  avspatial run sagm_demo\n",
        ),
        (
            ["sagm_dem"],
            "sagm_dem: there is no such file, and no shipped recipe of that name (did you mean 'sagm_demo'?)\n"
            "  `avspatial recipes list` lists the shipped ones.\n",
        ),
    ],
)
def test_errors_exit_2_without_a_traceback(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/nowhere")
    assert main(["run", *arguments]) == 2
    assert capsys.readouterr().err == message


@pytest.mark.parametrize("columns", ["80", "240"])
def test_no_name_is_cut_short_in_a_terminal(columns: str) -> None:
    mean = Mean(mean=110.5678, sd=1.5, ci95=(101.25, 130.5), n=30, failed=0)
    controls = ["mono", "swapped", "reference", "level_panned", "blank_picture", "mirrored_picture"]
    info = MetricInfo(higher_is_better=False)
    names = ["envelope_distance", "magnitude_distance"]
    conditions = {name: dict.fromkeys(names, mean) for name in ("model", *controls)}
    metrics = dict.fromkeys(names, info)
    summary = Summary(convention="fairplay", clips=30, failed=0, metrics=metrics, conditions=conditions)
    console = Console(width=int(columns))
    with console.capture() as printed:
        for table in score_tables(summary, console):
            console.print(table)
    text = printed.get()
    assert "…" not in text and max(map(len, text.splitlines())) <= int(columns)
    assert text.count("envelope_distance ↓") == (2 if columns == "80" else 1)
    assert text.count("110.568") == 2 * (1 + len(controls))
    assert text.count("101.250 .. 130.500") == 2
