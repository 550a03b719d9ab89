"""What the headers of a recording say: which of its channels are the field, its length, the size of its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avspatial.data.content_digest import content_digest
from avspatial.data.foa360.layouts import Source
from avspatial.data.foa360.rendering import AAC_CARRIER, FIRST_FOUR
from avspatial.data.layout import LOWEST_RATE
from avspatial.errors import DataError
from avspatial.media.audio import audio_info
from avspatial.media.audio_track import AudioStreamInfo
from avspatial.media.probe import MediaInfo, media_info
from avspatial.media.video import image_files

__all__ = ["Header", "read_header"]


@dataclass(frozen=True)
class Header:
    """What is known of a recording before it is decoded.

    Attributes:
        chosen: Which channels of the audio are the field's four, in its order.
        carrier: Whether AAC 5.1 carries them, whose order is known whatever the settings say.
        seconds: Length of the shorter of audio and video.
        size: Height and width of the video, pixels.
        digest: Of the content of the audio.
    """

    chosen: tuple[int, ...]
    carrier: bool
    seconds: float
    size: tuple[int, int]
    digest: str


def read_header(source: Source, frames_fps: float, tolerance: float, cache: Path) -> Header:
    """Read the headers of a recording.

    Args:
        source: Its files.
        frames_fps: Rate of its images if they are single files, Hz.
        tolerance: Largest allowed difference between the lengths of audio and video, s.
        cache: Root of the caches, which knows digests.

    Returns:
        What they say.

    Raises:
        DataError: No field of four channels, a rate that is too low, no video, or unequal lengths.
        MediaError: A file that is missing or cannot be read.
    """
    if source.frames:
        audio, video_seconds, size = _in_folders(source, frames_fps)
    else:
        with_audio = media_info(source.audio)
        with_video = with_audio if source.video == source.audio else media_info(source.video)
        if with_audio.audio is None:
            raise DataError("no audio", where=source.audio)
        audio, video_seconds, size = with_audio.audio, *_video(with_video, source)
    chosen, carrier = _channels(audio)
    if audio.rate < LOWEST_RATE:
        raise DataError(f"sampled at {audio.rate} Hz; at least {LOWEST_RATE} Hz is needed", where=source.audio)
    if video_seconds and abs(audio.seconds - video_seconds) > tolerance:
        what = f"unequal lengths: {audio.seconds:.2f} s of audio, {video_seconds:.2f} s of video"
        raise DataError(what, where=source.video, fix="Raise data.length_tolerance, or replace the file.")
    seconds = min(audio.seconds, video_seconds or audio.seconds)
    return Header(chosen, carrier, seconds, size, content_digest(source.audio, cache))


def _in_folders(source: Source, frames_fps: float) -> tuple[AudioStreamInfo, float, tuple[int, int]]:
    info = audio_info(source.audio)
    images = image_files(source.video)
    first = media_info(images[0]).video
    size = (first.height, first.width) if first else (0, 0)
    audio = AudioStreamInfo("wav", info.rate, info.channels, "", info.seconds)
    return audio, len(images) / frames_fps, size


def _video(info: MediaInfo, source: Source) -> tuple[float, tuple[int, int]]:
    if info.video is None:
        raise DataError("no video", where=source.video)
    return info.video.seconds, (info.video.height, info.video.width)


def _channels(audio: AudioStreamInfo) -> tuple[tuple[int, ...], bool]:
    """Which channels are the field: all four, four of AAC 5.1, or the first four of Opus with six."""
    surround = audio.layout.startswith("5.1")
    if audio.channels == 6 and audio.codec == "aac":
        return AAC_CARRIER, True
    if audio.channels == 4 or (audio.channels == 6 and audio.codec == "opus" and not surround):
        return FIRST_FOUR, False
    kind = "5.1 surround sound" if surround else f"{audio.channels} channels of {audio.codec}"
    raise DataError(f"{kind} where an ambisonic field has 4 channels")
