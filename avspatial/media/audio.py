"""Audio of any file: read whole (soundfile, or PyAV for sound tracks), its header alone, and wav files written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
from av.error import FFmpegError

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".w64", ".rf64", ".caf", ".au"})
"""Read by soundfile, sample for sample."""
CONTAINER_SUFFIXES = frozenset(
    {".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".ts", ".mka", ".m4a", ".mp3", ".opus", ".aac"}
)
"""Read by FFmpeg: the first sound track, decoded as a player does."""
# PyAV raises these three beside its own class when FFmpeg reports out of memory, end of file, or a missing stream.
_DECODING = (FFmpegError, MemoryError, EOFError, IndexError)


@dataclass(frozen=True)
class AudioInfo:
    """The header of a sound file: rate in Hz, number of channels (C), samples a channel (T)."""

    rate: int
    channels: int
    samples: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


def _unreadable(path: Path, error: Exception) -> MediaError:
    if not path.exists():
        return MediaError("no such sound file", where=path)
    reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return MediaError(
        f"not a readable sound file ({reason.rstrip('.')})", where=path, fix="Copy it again, or convert it to wav."
    )


def audio_info(path: str | Path) -> AudioInfo:
    """The header alone. MediaError for a file that is missing, unreadable or without a single sample."""
    path = Path(path)
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from error
    if info.frames <= 0:
        raise MediaError("holds no sound at all", where=path, fix="Copy it again, or leave the clip out.")
    return AudioInfo(info.samplerate, info.channels, info.frames)


def _read_soundfile(path: Path) -> tuple[np.ndarray, int]:
    """A whole file -> samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    MediaError for a file that is missing, unreadable, empty, or with samples that are not finite.
    """
    path = Path(path)
    audio_info(path)
    try:
        samples, rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from error
    if not np.isfinite(samples).all():
        raise MediaError("has samples that are NaN or infinite", where=path, fix="Write the file again.")
    return np.ascontiguousarray(samples.T), rate


def write_wav(path: str | Path, samples: np.ndarray, rate: int, subtype: str = "FLOAT") -> None:
    """samples (C, T) at `rate` Hz -> a whole wav file; `subtype` is FLOAT, PCM_16 or PCM_24.

    The same samples give the same bytes. ValueError for samples that an integer subtype cannot hold (nothing is
    clipped here); MediaError when the file cannot be written.
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
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"cannot be written ({reason})", where=path, fix="Free space, or choose another folder."
        ) from (error)


def _write(path: Path, frames: np.ndarray, rate: int, subtype: str) -> None:
    if subtype == "FLOAT":
        # libsndfile puts the time of day into the PEAK chunk of float files: equal runs would differ in bytes.
        from scipy.io import wavfile

        wavfile.write(path, rate, frames.astype(np.float32))
    else:
        soundfile.write(str(path), frames, rate, subtype=subtype, format="WAV")


def is_audio(path: Path) -> bool:
    """Whether the name is that of a sound or video file."""
    return path.suffix.lower() in AUDIO_SUFFIXES | CONTAINER_SUFFIXES


def read_audio(path: str | Path) -> tuple[np.ndarray, int]:
    """The sound of a file -> samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    MediaError for a file that is missing, unreadable or empty, has no sound, or samples that are not finite.
    """
    path = Path(path)
    return _read_soundfile(path) if path.suffix.lower() in AUDIO_SUFFIXES else _track(path)


def _track(path: Path) -> tuple[np.ndarray, int]:
    if not path.exists():
        raise MediaError("no such sound file", where=path)
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            if not container.streams.audio:
                raise MediaError("has no sound track", where=path, fix="Give a file with sound, or leave the clip out.")
            return _decoded(container, path)
    except _DECODING as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        fix = "Copy it again, or convert it to wav."
        raise MediaError(f"not a readable sound file ({reason})", where=path, fix=fix) from error


def _decoded(container: av.container.InputContainer, path: Path) -> tuple[np.ndarray, int]:
    stream = container.streams.audio[0]
    planar = av.AudioResampler(format="fltp")  # the same rate and channels
    frames = [floats for frame in container.decode(stream) for floats in planar.resample(frame)]
    frames += planar.resample(None) if frames else []
    if not frames:
        raise MediaError("holds no sound at all", where=path, fix="Copy it again, or leave the clip out.")
    if len({(frame.sample_rate, frame.layout.nb_channels) for frame in frames}) > 1:
        raise MediaError("changes its rate or its number of channels midway", where=path, fix="Convert it to wav.")
    samples = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    samples = samples[:, : _declared(stream, frames, samples.shape[1])]
    if not np.isfinite(samples).all():
        raise MediaError("has samples that are NaN or infinite", where=path, fix="Write the file again.")
    return np.ascontiguousarray(samples), frames[0].sample_rate


def _declared(stream: av.AudioStream, frames: list[av.AudioFrame], decoded: int) -> int:
    """How many of the decoded samples are the sound: encoders fill their last block with silence, and the file says
    where the sound ends. A length that is off by more than a block is a guess of the file's, and all is kept."""
    if stream.duration is None or stream.time_base is None:
        return decoded
    said = round(stream.duration * stream.time_base * frames[0].sample_rate)
    return said if 0 < decoded - said < frames[-1].samples else decoded
