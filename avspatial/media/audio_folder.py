"""Audio in numbered files of one folder, one after another: read as one file."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from avspatial.errors import MediaError
from avspatial.media.file_errors import unreadable_audio

_SUFFIXES = (".wav", ".flac")


class AudioFolder:
    """What `soundfile.SoundFile` is for one file, for `000000.wav`, `000001.wav` .. as far as it is used here.

    Attributes:
        samplerate: Hz.
        channels: Number of channels.
        frames: Samples per channel.

    Raises:
        MediaError: No such file in the folder, one that is missing or cannot be read, files of unequal rates or
            channels.
    """

    def __init__(self, folder: Path) -> None:
        self._files = audio_files(folder)
        headers = [_header(file) for file in self._files]
        self.samplerate, self.channels = headers[0].samplerate, headers[0].channels
        for file, header in zip(self._files, headers, strict=True):
            if (header.samplerate, header.channels) != (self.samplerate, self.channels):
                raise MediaError(
                    f"{header.channels} channels at {header.samplerate} Hz, where {self._files[0].name} has "
                    f"{self.channels} at {self.samplerate} Hz",
                    where=file,
                    fix="Cut the audio into files again.",
                )
        self._ends = list(accumulate(header.frames for header in headers))
        self.frames = self._ends[-1]
        self._place = 0

    def seek(self, frame: int) -> None:
        """Continue from a sample on."""
        self._place = frame

    def read(self, frames: int = -1, dtype: str = "float64", always_2d: bool = True) -> np.ndarray:
        """The next samples, (n, C); fewer at the end."""
        end = self.frames if frames < 0 else min(self.frames, self._place + frames)
        parts = [np.zeros((0, self.channels), dtype)]
        while self._place < end:
            number = bisect_right(self._ends, self._place)
            begin = self._ends[number - 1] if number else 0
            stop = min(end, self._ends[number])
            parts.append(_samples(self._files[number], self._place - begin, stop - begin, dtype))
            self._place = stop
        return np.concatenate(parts)

    def blocks(self, blocksize: int, dtype: str = "float64", always_2d: bool = True) -> Iterator[np.ndarray]:
        """The samples from here to the end, at most `blocksize` at a time."""
        while self._place < self.frames:
            yield self.read(blocksize, dtype)


def _header(file: Path) -> Any:
    try:
        return soundfile.info(os.fsencode(file))
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable_audio(file, error) from error


def _samples(file: Path, begin: int, end: int, dtype: str) -> np.ndarray:
    try:
        return np.asarray(soundfile.read(os.fsencode(file), end - begin, begin, dtype=dtype, always_2d=True)[0])
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable_audio(file, error) from error


def is_audio_folder(path: Path) -> bool:
    """Whether a path is read as such a folder: one without a suffix."""
    return not path.suffix and path.is_dir()


def audio_files(folder: Path) -> list[Path]:
    """The numbered audio files of a folder, in the order of their numbers. Raises MediaError if one is missing."""
    found = (file for file in folder.iterdir() if file.suffix.lower() in _SUFFIXES and file.stem.isdigit())
    files = sorted(found, key=lambda file: (int(file.stem), file.name))
    if not files:
        raise MediaError("holds no numbered wav file", where=folder, fix="Name them 000000.wav, 000001.wav ...")
    for before, file in pairwise(files):
        if int(file.stem) != int(before.stem) + 1:
            what = f"no audio file between {before.name} and {file.name}, or one number twice"
            raise MediaError(what, where=folder, fix="Cut the audio into files again.")
    return files
