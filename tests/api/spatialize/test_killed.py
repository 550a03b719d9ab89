"""Killed at any moment, or out of room: no output or a complete one, and the next run of the same files continues."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from support.films import noise
from support.full_disk import room

import avspatial
from avspatial.api.load import Trained
from avspatial.progress import no_display

RUNNER = """
import os, signal, sys, time
from pathlib import Path
import avspatial
from avspatial.progress import no_display
from avspatial.api.load import load_trained

model, folder = sys.argv[1:]
trained = load_trained(model, "cpu")
ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT
avspatial.spatialize(folder, trained, progress=no_display)
begun = time.monotonic()
avspatial.spatialize(folder, trained, progress=no_display, force=True)
took = time.monotonic() - begun
print("ready", flush=True)
for wanted in map(str.strip, sys.stdin):
    child = os.fork()
    if not child:
        avspatial.spatialize(folder, trained, progress=no_display)
        os._exit(0)
    if wanted == "writing":
        while not list(Path(folder).glob(".*.part*")) and not os.waitid(os.P_PID, child, ENDED):
            time.sleep(0.001)
    elif wanted != "never":
        time.sleep(float(wanted) * took)
    if wanted != "never":
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print(wanted, flush=True)
"""
"""Spatializes a folder; then, for each line that it reads, again in a new process, which is killed: at that share of
the time that it takes, or when it is `writing` an output, or `never`."""


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def outputs(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*_binaural.mp4")}


@pytest.mark.parametrize(
    "moments",
    [
        ("writing", "0.3", "0.7"),
        pytest.param(("writing", *(f"0.{tenth}" for tenth in range(1, 10))) * 3, marks=pytest.mark.slow),
    ],
    ids=["few", "many"],
)
def test_killed_at_any_moment_and_a_batch_goes_on(
    film: Callable[..., Path], model: Path, tmp_path: Path, moments: tuple[str, ...]
) -> None:
    for name in ("a.mp4", "b.mp4"):
        film(tmp_path / name, seconds=0.8)
    command = [sys.executable, "-c", RUNNER, str(model), str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdin is not None and runner.stdout is not None
        runner.stdout.readline()
        complete = outputs(tmp_path)
        assert len(complete) == 2
        abandoned = 0
        for moment in moments:
            for path in tmp_path.glob("*_binaural.mp4"):
                path.unlink()
            print(moment, file=runner.stdin, flush=True)
            runner.stdout.readline()
            assert outputs(tmp_path).items() <= complete.items()
            abandoned += len(hidden(tmp_path))
            print("never", file=runner.stdin, flush=True)
            runner.stdout.readline()
            assert outputs(tmp_path) == complete
            assert hidden(tmp_path) == []
        # Of three kills on a busy machine perhaps none meets a file that is being written; of thirty some do.
        assert abandoned > 0 or len(moments) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_batch_that_is_asked_to_end_leaves_nothing_unfinished(
    film: Callable[..., Path], model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    for name in ("a.mp4", "b.mp4"):
        film(tmp_path / name, seconds=4)
    arguments = ["spatialize", str(tmp_path), "--run", str(model), "--jobs", "2", "--device", "cpu"]
    with subprocess.Popen(
        [sys.executable, "-m", "avspatial", *arguments], stderr=subprocess.PIPE, text=True
    ) as process:
        while len(hidden(tmp_path)) < 2 and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(number)
        message = process.communicate()[1]
    assert process.returncode == 128 + number, message
    assert "interrupted" in message and "Traceback" not in message
    assert hidden(tmp_path) == []


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "wav", "flac"])
def test_a_full_disk_leaves_nothing_and_is_reported(
    film: Callable[..., Path], trained: Trained, tmp_path: Path, suffix: str
) -> None:
    source, video = film(tmp_path / "in.mkv", audio="flac", seconds=0.6), None
    if suffix in ("wav", "flac"):
        source, video = tmp_path / f"in.{suffix}", source
        soundfile.write(source, noise(28800).T, 48000, "PCM_24")
    out = tmp_path / f"out.{suffix}"
    (result,) = avspatial.spatialize(source, trained, out=out, video=video, progress=no_display).results
    size = out.stat().st_size
    out.unlink()
    before = sorted(tmp_path.iterdir())
    for share in (0.01, 0.5, 0.999):
        with room(int(size * share)):
            (result,) = avspatial.spatialize(source, trained, out=out, video=video, progress=no_display).results
        assert result.state == "failed"
        assert result.error in {
            f"{tmp_path}: no temporary file can be written here (File too large)\n"
            "  Free space, or choose another folder.",
            f"{out}: cannot be written (File too large)\n  Free space, or choose another folder.",
            f"{out}: cannot be written (the file system refused)\n  Free space, or choose another folder.",
            f"{out}: cannot be written (No space left on device)\n  Free space, or choose another folder.",
        }
        assert sorted(tmp_path.iterdir()) == before
    with room(size):
        (result,) = avspatial.spatialize(source, trained, out=out, video=video, progress=no_display).results
    assert result.error == ""


def test_a_folder_that_cannot_be_created_is_reported(
    film: Callable[..., Path], trained: Trained, tmp_path: Path
) -> None:
    source = film(tmp_path / "in.mp4", seconds=0.6)
    (tmp_path / "file").write_text("no folder")
    out = tmp_path / "file" / "out.mp4"
    (result,) = avspatial.spatialize(source, trained, out=out, progress=no_display).results
    assert result.error == f"{out}: its folder cannot be created (File exists)\n  Give another place with -o."
