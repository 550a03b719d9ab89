"""Time stamps of audio against its count of samples: what has to be filled, dropped or followed to stay in step.

A time stamp deviates from the count for three reasons. It *jumps* where something is missing (a gap) or stands twice
(where clips were joined): the deviation of all later ones changes. It *drifts* if the recorder's clock was not that of
the stated rate: the deviation grows with time. And it is *inexact*, rounded or jittered: then the deviation of a single
time stamp means nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

SMALLEST_STEP = 0.002
"""A jump of the time stamps up to this, s, is rounding."""
_LARGEST_OVERLAP = 1.0
"""Time stamps that go back further, s, begin anew: nothing stands twice, and everything is kept."""
_NEIGHBOURS = 15
_FEWEST = 3
_REACH = 0.35
"""Whether a jump lasts is shown by up to 15 time stamps on each side of it, at least 3, within so many seconds."""
_JITTER = 5
"""A jump that lasts exceeds the median distance from the median on both sides by this factor,"""
_JUMPS = 3
"""and the median of the last 50 jumps by this one."""
_SILENCE = 65536
"""Samples of a block of silence."""

TimedBlock = tuple[float | None, np.ndarray]
"""A time stamp in seconds, if there is one, and samples (C, n)."""


class Restart(NamedTuple):
    """Where time stamps begin anew: at which second of the audio, and by how many seconds they go back."""

    at: float
    back: float


class Piece(NamedTuple):
    """Samples that follow one another in step: `length` of them, from number `first` of what was decoded on, which come
    to stand at `place`."""

    place: int
    first: int
    length: int


class Timeline:
    """Audio in step with its time stamps, but for a drift.

    After the last block `gaps` and `dropped` are how many samples of silence were inserted and how many overlapping
    samples were left out, `pieces` which samples stand where, and `restarts` where the time stamps begin anew.
    """

    def __init__(self, rate: int) -> None:
        self.gaps = 0
        self.dropped = 0
        self.pieces: list[Piece] = []
        self.restarts: list[Restart] = []
        self._rate = rate
        self._samples = 0
        self._level = 0.0
        self._sums = np.zeros(5)
        self._before: deque[float] = deque(maxlen=_NEIGHBOURS)
        self._jumps: deque[float] = deque([0.0] * 10, maxlen=50)
        self._reach = 1

    def in_step(self, blocks: Iterable[TimedBlock]) -> Iterator[np.ndarray]:
        """The blocks, with silence in gaps and without what stands twice. 15 blocks are held back."""
        previous = 0.0
        overlap = samples = 0
        for deviations, block in _with_later(self._deviations(blocks), round(_REACH * self._rate)):
            step = self._lasting_step(deviations[0] - previous, deviations)
            if step < -_LARGEST_OVERLAP:
                self.restarts.append(Restart((samples + self.gaps - self.dropped) / self._rate, -step))
                step = 0.0
            missing = round(step * self._rate) - overlap
            previous = deviations[0]
            self._add_point(samples / self._rate, deviations[0] - self._level)
            samples += block.shape[1]
            yield from self._silence(max(0, missing), len(block))
            kept = block[:, max(0, -missing) :]
            overlap = max(0, -missing) - (block.shape[1] - kept.shape[1])
            self.dropped += block.shape[1] - kept.shape[1]
            self._add_piece(samples - kept.shape[1], kept.shape[1])
            if kept.shape[1]:
                yield kept

    @property
    def drift(self) -> float:
        """How much longer the audio is according to its time stamps, s: the slope of the deviations between jumps."""
        count, x, y, xx, xy = self._sums
        spread = count * xx - x * x
        return (count * xy - x * y) / spread * self._samples / self._rate if spread > 0 else 0.0

    def _deviations(self, blocks: Iterable[TimedBlock]) -> Iterator[tuple[float, np.ndarray]]:
        """The time stamp minus the count of samples, s, of each block."""
        deviation, origin = 0.0, None
        for time, block in blocks:
            seconds = self._samples / self._rate
            if time is not None:
                origin = time - seconds if origin is None else origin
                deviation = time - origin - seconds
            self._samples += block.shape[1]
            yield deviation, block

    def _lasting_step(self, jump: float, deviations: Sequence[float]) -> float:
        """The seconds that are missing before a block (positive) or stand twice (negative), if its jump lasts."""
        step = 0.0
        self._reach = max(self._reach, len(deviations))
        self._jumps.append(abs(jump))
        if abs(jump) > SMALLEST_STEP and self._before:
            (before, jitter_before), (after, jitter_after) = (
                _level(list(self._before)[-self._reach :]),
                _level(deviations),
            )
            jitter = max(_JITTER * jitter_before, _JITTER * jitter_after, _JUMPS * float(np.median(self._jumps)))
            if abs(after - before) > max(SMALLEST_STEP, jitter) and (after > before) == (jump > 0):
                step = after - before
                self._level += step
                self._before.extend([after] * _NEIGHBOURS)
        self._before.append(deviations[0])
        return step

    def _add_point(self, seconds: float, deviation: float) -> None:
        """A point of the line that the deviations follow without their jumps (least squares)."""
        self._sums += (1, seconds, deviation, seconds * seconds, seconds * deviation)

    def _add_piece(self, first: int, count: int) -> None:
        """Note that `count` samples from number `first` on come next."""
        place = first + self.gaps - self.dropped
        before = self.pieces[-1] if self.pieces else None
        if before is not None and before.first + before.length == first and before.place + before.length == place:
            self.pieces[-1] = before._replace(length=before.length + count)
        elif count:
            self.pieces.append(Piece(place, first, count))

    def _silence(self, samples: int, channels: int) -> Iterator[np.ndarray]:
        self.gaps += samples
        for first in range(0, samples, _SILENCE):
            yield np.zeros((channels, min(_SILENCE, samples - first)), np.float32)


def _level(deviations: Iterable[float]) -> tuple[float, float]:
    """Their median, and the median distance from it."""
    values = np.fromiter(deviations, np.float64)
    middle = np.median(values)
    return float(middle), float(np.median(np.abs(values - middle)))


def _with_later(items: Iterable[tuple[float, np.ndarray]], reach: int) -> Iterator[tuple[list[float], np.ndarray]]:
    """Each block with its own deviation and those of the blocks within `reach` samples after it."""
    window: deque[tuple[float, np.ndarray]] = deque()
    samples = 0
    for item in items:
        window.append(item)
        samples += item[1].shape[1]
        while len(window) == _NEIGHBOURS or (samples >= reach and len(window) >= _FEWEST):
            yield [deviation for deviation, _ in window], window[0][1]
            samples -= window.popleft()[1].shape[1]
    while window:
        yield [deviation for deviation, _ in window], window.popleft()[1]
