"""The sound of any file: wav and flac and their like (soundfile), or the sound track of a video (PyAV)."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from avspatial.errors import MediaError
from avspatial.media.wav import read_wav

SOUND_FILES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".w64", ".rf64", ".caf", ".au"})
"""Read by soundfile, sample for sample."""
VIDEO_FILES = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4a", ".m4v", ".ts", ".opus", ".aac", ".mka"})
"""Read by FFmpeg: the first sound track, decoded as a player does."""
# PyAV raises these three beside its own class when FFmpeg reports out of memory, end of file, or a missing stream.
_DECODING = (FFmpegError, MemoryError, EOFError, IndexError)


def is_sound(path: Path) -> bool:
    """Whether the name is that of a sound or video file."""
    return path.suffix.lower() in SOUND_FILES | VIDEO_FILES


def read_sound(path: str | Path) -> tuple[np.ndarray, int]:
    """The sound of a file -> samples float32 (C, T), integers scaled to [-1, 1), and the rate in Hz.

    MediaError for a file that is missing, unreadable or empty, has no sound, or samples that are not finite.
    """
    path = Path(path)
    return read_wav(path) if path.suffix.lower() in SOUND_FILES else _track(path)


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
    resampler = av.AudioResampler(format="fltp")  # the same rate and channels, as planar floats
    parts: list[np.ndarray] = []
    for frame in container.decode(stream):
        parts += [converted.to_ndarray() for converted in resampler.resample(frame)]
    parts += [converted.to_ndarray() for converted in resampler.resample(None)] if parts else []
    if not parts:
        raise MediaError("holds no sound at all", where=path, fix="Copy it again, or leave the clip out.")
    if len({len(part) for part in parts}) > 1:
        raise MediaError("changes its number of channels midway", where=path, fix="Convert it to wav.")
    samples = np.ascontiguousarray(np.concatenate(parts, axis=1))
    if not np.isfinite(samples).all():
        raise MediaError("has samples that are NaN or infinite", where=path, fix="Write the file again.")
    return samples, stream.rate
