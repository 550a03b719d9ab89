"""Writing wav and flac files block by block, 24 bit."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from avspatial.atomic import atomic_write
from avspatial.media.file_errors import unwritable

_LARGEST_WAV = (1 << 32) - (1 << 16)
_BYTES = 6


def write_audio(path: Path, blocks: Iterable[np.ndarray], rate: int, samples: int) -> None:
    """Write a wav or flac file of 24 bit, by the suffix of `path`, completely or not at all.

    `blocks` are stereo (2, n) within [-1, 1], `samples` is their total length: from 4 GiB on a wav file has the longer
    header RF64. Raises MediaError if the file cannot be written.
    """
    kind = "FLAC" if path.suffix.lower() == ".flac" else "WAV"
    if kind == "WAV" and samples * _BYTES > _LARGEST_WAV:
        kind = "RF64"
    try:
        with atomic_write(path) as temporary_path:
            _write(temporary_path, blocks, rate, kind)
            _check_end(temporary_path, samples)
    except (soundfile.SoundFileError, OSError) as error:
        raise unwritable(path, error) from error


def _write(path: Path, blocks: Iterable[np.ndarray], rate: int, kind: str) -> None:
    with soundfile.SoundFile(str(path), "w", rate, 2, "PCM_24", format=kind) as file:
        for block in blocks:
            file.write(block.T)


def _check_end(path: Path, samples: int) -> None:
    """Read the last sample again: libsndfile does not report when a full disk refuses the end of a flac file."""
    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(samples - 1)
            complete = len(file.read(2)) == 1
    except soundfile.SoundFileError:
        complete = False
    if not complete:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
