"""Audio files: read completely (soundfile, or FFmpeg for tracks of videos), their headers, and wav files written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError
from avspatial.media.ffmpeg import DECODING_ERRORS
from avspatial.media.file_errors import check_finite, empty_audio, unreadable_audio, unwritable

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".w64", ".rf64", ".caf", ".au"})
"""Read by soundfile, sample for sample."""
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
    """Read the header of a file with one of `AUDIO_SUFFIXES`.

    Raises:
        MediaError: For a file that is missing, unreadable or without a single sample.
    """
    path = Path(path)
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable_audio(path, error) from error
    if info.frames <= 0:
        raise empty_audio(path)
    return AudioInfo(info.samplerate, info.channels, info.frames)


def is_audio(path: Path) -> bool:
    """Whether `read_audio` reads files of that name: audio or video files."""
    return path.suffix.lower() in AUDIO_SUFFIXES | CONTAINER_SUFFIXES


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """Read the audio of an audio or video file.

    Returns:
        Samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    Raises:
        MediaError: For a file that is missing, unreadable or empty, has no audio, or samples that are not finite.
    """
    path = Path(path)
    samples, rate = _read_file(path) if path.suffix.lower() in AUDIO_SUFFIXES else _read_track(path)
    check_finite(samples, path)
    return np.ascontiguousarray(samples), rate


def _read_file(path: Path) -> tuple[np.ndarray, int]:
    audio_info(path)
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable_audio(path, error) from error
    return samples.T, rate


def _read_track(path: Path) -> tuple[np.ndarray, int]:
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.audio:
                raise MediaError("has no sound track", where=path, fix="Give a file with sound, or leave the clip out.")
            return _decode(container, path)
    except DECODING_ERRORS as error:
        raise unreadable_audio(path, error) from error


def _decode(container: av.container.InputContainer, path: Path) -> tuple[np.ndarray, int]:
    stream = container.streams.audio[0]
    planar = av.AudioResampler(format="fltp")  # the same rate and channels
    frames = [floats for frame in container.decode(stream) for floats in planar.resample(frame)]
    frames += planar.resample(None) if frames else []
    if not frames:
        raise empty_audio(path)
    if len({(frame.sample_rate, frame.layout.nb_channels) for frame in frames}) > 1:
        raise MediaError("changes its rate or its number of channels midway", where=path, fix="Convert it to wav.")
    samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return samples[:, : _declared_samples(stream, frames, samples.shape[1])], frames[0].sample_rate


def _declared_samples(stream: av.AudioStream, frames: list[av.AudioFrame], decoded: int) -> int:
    """How many of the decoded samples belong to the audio: encoders fill their last block with silence, and the file
    states where the audio ends. A length that is off by more than a block is an estimate, and everything is kept."""
    if stream.duration is None or stream.time_base is None:
        return decoded
    declared = round(stream.duration * stream.time_base * frames[0].sample_rate)
    return declared if 0 < decoded - declared < frames[-1].samples else decoded


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
