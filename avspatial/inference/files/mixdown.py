"""Mixdown: mono at full quality and a difference at the model's rate -> stereo at the level of the input.

The model works at a low rate (16 kHz) on the mixture; the difference that it predicts is resampled to the rate of the
audio and added to the mono that was read: left and right are m + d / 2 and m - d / 2. So (left + right) / 2 is the
input's mono audio, and frequencies above the model's band stay mono, unchanged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from avspatial.media.audio_meters import Meters
from avspatial.media.resample import Resampler
from avspatial.signal import stereo

PEAK = -1.0
"""Highest true peak of an output, dBTP."""
SILENCE = -90.0
"""Audio is silent if its true peak is not above this, dBTP."""


@dataclass(frozen=True)
class OutputLevel:
    """Levels of an output: LUFS before and after, true peak after (dBTP), and the common gain (dB)."""

    loudness_before: float | None
    loudness_after: float | None
    true_peak: float
    gain: float

    @property
    def change(self) -> float | None:
        """The change of the loudness in LU; not 0 only if the true peak required a lower gain."""
        if self.loudness_before is None or self.loudness_after is None:
            return None
        return self.loudness_after - self.loudness_before

    @property
    def factor(self) -> float:
        return float(10 ** (self.gain / 20))


def common_gain(before: float | None, output: Meters) -> OutputLevel:
    """The gain that gives an output the loudness `before`, lowered if its true peak would be above -1 dBTP."""
    after, peak = output.loudness, output.peak
    gain = before - after if before is not None and after is not None else 0.0
    gain = min(gain, PEAK - peak)
    return OutputLevel(before, None if after is None else after + gain, peak + gain, gain)


class StereoAssembler:
    """Combines mono blocks at the audio's rate with differences at the model's rate into stereo blocks.

    `width` is the factor of the difference; 1 leaves the model's difference as it is.
    """

    def __init__(self, rate: int, model_rate: int, width: float) -> None:
        self._resampler = Resampler(1, model_rate, rate)
        self._width = width
        self._mono: deque[np.ndarray] = deque()
        self._difference = np.zeros(0, np.float32)

    def push_mono(self, block: np.ndarray) -> None:
        """block (n,) that was read."""
        self._mono.append(block)

    def push_difference(self, block: np.ndarray) -> Iterator[np.ndarray]:
        """block (k,) that the model predicted -> the stereo (2, n) that is ready, block by block."""
        return self._ready(self._resampler.push(block[None])[0])

    def finish(self) -> Iterator[np.ndarray]:
        """The rest: in total as many samples come out as mono samples went in."""
        yield from self._ready(self._resampler.finish()[0])
        missing = sum(len(block) for block in self._mono) - len(self._difference)
        yield from self._ready(np.zeros(max(0, missing), np.float32))

    def _ready(self, more: np.ndarray) -> Iterator[np.ndarray]:
        self._difference = np.concatenate((self._difference, more))
        while self._mono and len(self._mono[0]) <= len(self._difference):
            block = self._mono.popleft()
            difference, self._difference = self._difference[: len(block)], self._difference[len(block) :]
            yield stereo.stereo(stereo.mixture_of_mono(block), self._width * difference)
