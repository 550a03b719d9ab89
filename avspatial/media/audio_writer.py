"""Writing wav and flac files block by block, 24 bit."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError

_LARGEST_WAV = (1 << 32) - (1 << 16)
_BYTES = 6


def write_audio(path: Path, blocks: Iterable[np.ndarray], rate: int, samples: int) -> None:
    """Stereo blocks (2, n) within [-1, 1] -> a whole file of 24 bit; wav or flac, by the suffix of `path`.

    `samples` is how many will come: from 4 GiB on a wav file has the longer header RF64. MediaError when the file
    cannot be written.
    """
    kind = "FLAC" if path.suffix.lower() == ".flac" else "WAV"
    if kind == "WAV" and samples * _BYTES > _LARGEST_WAV:
        kind = "RF64"
    try:
        with atomic_write(path) as temporary_path:
            _write(temporary_path, blocks, rate, kind)
            _check_end(temporary_path, samples)
    except (soundfile.SoundFileError, OSError) as error:
        raise MediaError(
            f"cannot be written ({_reason(error)})", where=path, fix="Free space, or choose another folder."
        ) from error


def _write(path: Path, blocks: Iterable[np.ndarray], rate: int, kind: str) -> None:
    with soundfile.SoundFile(str(path), "w", rate, 2, "PCM_24", format=kind) as file:
        for block in blocks:
            file.write(block.T)


def _check_end(path: Path, samples: int) -> None:
    """Read the last sample again: libsndfile does not tell when a full disk refuses the end of a flac file."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(samples - 1)
            whole = len(file.read(2)) == 1
    except soundfile.SoundFileError:
        whole = False
    if not whole:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _reason(error: Exception) -> str:
    if isinstance(error, soundfile.LibsndfileError):
        system = error.code == 2  # what the file system said is lost there
        return "the file system refused" if system else error.error_string.rstrip(".")
    return str(getattr(error, "strerror", None) or error)
