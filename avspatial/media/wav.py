"""Reading and writing wav and flac files (soundfile; scipy writes float wav, see `write_wav`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from avspatial.atomic import whole_file
from avspatial.errors import MediaError


@dataclass(frozen=True)
class WavInfo:
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


def wav_info(path: str | Path) -> WavInfo:
    """The header alone. MediaError for a file that is missing, unreadable or without a single sample."""
    path = Path(path)
    try:
        info = soundfile.info(str(path))
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from error
    if info.frames <= 0:
        raise MediaError("holds no sound at all", where=path, fix="Copy it again, or leave the clip out.")
    return WavInfo(info.samplerate, info.channels, info.frames)


def read_wav(path: str | Path) -> tuple[np.ndarray, int]:
    """A whole file -> samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    MediaError for a file that is missing, unreadable, empty, or with samples that are not finite.
    """
    path = Path(path)
    wav_info(path)
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
        with whole_file(Path(path)) as aside:
            _write(aside, np.ascontiguousarray(samples.T), rate, subtype)
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
