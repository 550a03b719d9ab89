"""What lies beside a film's pictures and sound: which of it the new container takes, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from avspatial.media.ffmpeg import codec_name, is_cover, opened
from avspatial.media.formats import Container, accepted

_COPIED = frozenset({"video", "subtitle"})
_PICTURE_FILES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


@dataclass(frozen=True)
class Extras:
    """Streams to copy; covers that become attachments, as Matroska keeps them; and what is left out, in words."""

    copied: tuple[Any, ...]
    attached: tuple[Any, ...]
    left_out: tuple[str, ...]


def choose(container: Any, main: Any, kind: Container, keep_original: bool) -> Extras:
    """Everything in `container` but its `main` pictures and, unless it is kept, the first sound track."""
    copied: list[Any] = []
    attached: list[Any] = []
    left_out: list[str] = []
    for stream in _beside(container, main, keep_original):
        if is_cover(stream) and kind.format == "matroska" and codec_name(stream) in _PICTURE_FILES:
            attached.append(stream)
        elif _wanted(stream, kind, keep_original) and not accepted(kind, [main, *copied, stream]):
            copied.append(stream)
        else:
            left_out.append(_named(stream))
    return Extras(tuple(copied), tuple(attached), tuple(left_out))


def attach_covers(target: Any, covers: Sequence[Any], source: Path) -> None:
    """Attach covers, streams of `source`, to `target`, before its first packet. MediaError as `opened`."""
    for stream in covers:
        name, mime = _PICTURE_FILES[codec_name(stream)]
        with opened(source) as container:
            picture = next(packet for packet in container.demux(container.streams[stream.index]) if packet.size)
            target.add_attachment(
                stream.metadata.get("filename", name), stream.metadata.get("mimetype", mime), bytes(picture)
            )


def _beside(container: Any, main: Any, keep_original: bool) -> Iterator[Any]:
    chapters = bool(container.chapters())
    for stream in container.streams:
        replaced = stream.type == "audio" and not keep_original and stream is container.streams.audio[0]
        # mp4 keeps chapters as a track too, which FFmpeg has read by now and marks as not to be read again.
        read = chapters and stream.type == "data" and stream.discard == av.stream.Discard.all
        if stream is not main and not replaced and not read:
            yield stream


def _wanted(stream: Any, kind: Container, keep_original: bool) -> bool:
    # Elsewhere FFmpeg drops covers and attachments without a word.
    if is_cover(stream):
        return kind.format == "mp4"
    if stream.type == "attachment":
        return kind.format == "matroska"
    return stream.type in _COPIED or (stream.type == "audio" and keep_original)


def _named(stream: Any) -> str:
    kind = "cover" if is_cover(stream) else stream.type
    named = stream.name if stream.codec_context is None else codec_name(stream)
    return f"{kind} ({named or 'unknown'})"
