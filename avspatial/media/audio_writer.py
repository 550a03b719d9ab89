"""Writing audio block by block: wav and flac files of 24 bit, and the audio tracks of videos."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from avspatial.atomic import atomic_write
from avspatial.media.file_errors import unwritable

_FULL_SCALE = 1 << 23
_LARGEST_WAV = (1 << 32) - (1 << 16)
_BYTES = 6


def write_audio(
    path: Path, blocks: Iterable[np.ndarray], rate: int, samples: int, tags: Mapping[str, str] | None = None
) -> None:
    """Write a wav or flac file of 24 bit, by the suffix of `path`, completely or not at all.

    `blocks` are stereo (2, n) within [-1, 1], `samples` is their total length: from 4 GiB on a wav file has the longer
    header RF64. `tags` are those of `audio_tags`. Raises MediaError if the file cannot be written.
    """
    kind = "FLAC" if path.suffix.lower() == ".flac" else "WAV"
    if kind == "WAV" and samples * _BYTES > _LARGEST_WAV:
        kind = "RF64"
    try:
        with atomic_write(path) as temporary_path:
            _write(temporary_path, blocks, rate, kind, tags or {})
            _check_end(temporary_path, samples)
    except (soundfile.SoundFileError, OSError) as error:
        raise unwritable(path, error) from error


def _write(path: Path, blocks: Iterable[np.ndarray], rate: int, kind: str, tags: Mapping[str, str]) -> None:
    with soundfile.SoundFile(os.fsencode(path), "w", rate, 2, "PCM_24", format=kind) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        for block in blocks:
            file.write(block.T)


def _check_end(path: Path, samples: int) -> None:
    """Read the last sample again: libsndfile does not report when a full disk refuses the end of a flac file."""
    try:
        with soundfile.SoundFile(os.fsencode(path)) as file:
            file.seek(samples - 1)
            complete = len(file.read(2)) == 1
    except soundfile.SoundFileError:
        complete = False
    if not complete:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class AudioTrack:
    """An audio track of a video that is being written, encoded as far as the video frames around it have come.

    Args:
        output: The open container.
        stream: Its audio stream.
        sample_format: FFmpeg's name of what the encoder takes: fltp, or flt, s32 or s32p.
        blocks: (C, n) within [-1, 1], C as `stream` has channels.
        start: Time stamp of the first sample, s.
    """

    def __init__(
        self, output: Any, stream: Any, sample_format: str, blocks: Iterable[np.ndarray], start: float = 0.0
    ) -> None:
        self._output, self._stream, self._sample_format, self._blocks = output, stream, sample_format, iter(blocks)
        self._done = round(start * stream.rate)

    def write_until(self, seconds: float) -> None:
        """Encode blocks until one ends at `seconds` or later, or no block is left."""
        while self._done < seconds * self._stream.rate:
            block = next(self._blocks, None)
            if block is None:
                return
            self._output.mux(self._stream.encode(self._frame(block)))
            self._done += block.shape[1]

    def finish(self) -> None:
        """Encode the rest."""
        self.write_until(float("inf"))
        self._output.mux(self._stream.encode())

    def _frame(self, block: np.ndarray) -> Any:
        samples = block if self._sample_format.startswith("flt") else as_24_bit(block)
        if not self._sample_format.endswith("p"):
            samples = samples.T.reshape(1, -1)
        layout = self._stream.layout.name
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=self._sample_format, layout=layout)
        frame.rate, frame.pts, frame.time_base = self._stream.rate, self._done, Fraction(1, self._stream.rate)
        return frame


def as_24_bit(block: np.ndarray) -> np.ndarray:
    """block (C, n) within [-1, 1] -> int32, the upper 24 bits rounded, the lower 8 zero. Raises ValueError for samples
    that would have to be clipped."""
    rounded = np.rint(block.astype(np.float64) * _FULL_SCALE)
    if np.abs(block).max(initial=0.0) > 1:
        raise ValueError(f"24 bits hold samples within [-1, 1]; the largest is {np.abs(block).max():.3f}")
    return np.minimum(rounded, _FULL_SCALE - 1).astype(np.int32) << 8
