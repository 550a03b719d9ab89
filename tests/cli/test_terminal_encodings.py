"""Terminals and pipes that are not UTF-8: what they lack is escaped, as on stderr, and nothing ends in a traceback."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.scored_runs import reference_scores, write_scored_run

from avspatial.cli.main import main

CLIP = "flûte ↓"
ENCODINGS = pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "utf-8"])
TABLES = [
    "--help",
    "published --table clup",
    "published --audit",
    "metrics list",
    "plugins list",
    "plugins show snr",
    "recipes list",
    "recipes show panner_demo",
    "recipes reference",
    "recipes schema",
    "doctor",
    "evaluate {outputs} --metrics snr,stft_distance",
    "compare {old} {new}",
    "compare {old} {new} --csv",
    "compare {old} {new} --markdown",
    "leaderboard build {board} --metrics snr",
]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("plätze")
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1600, 2))
    for place in (folder / "out" / CLIP, folder / "board" / "systém ↑" / CLIP):
        place.mkdir(parents=True)
        for stem in ("predicted_binaural", "input_binaural"):
            soundfile.write(place / f"{stem}.wav", audio, 16000)
    scores = reference_scores(8)
    runs = {name: write_scored_run(folder, f"{name} ↓", {"snr": scores + at}) for at, name in enumerate(("old", "new"))}
    return {"outputs": folder / "out", "board": folder / "board", **runs}


def printed(monkeypatch: pytest.MonkeyPatch, encoding: str, arguments: list[str]) -> tuple[int, str]:
    """Exit code and what a terminal of that encoding shows."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    code = main(arguments)
    stream.flush()
    return code, stream.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]


@ENCODINGS
@pytest.mark.parametrize("command", TABLES)
def test_every_table_is_printed(
    command: str, encoding: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    arguments = [word.format_map({name: str(path) for name, path in places.items()}) for word in command.split()]
    code, text = printed(monkeypatch, encoding, arguments)
    assert code == 0 and text
    assert "Traceback" not in capsys.readouterr().err


def test_a_character_that_is_lacking_is_escaped(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["evaluate", str(places["outputs"]), "--metrics", "snr"]
    assert r"snr \u2191 (dB)" in printed(monkeypatch, "cp1252", command)[1]
    assert "snr ↑ (dB)" in printed(monkeypatch, "utf-8", command)[1]


@ENCODINGS
def test_json_stays_json(encoding: str, places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = printed(monkeypatch, encoding, ["compare", str(places["old"]), str(places["new"]), "--json"])
    assert code == 0
    assert [system["origin"] for system in json.loads(text)["systems"]] == [str(places["old"]), str(places["new"])]


def test_a_program_with_an_ascii_stdout(places: dict[str, Path]) -> None:
    command = [sys.executable, "-m", "avspatial", "published", "--table", "clup"]
    done = subprocess.run(command, env={**os.environ, "PYTHONIOENCODING": "ascii"}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert rb"STFT \u2193" in done.stdout
