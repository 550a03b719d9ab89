"""Writing wav and flac files block by block, 24 bit."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from avspatial.errors import MediaError
from avspatial.runs.whole import whole_file

_LARGEST_WAV = (1 << 32) - (1 << 16)
_BYTES = 6


def write_sound(path: Path, blocks: Iterable[np.ndarray], rate: int, samples: int) -> None:
    """Stereo blocks (2, n) within [-1, 1] -> a whole file of 24 bit; wav or flac, by the suffix of `path`.

    `samples` is how many will come: from 4 GiB on a wav file has the longer header RF64. MediaError when the file
    cannot be written.
    """
    kind = "FLAC" if path.suffix.lower() == ".flac" else "WAV"
    if kind == "WAV" and samples * _BYTES > _LARGEST_WAV:
        kind = "RF64"
    try:
        with whole_file(path) as aside, soundfile.SoundFile(str(aside), "w", rate, 2, "PCM_24", format=kind) as file:
            for block in blocks:
                file.write(block.T)
    except (soundfile.SoundFileError, OSError) as error:
        why = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"cannot be written ({why.rstrip('.')})", where=path, fix="Free space, or choose another folder."
        ) from error
