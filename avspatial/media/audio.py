"""Audio files, read completely or in part (soundfile, or FFmpeg for tracks of videos), their headers, writing wav."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from avspatial.atomic import atomic_write
from avspatial.media.audio_excerpt import read_excerpt
from avspatial.media.audio_file import is_flac_in_ogg, open_audio_file, states_length
from avspatial.media.audio_stream import AUDIO_SUFFIXES, AudioReader
from avspatial.media.audio_track import open_track, track_info
from avspatial.media.file_errors import unwritable

CONTAINER_SUFFIXES = frozenset(
    {".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".ts", ".mka", ".m4a", ".mp3", ".opus", ".aac"}
)
"""Read by FFmpeg: the first audio track, decoded as a player does."""
AUDIO_ONLY_SUFFIXES = AUDIO_SUFFIXES | {".mka", ".m4a", ".mp3", ".opus", ".aac"}
"""Files of these names hold no video."""


@dataclass(frozen=True)
class AudioInfo:
    """The header of an audio file: rate in Hz, number of channels (C), samples per channel (T)."""

    rate: int
    channels: int
    samples: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


def audio_info(path: str | Path) -> AudioInfo:
    """Read the header of an audio or video file; samples are counted if it does not state their number.

    Only files with one of `AUDIO_SUFFIXES` state it to the sample; the track of a video may be longer or shorter by
    some hundredths of a second.

    Raises:
        MediaError: For a file that is missing, unreadable, cut short, has no audio, or not a single sample.
    """
    path = Path(path)
    if path.suffix.lower() in CONTAINER_SUFFIXES or is_flac_in_ogg(path):
        with open_track(path) as (container, stream):
            track = track_info(container, stream, path)
        return AudioInfo(track.rate, track.channels, round(track.seconds * track.rate))
    with open_audio_file(path) as file:
        info = AudioInfo(file.samplerate, file.channels, file.frames)
    if states_length(path):
        return info
    return AudioInfo(info.rate, info.channels, sum(block.shape[1] for block in AudioReader(path).blocks()))


def audio_start(path: str | Path) -> float:
    """Time stamp of the first sample of a video's audio track, s; 0 for an audio file.

    Raises:
        MediaError: As `read_audio`.
    """
    reader = AudioReader(path)
    with closing(reader.blocks()) as blocks:
        next(blocks)
    return reader.start


def is_audio(path: Path) -> bool:
    """Whether `read_audio` reads files of that name: audio or video files."""
    return path.suffix.lower() in AUDIO_SUFFIXES | CONTAINER_SUFFIXES


def read_audio(path: str | Path, start: float = 0.0, seconds: float | None = None) -> tuple[np.ndarray, int]:
    """Read the audio of an audio or video file, as `AudioReader` does, or an excerpt of it.

    An excerpt equals that part of the entire audio: samples round(start rate) to round(start rate) + round(seconds
    rate). Only this part is decoded, but for the tracks of videos, of which each is decoded once more to find out where
    its samples are. (AAC and AC-3 may fill bands with random noise, which is then other noise of the same level.)

    Args:
        path: The file.
        start: Where the excerpt begins, seconds after the first sample.
        seconds: Its length; None: to the end. Up to 0.2 s (and half of it) may be missing at the end of the file, for
            headers round their lengths: the excerpt is then so much shorter.

    Returns:
        Samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    Raises:
        MediaError: For a file that is missing, unreadable or empty, has no audio, or samples that are not finite; for
            an excerpt that begins or ends beyond the end.
        ValueError: For a negative start, or seconds that are not above 0.
    """
    if start or seconds is not None:
        return read_excerpt(Path(path), start, seconds)
    reader = AudioReader(path)
    blocks = list(reader.blocks())
    if reader.clock != 1:
        blocks = list(AudioReader(path, reader.clock).blocks())
    return np.concatenate(blocks, axis=1), reader.rate


def write_wav(path: str | Path, samples: np.ndarray, rate: int, subtype: str = "FLOAT") -> None:
    """Write a wav file, completely or not at all. The same samples give the same bytes.

    Args:
        path: The file.
        samples: (C, T), nominally within [-1, 1]; or int16, stored as they are with PCM_16.
        rate: In Hz.
        subtype: FLOAT, PCM_16 or PCM_24.

    Raises:
        ValueError: For samples that an integer subtype cannot hold (nothing is clipped here).
        MediaError: If the file cannot be written.
    """
    samples = np.asarray(samples)
    if samples.ndim != 2:
        raise ValueError(f"samples must be (C, T), not {samples.shape}")
    if subtype != "FLOAT" and samples.dtype != np.int16 and np.abs(samples).max(initial=0.0) > 1.0:
        raise ValueError(f"{subtype} holds samples within [-1, 1]; the largest is {np.abs(samples).max():.3f}")
    try:
        with atomic_write(Path(path)) as temporary_path:
            _write(temporary_path, np.ascontiguousarray(samples.T), rate, subtype)
    except (soundfile.SoundFileError, OSError) as error:
        raise unwritable(path, error) from error


def _write(path: Path, frames: np.ndarray, rate: int, subtype: str) -> None:
    if subtype == "FLOAT":
        # libsndfile puts the time of day into the PEAK chunk of float files: equal runs would differ in bytes.
        from scipy.io import wavfile

        wavfile.write(path, rate, frames.astype(np.float32))
    else:
        soundfile.write(os.fsencode(path), frames, rate, subtype=subtype, format="WAV")
