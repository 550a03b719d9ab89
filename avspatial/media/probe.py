"""What a media file holds, by its header alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.errors import MediaError
from avspatial.media.audio import audio_info
from avspatial.media.ffmpeg import codec_name, declared_seconds, is_cover, opened, own_seconds

LOSSLESS_SUFFIXES = (".wav", ".flac")
VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")


@dataclass(frozen=True)
class VideoStreamInfo:
    """The first video stream: codec, size in pixels, frames a second where the header says them."""

    codec: str
    width: int
    height: int
    fps: float | None


@dataclass(frozen=True)
class AudioStreamInfo:
    """The first sound track: codec, rate in Hz, number of channels and their layout, length in seconds."""

    codec: str
    rate: int
    channels: int
    layout: str
    seconds: float


@dataclass(frozen=True)
class MediaInfo:
    """A file: its container's name (FFmpeg's list of names), and the streams; `others` are beside these two."""

    container: str
    video: VideoStreamInfo | None
    audio: AudioStreamInfo | None
    others: tuple[str, ...] = ()


def media_info(path: str | Path) -> MediaInfo:
    """The facts of a video or sound file. MediaError for one that is missing or cannot be read."""
    path = Path(path)
    if path.suffix.lower() in LOSSLESS_SUFFIXES:
        return _sound_file(path)
    with opened(path) as container:
        videos = [stream for stream in container.streams.video if not is_cover(stream)]
        sounds = list(container.streams.audio)
        taken = [*videos[:1], *sounds[:1]]
        others = tuple(_named(stream) for stream in container.streams if stream not in taken)
        video = _video(videos[0], path) if videos else None
        sound = _sound(container, sounds[0], path) if sounds else None
        return MediaInfo(container.format.name, video, sound, others)


def _sound_file(path: Path) -> MediaInfo:
    info = audio_info(path)
    layout = {1: "mono", 2: "stereo"}.get(info.channels, f"{info.channels} channels")
    kind = path.suffix.lower().removeprefix(".")
    return MediaInfo(kind, None, AudioStreamInfo(kind, info.rate, info.channels, layout, info.seconds))


def _video(stream: Any, path: Path) -> VideoStreamInfo:
    if stream.codec_context is None:
        raise _unknown("its pictures are", path)
    rate = stream.average_rate
    return VideoStreamInfo(codec_name(stream), stream.width, stream.height, float(rate) if rate else None)


def _sound(container: Any, stream: Any, path: Path) -> AudioStreamInfo:
    codec = stream.codec_context
    if codec is None:
        raise _unknown("its sound is", path)
    if not codec.sample_rate or not codec.channels:
        raise MediaError("its header does not say the sound's rate and channels", where=path, fix="Copy it again.")
    layout = codec.layout.name if codec.layout else f"{codec.channels} channels"
    return AudioStreamInfo(
        codec_name(stream),
        codec.sample_rate,
        codec.channels,
        layout,
        own_seconds(container, stream) or declared_seconds(container, stream) or _counted_seconds(path, stream.index),
    )


def _counted_seconds(path: Path, index: int) -> float:
    """The length of a stream by its packets, none of which is decoded: what is recorded live has no length in front."""
    with opened(path) as container:
        packets = (packet for packet in container.demux(container.streams[index]) if packet.pts is not None)
        spans = [(packet.pts, packet.pts + (packet.duration or 0)) for packet in packets]
        unit = container.streams[index].time_base
    return float((max(end for _, end in spans) - spans[0][0]) * unit) if spans and unit else 0.0


def _unknown(what: str, path: Path) -> MediaError:
    return MediaError(
        f"{what} in a format that FFmpeg cannot decode here", where=path, fix="Convert it to h264 and aac."
    )


def _named(stream: Any) -> str:
    return f"{stream.type} ({codec_name(stream)})"
