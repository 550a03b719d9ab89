"""`avspatial evaluate` as a program: what it prints, where, and how it exits."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avspatial.cli.main import main
from avspatial.evaluation.scoring.score_schema import read_summary
from avspatial.media.audio import write_wav

RATE = 16000


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Three clips in the official layout."""
    for number in range(3):
        generator = np.random.default_rng(number)
        reference = 0.1 * generator.standard_normal((2, 4000))
        prediction = reference + 0.01 * generator.standard_normal((2, 4000))
        write_wav(tmp_path / "outputs" / f"clip{number}" / "predicted_binaural.wav", prediction, RATE)
        write_wav(tmp_path / "outputs" / f"clip{number}" / "input_binaural.wav", reference, RATE)
    return tmp_path / "outputs"


def test_a_table_with_the_convention_and_the_mono_row(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(outputs), "--metrics", "snr,stft_distance", "--convention", "raw"]) == 0
    printed = capsys.readouterr()
    title, heads, snr, distance = printed.out.splitlines()
    assert title.strip() == "3 clips, convention raw"
    assert heads.split() == ["metric", "model", "sd", "95", "%", "interval", "n", "failed", "mono"]
    assert snr.split()[:3] == ["snr", "↑", "(dB)"] and snr.split()[-3:-1] == ["3", "0"]
    assert distance.split()[:2] == ["stft_distance", "↓"]
    assert printed.err.startswith("Scoring clips (3) ...\nScoring clips (3): ")


def test_one_line_of_json_which_is_what_is_saved(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", str(outputs), "--metrics", "snr", "--json", "--save", str(tmp_path / "kept")]
    assert main(command) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1 and json.loads((tmp_path / "kept" / "summary.json").read_text()) == json.loads(line)
    keys = ["schema", "convention", "versions", "clips", "failed", "metrics", "conditions", "interval"]
    assert list(json.loads(line)) == keys
    assert main(command) == 0
    printed = capsys.readouterr()
    assert printed.out == line and printed.err == ""  # nothing was left to do
    assert main([*command[:-3], "--save", str(tmp_path / "kept")]) == 0
    assert "mono" not in capsys.readouterr().out  # the rows that were saved


def test_failures_are_listed_and_the_exit_code_is_one(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (outputs / "clip1" / "input_binaural.wav").unlink()
    write_wav(outputs / "clip2" / "predicted_binaural.wav", np.ones((2, 3999)), RATE)
    assert main(["evaluate", str(outputs), "--metrics", "snr", "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["failed"] == 2
    lengths = "the prediction has 3999 samples, the reference 4000 (`avspatial evaluate --trim` cuts to the shorter)"
    assert printed.err.splitlines()[-3:] == [
        "2 of 3 clips failed:",
        f"  clip1: {outputs}/clip1/input_binaural.wav: no such audio file",
        f"  clip2: {lengths}",
    ]
    assert main(["evaluate", str(outputs), "--metrics", "snr", "--trim", "--json"]) == 1
    assert "note: reference cut by 1 sample (1 of 3 clips)\n" in capsys.readouterr().err


def test_only_the_first_ten_failures_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"p{number:02d}.wav,r.wav\n" for number in range(12))
    (tmp_path / "pairs.csv").write_text("prediction,reference\n" + rows)
    assert main(["evaluate", str(tmp_path / "pairs.csv"), "--metrics", "snr", "--json"]) == 1
    listed = capsys.readouterr().err.splitlines()[-12:]
    assert listed[0] == "12 of 12 clips failed:" and listed[1].startswith("  p00: ")
    assert listed[-1] == "  and 2 more (`--save DIR` keeps all of them)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--metrics", "snrr"], "error: unknown metric 'snrr' (did you mean 'snr'?)\n"),
        (["--convention", "rw"], "error: unknown convention 'rw' (did you mean 'raw'?)\n"),
        (["--controls", "mno"], "error: unknown control condition 'mno' (did you mean 'mono'?)\n"),
    ],
)
def test_errors_exit_with_two(
    outputs: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(outputs), *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(message) and printed.out == ""


def test_nothing_to_score_exits_with_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}: holds nothing to score\n")


def test_scoring_waits_for_no_network_library(outputs: Path) -> None:
    """torch takes two seconds to import, as long as a dozen clips to score; scipy.signal most of one."""
    code = (
        "import sys; from avspatial.cli.main import main; main(['evaluate', *sys.argv[1:], '--json']);"
        "print([m for m in ('torch', 'scipy.signal', 'scipy.stats', 'h5py', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, outputs], capture_output=True, text=True, check=True, cwd=outputs.parent
    )
    assert json.loads(done.stdout.splitlines()[0])["clips"] == 3
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.fixture
def many(outputs: Path) -> Path:
    """200 clips, which take some seconds."""
    for name in range(3, 200):
        (outputs / f"clip{name}").mkdir()
        for file in ("predicted_binaural.wav", "input_binaural.wav"):
            os.link(outputs / f"clip{name % 3}" / file, outputs / f"clip{name}" / file)
    return outputs


def asked_to_end(words: list[str], number: signal.Signals, begun: Callable[[], bool]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a program that gets a signal when it has begun."""
    command = [sys.executable, "-m", "avspatial", *words, "--jobs", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        deadline = time.monotonic() + 60
        assert program.stderr is not None
        printed = program.stderr.readline()
        while not begun() and time.monotonic() < deadline:
            time.sleep(0.005)
        program.send_signal(number)
        out, err = program.communicate(timeout=60)
    return program.returncode, out, printed + err


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)])
def test_a_signal_keeps_what_is_scored_and_says_how_to_go_on(
    many: Path, tmp_path: Path, number: signal.Signals
) -> None:
    kept = tmp_path / "kept"
    words = ["evaluate", str(many), "--metrics", "snr,mrstft", "--save", str(kept)]
    lines = kept / "clips.jsonl"
    code, out, err = asked_to_end(words, number, lambda: lines.exists() and lines.stat().st_size > 0)
    assert code == 128 + number and out == ""
    message = re.search(rf"^error: {kept}: interrupted; (\d+) of 200 clips are scored\n", err, re.MULTILINE)
    assert message is not None and err.endswith("  Give the same command again to go on.\n"), err
    assert 0 < int(message[1]) < 200 and len(lines.read_text().splitlines()) == int(message[1])
    assert sorted(path.name for path in kept.iterdir()) == ["clips.jsonl", "evaluation.json", "scores.jsonl"]
    assert main(words) == 0
    summary = read_summary(kept / "summary.json")
    assert (summary.clips, summary.failed) == (200, 0)


def test_a_signal_where_nothing_is_kept_says_how_to_keep_it(many: Path) -> None:
    code, out, err = asked_to_end(["evaluate", str(many), "--metrics", "snr,mrstft"], signal.SIGTERM, lambda: True)
    assert code == 143 and out == ""
    what, fix = err.splitlines()[-2:]
    assert re.fullmatch(r"error: interrupted; \d+ of 200 clips are scored, and none is kept", what)
    assert fix == "  `--save DIR` keeps them, to go on from."
