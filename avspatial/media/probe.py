"""What a media file holds, according to its header."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.media.audio import audio_info
from avspatial.media.audio_track import AudioStreamInfo, track_info
from avspatial.media.ffmpeg import codec_name, declared_seconds, main_audio, main_video, open_media
from avspatial.media.file_errors import unknown_codec

LOSSLESS_SUFFIXES = (".wav", ".flac")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
OTHER_VIDEO_SUFFIXES = (".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".mxf", ".ogv", ".ts", ".vob", ".wmv")
"""Videos in containers that are not written."""


@dataclass(frozen=True)
class VideoStreamInfo:
    """The video stream: codec, size in pixels, frames per second if the header states them, length in seconds (0 if it
    does not)."""

    codec: str
    width: int
    height: int
    fps: float | None
    seconds: float


@dataclass(frozen=True)
class MediaInfo:
    """A file: its container's name (FFmpeg's list of names) and the streams that are used."""

    container: str
    video: VideoStreamInfo | None
    audio: AudioStreamInfo | None


def media_info(path: str | Path) -> MediaInfo:
    """Read the header of a video, wav or flac file. Raises MediaError if it is missing or cannot be read."""
    path = Path(path)
    if path.suffix.lower() in LOSSLESS_SUFFIXES:
        return _audio_file(path)
    with open_media(path) as container:
        video, audio = main_video(container), main_audio(container)
        return MediaInfo(
            container.format.name,
            None if video is None else _video(container, video, path),
            None if audio is None else track_info(container, audio, path),
        )


def _audio_file(path: Path) -> MediaInfo:
    info = audio_info(path)
    layout = {1: "mono", 2: "stereo"}.get(info.channels, f"{info.channels} channels")
    kind = path.suffix.lower().removeprefix(".")
    return MediaInfo(kind, None, AudioStreamInfo(kind, info.rate, info.channels, layout, info.seconds))


def _video(container: Any, stream: Any, path: Path) -> VideoStreamInfo:
    if stream.codec_context is None:
        raise unknown_codec("video", path)
    rate = stream.average_rate
    seconds = declared_seconds(container, stream)
    return VideoStreamInfo(codec_name(stream), stream.width, stream.height, float(rate) if rate else None, seconds)
