"""Changing the sample rate (soxr, band-limited)."""

from __future__ import annotations

import numpy as np
import soxr


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample (C, T) float32 at `from_rate` Hz -> (C, round(T * to_rate / from_rate)) float32 at `to_rate` Hz."""
    resampler = Resampler(len(samples), from_rate, to_rate)
    return np.concatenate([resampler.push(samples), resampler.finish()], axis=1)


class Resampler:
    """Resampling block by block: the concatenated blocks equal `resample` of all samples, to the sample and the bit."""

    def __init__(self, channels: int, from_rate: float, to_rate: float) -> None:
        self.from_rate, self.to_rate = from_rate, to_rate
        self._channels = channels
        self._received = self._returned = 0
        self._stream = None
        if from_rate != to_rate:
            self._stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality="VHQ")

    def push(self, block: np.ndarray) -> np.ndarray:
        """block (C, T) float32 -> the samples that are ready, (C, K)."""
        self._received += block.shape[1]
        if self._stream is None:
            return np.asarray(block, np.float32)
        ready = self._stream.resample_chunk(np.ascontiguousarray(block.T, np.float32)).T
        self._returned += ready.shape[1]
        return np.asarray(ready)

    def finish(self) -> np.ndarray:
        """The rest, (C, K): in total round(T * to_rate / from_rate) samples come out of T."""
        if self._stream is None:
            return np.zeros((self._channels, 0), np.float32)
        rest = self._stream.resample_chunk(np.zeros((0, self._channels), np.float32), last=True).T
        missing = round(self._received * self.to_rate / self.from_rate) - self._returned
        out = np.zeros((self._channels, max(0, missing)), np.float32)
        kept = min(out.shape[1], rest.shape[1])
        out[:, :kept] = rest[:, :kept]
        return out
