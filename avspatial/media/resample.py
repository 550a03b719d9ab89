"""Changing the sample rate (soxr, band-limited)."""

from __future__ import annotations

import numpy as np
import soxr


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """samples (C, T) float32 at `from_rate` Hz -> (C, round(T * to_rate / from_rate)) float32 at `to_rate` Hz."""
    samples = np.asarray(samples, dtype=np.float32)
    if from_rate == to_rate:
        return samples
    length = round(samples.shape[-1] * to_rate / from_rate)
    out = np.zeros((samples.shape[0], length), np.float32)
    changed = soxr.resample(np.ascontiguousarray(samples.T), from_rate, to_rate, quality="VHQ").T
    kept = min(length, changed.shape[-1])
    out[:, :kept] = changed[:, :kept]
    return out
