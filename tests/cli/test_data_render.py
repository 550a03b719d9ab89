"""`avspatial data render`: what it prints, and that its files are read back; an hour takes the memory of a minute."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.long_films import long_film

from avspatial.cli.main import main


def data_render(*arguments: object) -> int:
    return main(["data", "render", *map(str, arguments)])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scenes") / "set"
    options = ["--clips", "6", "--seconds", "0.5", "--set", "picture=[36, 64]", "--split", "0.4", "0.3", "0.3"]
    assert main(["data", "simulate", str(root), *options]) == 0
    return root


def test_it_prints_what_it_wrote_and_how_to_read_it(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert data_render(scenes, out, "--size", 36, 64) == 0
    assert capsys.readouterr().out == (
        f"6 clips in {out} (train 2, val 2, test 2), from {scenes}, read as simulated\n"
        f"In a recipe: data: {{use: fairplay, root: {out}}}\n"
    )
    assert main(["data", "check", str(out)]) == 0
    assert f"{out}, read as fairplay (guessed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "35", "64"], "Invalid value for --size: needs two even numbers from 16 on"),
        (["--set", "clipss=1"], "--set clipss: no such key (did you mean 'clips'?)"),
        (["--use", "simulatd"], "error: unknown dataset 'simulatd' (did you mean 'simulated'?)"),
    ],
)
def test_errors_come_before_anything_is_written(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert data_render(scenes, tmp_path / "out", *arguments) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


_MEASURED = """\
import re, sys
from pathlib import Path
from avspatial.cli.main import main
code = main(sys.argv[1:])
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
sys.exit(code)
"""


def peak_memory(root: Path, out: Path) -> int:
    """Peak resident memory in KiB of rendering a folder in a program of its own."""
    options = ["--use", "folder", "--set", "seconds=10", "--size", "72", "128", "--fps", "5", "--jobs", "1"]
    command = [sys.executable, "-c", _MEASURED, "data", "render", str(root), str(out), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_twenty_minutes_take_the_memory_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    memory = {}
    for minutes in (1, 20):
        root = tmp_path / f"films {minutes}"
        root.mkdir()
        for name, seconds in (("one", 60 * minutes), ("two", 80), ("three", 100)):  # equal films are one recording
            long_film(root / f"{name}.mp4", seconds, channels=2)
        (root / "reel.mp4").unlink()
        memory[minutes] = peak_memory(root, tmp_path / f"out {minutes}")
    assert memory[20] < 1.1 * memory[1]
