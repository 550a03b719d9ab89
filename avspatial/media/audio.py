"""Audio files: read completely (soundfile, or FFmpeg for tracks of videos), their headers, and wav files written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from avspatial.atomic import atomic_write
from avspatial.media.audio_file import open_audio_file, states_length
from avspatial.media.audio_stream import AUDIO_SUFFIXES, AudioReader
from avspatial.media.file_errors import unwritable

CONTAINER_SUFFIXES = frozenset(
    {".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".ts", ".mka", ".m4a", ".mp3", ".opus", ".aac"}
)
"""Read by FFmpeg: the first audio track, decoded as a player does."""


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
    """Read the header of a file with one of `AUDIO_SUFFIXES`; samples are counted if it does not state their number.

    Raises:
        MediaError: For a file that is missing, unreadable, cut short, or without a single sample.
    """
    path = Path(path)
    with open_audio_file(path) as file:
        info = AudioInfo(file.samplerate, file.channels, file.frames)
    if states_length(path):
        return info
    return AudioInfo(info.rate, info.channels, sum(block.shape[1] for block in AudioReader(path).blocks()))


def is_audio(path: Path) -> bool:
    """Whether `read_audio` reads files of that name: audio or video files."""
    return path.suffix.lower() in AUDIO_SUFFIXES | CONTAINER_SUFFIXES


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Read the audio of an audio or video file, as `AudioReader` does.

    Returns:
        Samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    Raises:
        MediaError: For a file that is missing, unreadable or empty, has no audio, or samples that are not finite.
    """
    reader = AudioReader(path)
    blocks = list(reader.blocks())
    if reader.clock != 1:
        blocks = list(AudioReader(path, reader.clock).blocks())
    return np.concatenate(blocks, axis=1), reader.rate


def write_wav(path: str | Path, samples: np.ndarray, rate: int, subtype: str = "FLOAT") -> None:
    """Write a wav file, completely or not at all. The same samples give the same bytes.

    Args:
        path: The file.
        samples: (C, T), nominally within [-1, 1].
        rate: In Hz.
        subtype: FLOAT, PCM_16 or PCM_24.

    Raises:
        ValueError: For samples that an integer subtype cannot hold (nothing is clipped here).
        MediaError: If the file cannot be written.
    """
    samples = np.asarray(samples)
    if samples.ndim != 2:
        raise ValueError(f"samples must be (C, T), not {samples.shape}")
    if subtype != "FLOAT" and np.abs(samples).max(initial=0.0) > 1.0:
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
        soundfile.write(str(path), frames, rate, subtype=subtype, format="WAV")
