"""Sound read block by block at its own rate, from any file: memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile

from avspatial.errors import MediaError
from avspatial.media.ffmpeg import opened
from avspatial.media.probe import LOSSLESS_SUFFIXES

BLOCK = 65536
"""Samples of a block read from a sound file."""
MIN_GAP = 0.05
"""Time stamps that jump further than this, s, leave a hole, which is filled with silence."""
_TRIMMED = frozenset({"mov", "mp4", "m4a"})
"""Containers whose header knows a track's length to the sample; codecs decode to whole frames, a little longer."""


class AudioReader:
    """The blocks of a file's first sound track.

    After the first block `start` is the time stamp of the first sample, s, and `rate` its rate, Hz; after the last one
    `samples` is how many there were, and `gaps` how many samples of silence filled jumps of the time stamps.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.start = 0.0
        self.rate = 0
        self.channels = 0
        self.samples = 0
        self.gaps = 0

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks (C, n) float32, integers scaled to [-1, 1), each n at least 1. Once only.

        MediaError for a file that is missing, damaged, without sound, whose rate or number of channels changes, or
        that holds samples that are not finite.
        """
        self.samples = self.gaps = 0
        source = self._file() if self.path.suffix.lower() in LOSSLESS_SUFFIXES else self._track()
        for block in source:
            if not np.isfinite(block).all():
                raise MediaError("has samples that are NaN or infinite", where=self.path, fix="Write the file again.")
            self.samples += block.shape[1]
            yield block
        if not self.samples:
            raise MediaError("holds no sound at all", where=self.path, fix="Copy it again, or leave the clip out.")

    def _file(self) -> Iterator[np.ndarray]:
        if not self.path.exists():
            raise MediaError("no such file", where=self.path)
        try:
            with soundfile.SoundFile(str(self.path)) as file:
                self.rate, self.channels = file.samplerate, file.channels
                for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
                    yield np.ascontiguousarray(block.T)
        except (soundfile.SoundFileError, OSError) as error:
            why = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
            raise MediaError(
                f"not a readable sound file ({why.rstrip('.')})", where=self.path, fix="Copy it again."
            ) from error

    def _track(self) -> Iterator[np.ndarray]:
        with opened(self.path) as container:
            if not container.streams.audio:
                raise MediaError("has no sound: the file has no audio stream", where=self.path)
            stream = container.streams.audio[0]
            left = _length(container, stream)
            planar = av.AudioResampler(format="fltp")
            for block in chain.from_iterable(self._placed(frame, planar) for frame in container.decode(stream)):
                block = block if left is None else block[:, : left - self.samples]
                if block.shape[1]:
                    yield block

    def _placed(self, frame: Any, planar: Any) -> Iterator[np.ndarray]:
        """A frame's samples (C, n), after silence where its time stamp says that something is missing."""
        self._check(frame)
        if frame.time is not None:
            self.start = self.start if self.samples else frame.time
            late = frame.time - self.start - self.samples / self.rate
            if late > MIN_GAP:
                yield from self._silence(round(late * self.rate))
        for part in planar.resample(frame):
            yield part.to_ndarray()

    def _silence(self, samples: int) -> Iterator[np.ndarray]:
        self.gaps += samples
        for done in range(0, samples, BLOCK):
            yield np.zeros((self.channels, min(BLOCK, samples - done)), np.float32)

    def _check(self, frame: Any) -> None:
        channels = frame.layout.nb_channels
        if not self.rate:
            self.rate, self.channels = frame.sample_rate, channels
        if frame.is_corrupt:
            raise MediaError(
                f"its sound is damaged near {frame.time or 0:.2f} s", where=self.path, fix="Copy or download it again."
            )
        for what, was, now in (("number of channels", self.channels, channels), ("rate", self.rate, frame.sample_rate)):
            if was != now:
                at = self.start + self.samples / self.rate
                raise MediaError(
                    f"the {what} of its sound changes from {was} to {now} at {at:.2f} s",
                    where=self.path,
                    fix="Convert its sound to one format first, or cut the video there.",
                )


def _length(container: Any, stream: Any) -> int | None:
    """The samples that the header promises, where the container knows them exactly."""
    exact = stream.time_base is not None and stream.time_base.denominator == stream.codec_context.sample_rate
    if stream.duration is None or not exact or not _TRIMMED & set(container.format.name.split(",")):
        return None
    return int(stream.duration * stream.time_base.numerator)
