"""Files with several tracks: which audio is used, and what a track that FFmpeg does not know, or a bug, leaves done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from support.films import furnish, moving, noise, read_track, spatialize_one, write_film
from torch import Tensor

import avspatial
from avspatial.api.load import Trained
from avspatial.cli.main import main
from avspatial.progress import no_display


def joined(films: Sequence[Path], out: Path, languages: Sequence[str] = (), default: int = 0) -> Path:
    """One file with the tracks of all films; audio tracks get the languages, and that of film `default` is marked."""
    inputs = [av.open(str(film)) for film in films]
    with av.open(str(out), "w") as target:
        copies: dict[tuple[int, int], Any] = {}
        for number, container in enumerate(inputs):
            for stream in container.streams:
                copy = target.add_stream_from_template(stream, opaque=True)
                if stream.type == "audio":
                    copy.metadata["language"] = [*languages, "und", "und"][number]
                    copy.disposition = Disposition.default if number == default else Disposition(0)
                copies[number, stream.index] = copy
        for number, container in enumerate(inputs):
            for packet in container.demux():
                if packet.size:
                    packet.stream = copies[number, packet.stream_index]
                    target.mux(packet)
            container.close()
    return out


def renamed(path: Path, code: bytes, nth: int) -> Path:
    """The file with its nth track of that codec named by a code that FFmpeg does not know."""
    data = path.read_bytes()
    at = -1
    for _ in range(nth + 1):
        at = data.index(code, at + 1)
    path.write_bytes(data[:at] + b"zzzz" + data[at + 4 :])
    return path


def notes(source: Path, trained: Trained, **options: Any) -> tuple[str, ...]:
    result = spatialize_one(source, trained, **options)
    assert result.done is not None
    return result.done.notes


@pytest.mark.parametrize("keep_original", [False, True])
def test_a_second_audio_track_of_an_unknown_codec_is_left_out_by_name(
    trained: Trained, tmp_path: Path, keep_original: bool
) -> None:
    film = write_film(tmp_path / "a.mov", seconds=0.8, audio="pcm_s16le")
    more = write_film(tmp_path / "b.mov", seconds=0.8, audio="pcm_s16le", video=None)
    source = renamed(joined([film, more], tmp_path / "in.mov"), b"sowt", 1)
    assert notes(source, trained, keep_original=keep_original) == (
        "of 2 audio tracks the default one was used (number 1)",
        "left out: audio (unknown)",
    )


def test_an_unknown_audio_track_in_front_leaves_the_known_one(trained: Trained, tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mov", seconds=0.8, audio="pcm_s16le")
    more = write_film(tmp_path / "b.mov", seconds=0.5, audio="pcm_s16le", video=None)
    source = renamed(joined([film, more], tmp_path / "in.mov"), b"sowt", 0)
    assert notes(source, trained) == (
        "of 2 audio tracks the first that can be read was used (number 2)",
        "left out: audio (unknown)",
    )
    assert read_track(tmp_path / "in_binaural.mov")[0].shape == (2, 24000)


def test_unknown_subtitles_and_a_second_unknown_video_are_left_out_by_name(trained: Trained, tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mp4", seconds=0.8)
    source = renamed(furnish(film, tmp_path / "words.mp4", "mov_text"), b"tx3g", 0)
    assert notes(source, trained) == ("left out: data (unknown, fra)",)
    more = write_film(tmp_path / "b.mov", seconds=0.8, audio=None)
    source = renamed(joined([film, more], tmp_path / "videos.mov"), b"avc1", 1)
    assert notes(source, trained) == ("left out: video (unknown)",)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_the_default_audio_track_is_used_and_named(trained: Trained, tmp_path: Path, suffix: str) -> None:
    film = write_film(tmp_path / f"a.{suffix}", seconds=0.8, audio="alac")
    more = write_film(tmp_path / f"b.{suffix}", seconds=0.8, audio="alac", video=None, sound=noise(38400, level=0.01))
    source = joined([film, more], tmp_path / f"in.{suffix}", ["deu", "eng"], default=1)
    assert notes(source, trained) == (
        "of 2 audio tracks the default one was used (number 2, eng)",
        "left out: audio (alac, deu)",
    )
    mono = read_track(source.with_name(f"in_binaural.{suffix}"))[0].mean(0)
    assert np.abs(mono).max() < 0.1


@pytest.mark.parametrize("out", ["out.mov", "out.mp4", "out.mkv"])
def test_a_time_code_is_kept_and_not_called_left_out(trained: Trained, tmp_path: Path, out: str) -> None:
    film = write_film(tmp_path / "a.mov", seconds=0.8, fps=25)
    source = tmp_path / "in.mov"
    with av.open(str(film)) as container, av.open(str(source), "w") as target:
        target.metadata["timecode"] = "01:02:03:04"
        copies = {stream.index: target.add_stream_from_template(stream, opaque=True) for stream in container.streams}
        copies[0].codec_context.framerate = 25  # the encoder's own is 1000
        for packet in container.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    assert notes(source, trained, out=tmp_path / out) == ()
    with av.open(str(tmp_path / out)) as container:
        stated = [container.metadata, *(stream.metadata for stream in container.streams)]
        assert "01:02:03:04" in [metadata.get(key) for metadata in stated for key in ("timecode", "TIMECODE")]


def failing(trained: Trained) -> Trained:
    """The model with a bug: it divides by zero where an image is white."""

    class Failing(type(trained.spatializer)):  # type: ignore[misc]
        def encode_images(self, images: Tensor) -> Tensor | None:
            1 // int((images < 0.9).any())
            return super().encode_images(images)  # type: ignore[no-any-return]

    spatializer = object.__new__(Failing)
    spatializer.__dict__.update(trained.spatializer.__dict__)
    return Trained(spatializer, trained.recipe, trained.resolved)


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_bug_in_one_file_leaves_the_others_done(trained: Trained, tmp_path: Path, jobs: int) -> None:
    for name in ("a", "c"):
        write_film(tmp_path / f"{name}.mp4", seconds=0.5)
    white = [np.full_like(image, 255) for image in moving(5)]
    write_film(tmp_path / "b.mp4", seconds=0.5, pictures=white)
    results = avspatial.spatialize(tmp_path, failing(trained), jobs=jobs, progress=no_display).results
    assert [result.state for result in results] == ["done", "failed", "done"]
    error = results[1].error
    assert error.startswith(f"{tmp_path / 'b.mp4'}: ended by a bug in avspatial ")
    assert error.endswith("ZeroDivisionError: integer division or modulo by zero")
    assert not results[1].out.exists()


def test_files_that_no_one_foresaw_do_not_end_the_command(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_film(films / "b.mp4", seconds=0.5)
    (films / "a.mp4").write_bytes(b"\0" * 64)
    (films / "c.mkv").write_bytes((films / "b.mp4").read_bytes()[:100])
    assert main(["spatialize", str(films), "--model", str(model)]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("error: ") == 2 and "Traceback" not in printed.err
    assert printed.out.endswith("1 done, 0 skipped, 2 failed\n")


def test_a_batch_ends_with_a_table_and_names_what_is_left_out(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    films = Path("films")
    films.mkdir()
    for name in ("a.mp4", "a_binaural.mp4", "b.mp4", "old.AVI"):
        write_film(tmp_path / "film.mp4", seconds=0.5)
        (films / name).write_bytes((tmp_path / "film.mp4").read_bytes())
    (films / "c.mp4").write_bytes(b"<html>")
    (films / "notes.txt").touch()
    assert main(["spatialize", "films", "--model", str(model)]) == 1
    printed = capsys.readouterr()
    assert "note: films: left out: old.AVI; only .mp4, .m4v, .mov, .mkv, .webm are spatialized\n" in printed.err
    table = printed.out.splitlines()[-5:]
    assert [line.split()[:2] for line in table[:-1]] == [
        ["file", "result"],
        ["films/a.mp4", "skipped"],
        ["films/b.mp4", "done"],
        ["films/c.mp4", "failed"],
    ]
    assert "films/a_binaural.mp4 exists" in table[1]
    assert table[3].split("failed", 1)[1].strip().startswith("not a video: a web page")
    assert table[4] == "1 done, 1 skipped, 1 failed"
