"""`avspatial compare` as a program: what it prints, where, and how it exits."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.scored_runs import reference_scores, write_scored_run

from avspatial.cli.main import main

CLIPS = 40


def values(seed: int, better: float = 0.0) -> dict[str, np.ndarray]:
    own = np.random.default_rng(seed)
    found = reference_scores(CLIPS) * (1 - better) * (1 + 0.03 * own.standard_normal(CLIPS))
    return {"stft_distance": found, "snr": 6 - found}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """`old`, `new` (3 % better) and `same` as run directories."""
    folder = tmp_path_factory.mktemp("runs")
    systems = {"old": 0.0, "new": 0.03, "same": 0.0}
    return [
        str(write_scored_run(folder, name, values(seed, better), own_rows=["blank_picture", "mirrored_picture"]))
        for seed, (name, better) in enumerate(systems.items())
    ]


def test_it_prints_means_controls_pairs_and_how_to_read_them(
    runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *runs, "--baseline", "old"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = printed.out.splitlines()
    assert lines[:3] == [f"{Path(run).parent.name}: {run}" for run in runs]
    assert "40 clips of 20 recordings, convention fairplay" in lines
    assert "The control conditions" in lines
    at = lines.index(next(line for line in lines if line.startswith("new against old: new minus old")))
    heads = "metric  difference  95 % interval  new is  p  p, Holm  effect  detectable  n  failed"
    assert re.split(r" {2,}", lines[at + 1].strip()) == heads.split("  ")
    found = r"stft_distance ↓ +-0\.\d+ +-0\.\d+ \.\. -0\.\d+ +better +< 0\.001 +< 0\.001 +-0\.\d\d "
    assert re.match(found, lines[at + 2])
    assert re.match(r"snr ↑ \(dB\) +\+0\.\d+ .* better .* \+0\.\d\d +0\.\d+ +40 +0$", lines[at + 3])
    assert printed.out.count("not distinguishable") == 2
    assert lines[-2:] == [
        "95 % cluster bootstrap over recordings; Wilcoxon signed-rank test, Pratt's zeros; Holm over 4 tests; effect: "
        "rank-biserial correlation; detectable: with 80 % power at alpha 0.05, one test.",
        "One training run each: the intervals say nothing about training again with another seed.",
    ]


def test_two_copies_of_one_run(runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(runs[0], tmp_path / "copy")
    assert main(["compare", runs[0], str(tmp_path / "copy"), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    verdicts = [pair["verdict"] for pair in data["pairs"]]
    assert verdicts == ["not distinguishable"] * 2


def test_json_is_one_object_on_one_line(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--json", "--require", "new.snr > old"]) == 0
    printed = capsys.readouterr()
    (line,) = printed.out.splitlines()
    data = json.loads(line)
    assert [one["name"] for one in data["systems"]] == ["old", "new", "same"]
    assert data["required"][0]["holds"] is True
    assert printed.err == f"new.snr > old: holds: {data['required'][0]['why']}\n"
    assert [pair["metric"] for pair in data["pairs"]].count("snr") == 3


def test_markdown_is_ready_to_paste(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--baseline", "old", "--metrics", "snr", "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "**40 clips of 20 recordings, convention fairplay**"
    assert lines[1] == "" and lines[2].startswith("| metric | old | 95 % interval | n | failed | new |")
    assert lines[3] == "| :-- |" + " --: |" * 12
    assert lines[4].startswith("| snr ↑ (dB) | ") and lines[4].count("|") == 14
    assert "**new against old: new minus old**" in lines
    assert lines[-1].startswith("- One training run each")


def test_csv_has_every_number_in_full(runs: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *runs, "--baseline", "old", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    pair = next(row for row in rows if (row["metric"], row["system"], row["against"]) == ("snr", "new", "old"))
    d = values(1, 0.03)["snr"] - values(0)["snr"]
    assert float(pair["difference"]) == pytest.approx(d.mean(), rel=1e-12)
    assert (pair["verdict"], pair["n"], pair["mean"]) == ("better", "40", "")
    own = [row["system"] for row in rows if row["metric"] == "snr" and not row["against"]]
    assert own[:3] == ["old", "new", "same"] and "mono" in own and "blank_picture (new)" in own


@pytest.mark.parametrize(
    ("statement", "code"), [("new.stft_distance < baseline", 0), ("model.stft_distance < baseline", 1)]
)
def test_a_required_statement_decides_the_exit_code(
    runs: list[str], statement: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *runs, "--baseline", "old", "--require", "new.snr > old", "--require", statement]) == code
    lines = capsys.readouterr().out.splitlines()[-2:]
    assert lines[0].startswith("new.snr > old: holds: new is higher (difference +0.")
    expected = "holds: new is lower" if code == 0 else "does not hold: not distinguishable"
    assert lines[1].startswith(f"{statement}: {expected} (difference ")


def test_failed_clips_are_reported_on_stderr(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = write_scored_run(tmp_path, "broken", values(0), broken={"000003": "no file", "000004": "nan"})
    assert main(["compare", runs[0], str(broken), "--csv"]) == 0
    assert capsys.readouterr().err == "2 of 40 clips of broken failed; the pairs are without them.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--json", "--csv"], "error: --json, --markdown and --csv exclude each other\n  Give one of them.\n"),
        (["--require", "snr"], "error: --require: 'snr' is not understood\n"),
        (["--splits", "10-1"], "error: --splits: 10-1 counts down\n  Give the lower number first, as in 1-10.\n"),
        (["--splits", "1,1"], "error: --splits: '1,1' names no split, or one twice\n  Give them as in 1-10 or 1,3.\n"),
        (
            ["nothing"],
            "error: nothing: there is no such folder or file, and no shipped recipe of that name\n"
            "  Name a run directory, a folder of runs, what `avspatial evaluate --save DIR` saved, outputs, or a "
            "recipe (`avspatial recipes list` lists the shipped ones).\n",
        ),
        (
            ["sagm_dem"],
            "error: sagm_dem: there is no such folder or file, and no shipped recipe of that name (did you mean "
            "'sagm_demo'?)\n",
        ),
    ],
)
def test_errors_exit_2_without_a_traceback(
    runs: list[str], arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", runs[0], *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(message) and printed.out == ""


@pytest.mark.parametrize("width", [80, 200])
def test_no_line_is_wider_than_the_terminal_and_no_name_is_cut(runs: list[str], width: int) -> None:
    from avspatial.api.compare import compare
    from avspatial.report.comparison.tables import fitting, tables

    for table in tables(compare(runs)):
        pieces = fitting(table, width)
        assert [column for piece in pieces for column in piece.columns[1:]] == list(table.columns[1:])
        for piece in pieces:
            size = sum(2 + max(map(len, (column.heading, *column.cells))) for column in piece.columns) - 2
            assert size <= width
