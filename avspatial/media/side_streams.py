"""Subtitles, covers, fonts and further tracks: which of them a container takes, and how."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from avspatial.media.ffmpeg import codec_name, is_cover, open_media
from avspatial.media.formats import OutputFormat, refusal

_COPIED = frozenset({"video", "subtitle"})
_COVER_FILES = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}


@dataclass(frozen=True)
class SideStreams:
    """Streams to copy; covers that become attachments, as Matroska keeps them; and descriptions of what is left out."""

    copied: tuple[Any, ...]
    attached: tuple[Any, ...]
    left_out: tuple[str, ...]


def choose_side_streams(container: Any, main: Any, target: OutputFormat, keep_original: bool) -> SideStreams:
    """Sort everything in `container` but its `main` video and, unless `keep_original`, the first audio track."""
    copied: list[Any] = []
    attached: list[Any] = []
    left_out: list[str] = []
    for stream in _other_streams(container, main, keep_original):
        if is_cover(stream) and target.container == "matroska" and codec_name(stream) in _COVER_FILES:
            attached.append(stream)
        elif _wanted(stream, target, keep_original) and not refusal(target, [main, *copied, stream]):
            copied.append(stream)
        else:
            left_out.append(_describe(stream))
    return SideStreams(tuple(copied), tuple(attached), tuple(left_out))


def attach_covers(target: Any, covers: Sequence[Any], source: Path) -> None:
    """Attach covers, streams of `source`, to `target`, before its first packet. Raises MediaError as `open_media`."""
    for stream in covers:
        name, mime = _COVER_FILES[codec_name(stream)]
        with open_media(source) as container:
            cover = next(packet for packet in container.demux(container.streams[stream.index]) if packet.size)
            target.add_attachment(
                stream.metadata.get("filename", name), stream.metadata.get("mimetype", mime), bytes(cover)
            )


def _other_streams(container: Any, main: Any, keep_original: bool) -> Iterator[Any]:
    chapters = bool(container.chapters())
    for stream in container.streams:
        replaced = stream.type == "audio" and not keep_original and stream is container.streams.audio[0]
        # mp4 keeps chapters as a track too, which FFmpeg has read by now and marks as not to be read again.
        read = chapters and stream.type == "data" and stream.discard == av.stream.Discard.all
        if stream is not main and not replaced and not read:
            yield stream


def _wanted(stream: Any, target: OutputFormat, keep_original: bool) -> bool:
    # Elsewhere FFmpeg drops covers and attachments without an error.
    if is_cover(stream):
        return target.container == "mp4"
    if stream.type == "attachment":
        return target.container == "matroska"
    return stream.type in _COPIED or (stream.type == "audio" and keep_original)


def _describe(stream: Any) -> str:
    kind = "cover" if is_cover(stream) else stream.type
    name = stream.name if stream.codec_context is None else codec_name(stream)
    return f"{kind} ({name or 'unknown'})"
