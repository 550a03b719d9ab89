"""`avspatial spatialize` and `avspatial export` as programs: outputs, exit codes, and what is never written over."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from support.films import BLIND, moving, noise, read_track, tiny, write_film

from avspatial.api.load import load_trained
from avspatial.cli.main import main
from avspatial.inference.options import computes_bf16
from avspatial.registry import Registry
from avspatial.runs.model_file import write_model_file


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, builtin_registry: Registry) -> str:
    folder = tmp_path_factory.mktemp("model")
    write_model_file(folder / "tiny.safetensors", tiny(folder, builtin_registry, BLIND).to_model_file())
    return str(folder / "tiny.safetensors")


def clip(path: Path, seconds: float = 0.5, level: float = 0.1) -> Path:
    count = max(1, round(seconds * 10))
    sound = noise(round(seconds * 16000), level=level)
    return write_film(path, seconds=seconds, pictures=moving(count, 32, 32), sound=sound, rate=16000)


def test_a_folder_is_done_once_and_the_rest_of_it_later(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip(tmp_path / "a.mp4")
    assert main(["spatialize", str(tmp_path), "--run", model, "--json"]) == 0
    clip(tmp_path / "deeper.mp4")
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    capsys.readouterr()
    assert main(["spatialize", str(tmp_path), "--run", model, "--json"]) == 1
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["done"], summary["skipped"], summary["failed"]) == (1, 1, 1)
    assert [file["state"] for file in summary["files"]] == ["skipped", "failed", "done"]
    assert f"error: {tmp_path / 'broken.mp4'}: not a readable video" in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.mp4", "a_binaural.mp4", "broken.mp4", "deeper.mp4", "deeper_binaural.mp4",
    ]  # fmt: skip


def test_a_named_file_is_not_written_over(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = clip(tmp_path / "a.mp4")
    out = tmp_path / "a_binaural.mp4"
    out.write_bytes(b"mine")
    assert main(["spatialize", str(source), "--run", model]) == 2
    assert capsys.readouterr().err == (f"error: {out}: already exists\n  Give another name with -o, or --force.\n")
    assert out.read_bytes() == b"mine"
    assert main(["spatialize", str(source), "--run", model, "--force"]) == 0
    assert out.stat().st_size > 1000


def test_a_dry_run_writes_nothing(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = clip(tmp_path / "a.mp4")
    assert main(["spatialize", str(source), "--run", model, "--dry-run"]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first == (
        f"{source} -> {tmp_path / 'a_binaural.mp4'}: 0.5 s; h264 video of 32x32, copied; "
        "aac at 16000 Hz, mono to ALAC, 24 bit, stereo"
    )
    assert last.startswith("1 file, 0 s of audio: about") and last.endswith("Nothing was written.")
    assert list(tmp_path.iterdir()) == [source]


def test_a_dry_run_that_finds_nothing_to_do_says_so(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    assert main(["spatialize", str(tmp_path), "--run", model, "--dry-run"]) == 1
    assert capsys.readouterr().out == "Nothing to do: 0 skipped, 1 failed.\n"
    (tmp_path / "a.mp4").unlink()
    assert main(["spatialize", str(clip(tmp_path / "b.mp4")), "--run", model]) == 0
    capsys.readouterr()
    assert main(["spatialize", str(tmp_path), "--run", model, "--dry-run"]) == 0
    assert capsys.readouterr().out == "Nothing to do: 1 skipped, 0 failed.\n"


def test_a_dry_run_in_json(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--model` is another name of `--run`."""
    source = clip(tmp_path / "a.mp4")
    assert main(["spatialize", str(source), "--model", model, "--dry-run", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    (file,) = summary.pop("files")
    assert set(summary) == {"model", "done", "skipped", "failed", "planned", "real_time_factor", "memory"}
    assert set(file) == {
        "input", "output", "state", "video", "audio", "seconds", "rate", "output_bytes", "temporary_bytes",
    }  # fmt: skip
    assert (file["video"], file["audio"]) == (
        "h264 video of 32x32, copied", "aac at 16000 Hz, mono to ALAC, 24 bit, stereo",
    )  # fmt: skip


def test_silence_is_no_sound_to_spatialize(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = clip(tmp_path / "a.mp4", level=0)
    assert main(["spatialize", str(source), "--run", model]) == 1
    assert capsys.readouterr().err == f"error: {source}: its audio is silent, so there is nothing to spatialize\n"
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.mp4"], "error: nowhere.mp4: no such file or folder\n"),
        (["a.mp4", "--out", "x.webm"], "error: x.webm: .webm holds Opus audio, which is always at 48000 Hz; this audio "
         "is at 16000 Hz\n  Give a name that ends in .mkv, which holds the same video and audio of any rate.\n"),
        (["a.mp4", "--out", "x.avi"], "error: x.avi: a video file cannot be written as .avi\n"
         "  Give a name that ends in one of .mp4, .m4v, .mov, .mkv, .webm, or an existing folder.\n"),
        (["a.mp4", "--out", "a.mp4", "--force"], "error: a.mp4: an input cannot be its own output\n"
         "  Give another name with -o.\n"),
        (["a.mp4", "--video", "a.mp4"], "error: a.mp4: --video gives images to one wav or flac file\n"
         "  Give that file as input.\n"),
    ],
)  # fmt: skip
def test_impossible_requests_are_refused(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    clip(Path("a.mp4"))
    assert main(["spatialize", *arguments, "--run", model]) in {1, 2}
    assert capsys.readouterr().err == message
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.skipif(computes_bf16(torch.device("cpu")), reason="this CPU computes in bf16")
def test_bf16_is_refused_where_it_is_only_slower(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = clip(tmp_path / "a.mp4")
    assert main(["spatialize", str(source), "--run", model, "--precision", "bf16", "--device", "cpu"]) == 2
    assert capsys.readouterr().err == (
        "error: precision: this machine's CPU has no bf16 arithmetic: it would take many times as long as fp32\n"
        "  Use fp32, the default. The mode `continuous` or another --device makes it faster here.\n"
    )
    assert list(tmp_path.iterdir()) == [source]


def test_a_damaged_model_file_is_refused(model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = bytearray(Path(model).read_bytes())
    content[-5] ^= 1
    (tmp_path / "m.safetensors").write_bytes(content)
    source = clip(tmp_path / "a.mp4")
    assert main(["spatialize", str(source), "--run", str(tmp_path / "m.safetensors")]) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path / 'm.safetensors'}: damaged: its contents do not match its hash\n"
        "  Export it again: avspatial export RUN -o FILE.safetensors.\n"
    )


def test_an_exported_model_is_the_model(model: str) -> None:
    first = load_trained(model, "cpu")
    assert first.to_model_file().digest == load_trained(model, "cpu").to_model_file().digest
    assert first.recipe.name == "tiny" and not first.spatializer.training


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interruption_leaves_complete_outputs_or_none(model: str, tmp_path: Path, jobs: int) -> None:
    sources = [clip(tmp_path / f"{name}.mp4", seconds=8) for name in "ab"]
    command = [sys.executable, "-m", "avspatial", "spatialize", str(tmp_path), "--run", model, "--jobs", str(jobs)]
    program = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    begun = time.monotonic()
    # While an output is being written: its first half has a hidden name.
    while time.monotonic() - begun < 120 and program.poll() is None and not list(tmp_path.glob(".*.part*")):
        time.sleep(0.01)
    program.send_signal(signal.SIGINT)
    _, captured = program.communicate(timeout=120)
    if program.returncode == 0:
        return  # it was done first
    assert program.returncode == 130
    assert captured.endswith("interrupted; no file is incomplete. Give the same command again to continue.\n")
    assert "Traceback" not in captured
    for out in set(tmp_path.iterdir()) - set(sources):
        assert read_track(out)[0].shape == (2, 128000)
