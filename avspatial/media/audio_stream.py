"""Audio of any file, read block by block at its own rate: memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np

from avspatial.errors import MediaError
from avspatial.media.audio_file import open_audio_file, states_length
from avspatial.media.ffmpeg import open_media
from avspatial.media.file_errors import check_finite, empty_audio

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".w64", ".rf64", ".caf", ".au"})
"""Read by soundfile, sample for sample."""
BLOCK = 65536
"""Samples of a block read from an audio file."""
MIN_GAP = 0.05
"""Time stamps that jump further than this, s, leave a gap, which is filled with silence."""
_TRIMMED = frozenset({"mov", "mp4", "m4a"})
"""Containers whose header states a track's length to the sample; codecs decode to full blocks, a little longer."""


class AudioReader:
    """The blocks of a file's first audio track.

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

        Raises:
            MediaError: For a file that is missing, damaged, without audio, whose rate or number of channels changes,
                or that holds samples that are not finite.
        """
        self.samples = self.gaps = 0
        in_file = self.path.suffix.lower() in AUDIO_SUFFIXES and states_length(self.path)
        for block in self._read_file() if in_file else self._read_track():
            check_finite(block, self.path)
            self.samples += block.shape[1]
            yield block
        if not self.samples:
            raise empty_audio(self.path)

    def _read_file(self) -> Iterator[np.ndarray]:
        with open_audio_file(self.path) as file:
            self.rate, self.channels = file.samplerate, file.channels
            for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
                yield np.ascontiguousarray(block.T)

    def _read_track(self) -> Iterator[np.ndarray]:
        with open_media(self.path) as container:
            if not container.streams.audio:
                raise MediaError("has no audio stream", where=self.path)
            stream = container.streams.audio[0]
            length = _declared_samples(container, stream)
            planar = av.AudioResampler(format="fltp")
            for block in chain.from_iterable(self._fill_gaps(frame, planar) for frame in container.decode(stream)):
                block = block if length is None else block[:, : length - self.samples]
                if block.shape[1]:
                    yield block

    def _fill_gaps(self, frame: Any, planar: Any) -> Iterator[np.ndarray]:
        """A frame's samples (C, n), after silence if its time stamp shows that something is missing."""
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
        for first in range(0, samples, BLOCK):
            yield np.zeros((self.channels, min(BLOCK, samples - first)), np.float32)

    def _check(self, frame: Any) -> None:
        channels = frame.layout.nb_channels
        if not self.rate:
            self.rate, self.channels = frame.sample_rate, channels
        if frame.is_corrupt:
            raise MediaError(
                f"its audio is damaged near {frame.time or 0:.2f} s", where=self.path, fix="Copy or download it again."
            )
        for what, was, now in (("number of channels", self.channels, channels), ("rate", self.rate, frame.sample_rate)):
            if was != now:
                at = self.start + self.samples / self.rate
                raise MediaError(
                    f"the {what} of its audio changes from {was} to {now} at {at:.2f} s",
                    where=self.path,
                    fix="Convert its audio to one format first, or cut the video there.",
                )


def _declared_samples(container: Any, stream: Any) -> int | None:
    """The number of samples in the header, if the container states it exactly."""
    exact = stream.time_base is not None and stream.time_base.denominator == stream.codec_context.sample_rate
    if stream.duration is None or not exact or not _TRIMMED & set(container.format.name.split(",")):
        return None
    return int(stream.duration * stream.time_base.numerator)
