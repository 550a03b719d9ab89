"""Opening media files with FFmpeg (PyAV), and what becomes of its complaints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from avspatial.errors import MediaError

# PyAV raises these three beside its own class when FFmpeg reports out of memory, end of file, or a missing stream.
DECODING = (FFmpegError, MemoryError, EOFError, IndexError)
MISSING = 0.5
"""Seconds that a file may end earlier than its header says."""


def reason(error: BaseException) -> str:
    """What FFmpeg or the file system says, in its own words."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)


@contextmanager
def opened(path: Path, **options: str) -> Iterator[Any]:
    """An open container; everything FFmpeg has to complain about in the block becomes a MediaError."""
    if not path.exists():
        raise MediaError("no such video file", where=path)
    try:
        with av.open(str(path), metadata_errors="replace", options=options) as container:
            yield container
    except DECODING as error:
        raise MediaError(
            f"not a readable video ({reason(error)}); it is damaged or cut short",
            where=path,
            fix="Copy or download it again.",
        ) from error


def is_cover(stream: Any) -> bool:
    """Whether a video stream is one attached picture: the cover of an album, a thumbnail."""
    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def codec_name(stream: Any) -> str:
    """What a stream's codec is called, whichever decoder would read it; `unknown` where FFmpeg knows none."""
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context is not None else "unknown"


def video_stream(container: Any, path: Path) -> Any:
    """The first video stream that is no cover; MediaError where there is none."""
    for stream in container.streams.video:
        if not is_cover(stream):
            return stream
    only = "its only picture is a cover" if container.streams.video else "the file has no video stream"
    raise MediaError(f"a clip with no picture: {only}", where=path, fix="Leave the clip out.")


def own_seconds(container: Any, stream: Any) -> float:
    """The length of a stream by what the file says of this very stream, 0 where it says nothing.

    For Matroska that is a tag, the time at which the stream ends; `stream.duration` may there be the whole file's.
    """
    if "matroska" not in container.format.name:
        return float((stream.duration or 0) * (stream.time_base or 0))
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", ""))
    if tag is None:
        return 0.0
    end = 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])
    return end - float((stream.start_time or 0) * (stream.time_base or 0))


def declared_seconds(container: Any, stream: Any) -> float:
    """The length of a stream by the header alone, 0 where it says nothing."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def refuse_cut_short(path: Path, sound_end: float) -> None:
    """MediaError for a file whose header promises more than it holds: a download that broke off.

    FFmpeg reads such a file to its end without a word. `sound_end` is the time stamp at which the first sound track
    ends, s; only if that is early are the other streams' packets looked at, none of which is decoded.
    """
    with opened(path) as container:
        declared = (container.duration or 0) / 1e6
        if declared - sound_end <= MISSING:
            return
        end = max((_end(packet) for packet in container.demux() if packet.pts is not None), default=0.0)
    end = max(end, sound_end)
    if declared - end > MISSING:
        raise MediaError(
            f"cut short: it ends at {end:.2f} s of {declared:.2f} s", where=path, fix="Copy or download it again."
        )


def _end(packet: Any) -> float:
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
