"""Loudness and true peak of audio that comes in blocks, and its mono sum."""

from __future__ import annotations

import math

import numpy as np

from avspatial.errors import MediaError
from avspatial.signal import stereo
from avspatial.signal.loudness import LOWEST_RATE, LoudnessMeter, TruePeakMeter


def downmix(block: np.ndarray) -> np.ndarray:
    """block (1, n) or (2, n) -> (n,): the mean of the channels."""
    return block[0] if len(block) == 1 else stereo.to_mono(block)


def refuse_channels(channels: int, where: object) -> None:
    """Raise MediaError for audio with more than two channels."""
    if channels > 2:
        raise MediaError(
            f"its audio has {channels} channels; mono or stereo is needed",
            where=where,
            fix="Mix it down to mono first; if it is surround or ambisonic audio, it is spatial already.",
        )


class Meters:
    """Loudness (LUFS) and true peak (dBTP) of audio that comes in blocks. Mono is measured on both ears."""

    def __init__(self, rate: int) -> None:
        self._loudness = LoudnessMeter(rate) if rate >= LOWEST_RATE else None
        self._peak = TruePeakMeter(rate)

    def add(self, block: np.ndarray) -> None:
        """block (2, n) or (1, n)."""
        both = np.broadcast_to(block, (2, block.shape[1]))
        if self._loudness is not None:
            self._loudness.add(both)
        self._peak.add(both)

    @property
    def loudness(self) -> float | None:
        """None for audio that is too short (under 0.4 s), too quiet (below -70 LUFS) or below 4 kHz to have one."""
        value = math.nan if self._loudness is None else self._loudness.integrated()
        return value if math.isfinite(value) else None

    @property
    def peak(self) -> float:
        return self._peak.peak()
