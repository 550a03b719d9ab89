"""The multi-resolution STFT distance, as auraloss 0.4.0 computes it with its defaults (Steinmetz and Reiss, 2020;
Yamamoto et al., arXiv 1910.11480).

It is not symmetric: the spectral convergence divides by the reference's spectrogram.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.one_number import OneNumber
from avspatial.metrics.sound import Array, Sound, as_pair, spectrogram

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""n_fft, hop and window length in samples."""
POWER_FLOOR = 1e-8
"""Least power of a bin; makes the logarithm of silence finite."""


def _magnitude(x: Array, n_fft: int, hop: int, window: int) -> Array:
    bins = spectrogram(x, n_fft, hop, window, pad="reflect")
    return np.sqrt(np.maximum(bins.real**2 + bins.imag**2, POWER_FLOOR))


def mrstft(prediction: Sound, reference: Sound, linear: bool = False) -> float:
    """Mean over three resolutions of ||X| - |Y||_F / ||X||_F + mean |log |Y| - log |X||. Lower is better; no unit.

    The Frobenius norms run over both channels at once. `linear` adds mean ||Y| - |X||, the term that the SAGM text
    names and that auraloss' default lacks.
    """
    y, x = as_pair(prediction, reference)
    total = 0.0
    for resolution in RESOLUTIONS:
        predicted, true = _magnitude(y, *resolution), _magnitude(x, *resolution)
        error = predicted - true
        total += float(np.linalg.norm(error) / np.linalg.norm(true))
        total += float(np.abs(np.log(predicted / true)).mean())
        total += float(np.abs(error).mean()) if linear else 0.0
    return total / len(RESOLUTIONS)


class Mrstft(OneNumber, name="mrstft", higher_is_better=False):
    """Multi-resolution STFT distance."""

    def measure(self, prediction: Sound, reference: Sound, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference)


class MrstftLinear(OneNumber, name="mrstft_linear", higher_is_better=False):
    """Multi-resolution STFT distance with a linear magnitude term."""

    def measure(self, prediction: Sound, reference: Sound, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference, linear=True)
