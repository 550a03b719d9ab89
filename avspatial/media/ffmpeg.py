"""Opening media files with FFmpeg (PyAV), and turning its errors into ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import av
from av.error import FFmpegError

from avspatial.errors import MediaError
from avspatial.media.file_ends import states_frames
from avspatial.media.file_errors import cut_short, unknown_codec, unreadable_video

# PyAV raises the last three when FFmpeg reports out of memory, end of file, or a missing stream.
DECODING_ERRORS = (FFmpegError, MemoryError, EOFError, IndexError)
TOLERATED = 0.5
"""Seconds that a file may end earlier than its header says."""


def open_file(path: str | Path, mode: Literal["r", "w"] = "r", **options: Any) -> Any:
    """Open a file as `av.open` does, whatever its name: a relative `12:30 talk.mp4` or `tcp:...` is an address to
    FFmpeg, and an absolute path never is."""
    return av.open(str(Path(path).absolute()), mode, **options)


@contextmanager
def open_media(path: Path, **options: str) -> Iterator[Any]:
    """Open a container; errors of FFmpeg inside the block become MediaError."""
    if not path.exists():
        raise MediaError("no such video file", where=path)
    try:
        with open_file(path, metadata_errors="replace", options=options) as container:
            yield container
    except DECODING_ERRORS as error:
        raise unreadable_video(path, error) from error


def is_cover(stream: Any) -> bool:
    """Whether a video stream is one attached image: the cover of an album, a thumbnail."""
    return stream.type == "video" and bool(stream.disposition & av.stream.Disposition.attached_pic)


def codec_name(stream: Any) -> str:
    """The canonical name of a stream's codec, whichever decoder reads it; `unknown` if FFmpeg knows none."""
    return str(stream.codec_context.codec.canonical_name) if stream.codec_context is not None else "unknown"


def main_video(container: Any) -> Any | None:
    """The first video stream that can be decoded and is not a cover, or else the first; None if there is none."""
    streams = [stream for stream in container.streams.video if not is_cover(stream)]
    return next((stream for stream in streams if stream.codec_context is not None), streams[0] if streams else None)


def main_audio(container: Any) -> Any | None:
    """The audio track that players choose: of those that FFmpeg can decode, or else of all, the first one marked as
    default, or else the first; None if there is none."""
    tracks = [track for track in container.streams.audio if track.codec_context is not None]
    tracks = tracks or list(container.streams.audio)
    default = (track for track in tracks if track.disposition & av.stream.Disposition.default)
    return next(default, tracks[0] if tracks else None)


def video_stream(container: Any, path: Path) -> Any:
    """The video stream of `main_video`. Raises MediaError if there is none."""
    stream = main_video(container)
    if stream is not None and stream.codec_context is None:
        raise unknown_codec("video", path)
    if stream is not None:
        return stream
    only = "its only image is a cover" if container.streams.video else "the file has no video stream"
    raise MediaError(f"a clip without video frames: {only}", where=path, fix="Leave the clip out.")


def own_seconds(container: Any, stream: Any) -> float:
    """The length that the file states for this very stream; 0 if it states none.

    Matroska states it in a tag, the time at which the stream ends; `stream.duration` may be that of the file there.
    """
    if "matroska" not in container.format.name:
        return float((stream.duration or 0) * (stream.time_base or 0))
    tag = re.fullmatch(r"(\d+):(\d\d):(\d\d\.\d+)", stream.metadata.get("DURATION", ""))
    if tag is None:
        return 0.0
    end = 3600 * int(tag[1]) + 60 * int(tag[2]) + float(tag[3])
    return end - float((stream.start_time or 0) * (stream.time_base or 0))


def declared_seconds(container: Any, stream: Any) -> float:
    """The length of a stream, or else of the file, according to the header; 0 if it states none."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def refuse_cut_short(path: Path, audio_end: float) -> None:
    """Raise MediaError for a file whose header promises more than it holds: an interrupted download.

    FFmpeg reads such a file to its end without an error. `audio_end` is the time stamp at which the first audio track
    ends, s; only if that is early, the packets of the other streams are read, none of which is decoded.
    """
    with open_media(path) as container:
        declared = (container.duration or 0) / 1e6
        if declared - audio_end <= TOLERATED or not _states_length(container, path):
            return
        end = max((_end(packet) for packet in container.demux() if packet.pts is not None), default=0.0)
    end = max(end, audio_end)
    if declared - end > TOLERATED:
        raise cut_short(path, end, declared)


def _states_length(container: Any, path: Path) -> bool:
    """Whether the length of a file stands in its header; FFmpeg guesses that of others by their bit rate."""
    name = container.format.name
    return name.startswith(("mov", "matroska")) or (name == "mp3" and states_frames(path))


def _end(packet: Any) -> float:
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
