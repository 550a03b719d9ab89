"""Subtitles, chapters, covers and fonts: copied if the container takes them, noted if they are left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from support.films import FONT, furnish, jpeg, spatialize_one

from avspatial.api.load import Trained
from avspatial.api.spatialize import Result
from avspatial.media.ffmpeg import is_cover


@pytest.fixture
def cover() -> bytes:
    return jpeg()


def holds(path: Path) -> dict[str, Any]:
    """Streams other than the first video and the audio with the content of their packets, and the chapters' titles."""
    with av.open(str(path)) as container:
        main = next(stream for stream in container.streams.video if not is_cover(stream))
        extras = [stream for stream in container.streams if stream.type != "audio" and stream is not main]
        streams: dict[str, Any] = {
            f"{stream.type} {stream.codec_context.name if stream.codec_context else ''}".strip(): b""
            for stream in extras
        }
        for packet in container.demux():
            # mp4's subtitles fill the time before a cue with empty ones
            if packet.size > 2 and packet.stream in extras:
                streams[f"{packet.stream.type} {packet.stream.codec_context.name}"] += bytes(packet)
        streams["languages"] = [stream.metadata.get("language") for stream in extras if stream.type == "subtitle"]
        chapters = [(one["metadata"]["title"], float(one["start"] * one["time_base"])) for one in container.chapters()]
        return streams | {"chapters": chapters, "title": container.metadata.get("title")}


def left_out(result: Result) -> list[str]:
    assert result.done is not None
    return [note for note in result.done.notes if note.startswith("left out")]


@pytest.mark.parametrize(("suffix", "subtitles"), [("mp4", "mov_text"), ("mov", "mov_text"), ("mkv", "subrip")])
def test_all_is_copied_into_the_same_container(
    film: Callable[..., Path], trained: Trained, tmp_path: Path, cover: bytes, suffix: str, subtitles: str
) -> None:
    plain = film(tmp_path / f"plain.{suffix}", seconds=0.8)
    source = furnish(plain, tmp_path / f"in.{suffix}", subtitles, cover if suffix == "mp4" else None, suffix == "mkv")
    result = spatialize_one(source, trained)
    before = holds(source)
    assert holds(result.out) == before
    assert before["chapters"] == [("One", 0.0), ("Two", 0.4)]
    assert before["languages"] == ["fra"]
    assert before["title"] == "A film"
    assert b"Hello" in before[f"subtitle {'mov_text' if subtitles == 'mov_text' else 'srt'}"]
    assert (before["video mjpeg"] == cover) if suffix == "mp4" else ("attachment" in before) == (suffix == "mkv")
    assert left_out(result) == []


def test_a_font_is_the_same_to_the_byte(film: Callable[..., Path], trained: Trained, tmp_path: Path) -> None:
    source = furnish(film(tmp_path / "plain.mkv", seconds=0.8), tmp_path / "in.mkv", None, font=True)
    with av.open(str(spatialize_one(source, trained).out)) as container:
        (font,) = container.streams.attachments
        assert (font.name, font.mimetype, font.data) == ("a.ttf", "application/x-truetype-font", FONT)


def test_a_cover_moves_between_mp4_and_matroska(
    film: Callable[..., Path], trained: Trained, tmp_path: Path, cover: bytes
) -> None:
    """In Matroska it is an attached file, which FFmpeg shows as a picture."""
    source = furnish(film(tmp_path / "plain.mp4", seconds=0.8), tmp_path / "in.mp4", None, cover)
    attached = spatialize_one(source, trained, out=tmp_path / "out.mkv")
    again = spatialize_one(attached.out, trained, out=tmp_path / "again.mkv")
    back = spatialize_one(again.out, trained, out=tmp_path / "back.mp4")
    for result in (attached, again, back):
        with av.open(str(result.out)) as container:
            shown, kept = container.streams.video
            assert not is_cover(shown) and is_cover(kept)
            assert [bytes(packet) for packet in container.demux(kept) if packet.size] == [cover]
        assert left_out(result) == []


@pytest.mark.parametrize(
    ("given", "subtitles", "out", "note"),
    [
        ("mkv", "subrip", "out.mp4", "left out: subtitle (subrip, fra), attachment (a.ttf)"),
        ("mkv", "subrip", "out.mov", "left out: subtitle (subrip, fra), cover (mjpeg), attachment (a.ttf)"),
        ("mkv", "subrip", "out.webm", "left out: subtitle (subrip, fra), cover (mjpeg), attachment (a.ttf)"),
        ("mp4", "mov_text", "out.mkv", "left out: subtitle (mov_text, fra)"),
        ("mp4", "mov_text", "out.mov", "left out: cover (mjpeg)"),
    ],
)
def test_what_a_container_does_not_take_is_noted(
    film: Callable[..., Path], trained: Trained, tmp_path: Path, cover: bytes,
    given: str, subtitles: str, out: str, note: str,
) -> None:  # fmt: skip
    video = "libvpx-vp9" if out.endswith("webm") else "libx264"
    plain = film(tmp_path / "plain.mp4", seconds=0.8, video=video)
    source = furnish(plain, tmp_path / f"in.{given}", subtitles, cover, given == "mkv")
    result = spatialize_one(source, trained, out=tmp_path / out)
    assert left_out(result) == [note]
    assert [title for title, _ in holds(result.out)["chapters"]] == ["One", "Two"]
