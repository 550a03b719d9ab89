"""The multi-resolution STFT distance, as auraloss 0.4.0 computes it with its defaults (Steinmetz and Reiss, 2020;
Yamamoto et al., arXiv 1910.11480).

It is not symmetric: the spectral convergence divides by the reference's spectrogram.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.one_number import OneNumber
from avspatial.metrics.sound import Array, Sound, as_pair

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""n_fft, hop and window length in samples."""
POWER_FLOOR = 1e-8
"""Least power of a bin; makes the logarithm of silence finite."""
BLOCK = 16
"""Frames taken at once: what fits a processor's cache is done twice as fast, and memory does not grow with T."""


def _windowed(pair: Array, n_fft: int, hop: int, window: int) -> Array:
    """pair (2, C, T) -> its frames (2, C, M, window), a view; centred, the ends reflected."""
    margin = n_fft // 2
    padded = np.pad(pair, [(0, 0), (0, 0), (margin, margin)], mode="reflect")
    lead = (n_fft - window) // 2
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[..., ::hop, :]
    return frames[..., lead : lead + window]


def _distance(pair: Array, n_fft: int, hop: int, window: int, linear: bool) -> float:
    """One resolution; pair (2, C, T) is prediction, reference."""
    from scipy.fft import rfft
    from scipy.signal.windows import hann

    frames, weights = _windowed(pair, n_fft, hop, window), hann(window, sym=False)
    squared, true, logarithms, absolute = 0.0, 0.0, 0.0, 0.0
    for start in range(0, frames.shape[2], BLOCK):
        # The window at the start of n_fft and not in its middle: that turns phases, which magnitudes do not see.
        bins = rfft(frames[:, :, start : start + BLOCK] * weights, n_fft, axis=-1)
        power = np.maximum(bins.real**2 + bins.imag**2, POWER_FLOOR)
        magnitude = np.sqrt(power)
        error = magnitude[0] - magnitude[1]
        squared += float(np.vdot(error, error))
        true += float(power[1].sum())
        logarithms += float(np.abs(np.log(power[0] / power[1])).sum()) / 2
        absolute += float(np.abs(error).sum()) if linear else 0.0
    count = frames.shape[1] * frames.shape[2] * (n_fft // 2 + 1)
    return float(np.sqrt(squared / true)) + (logarithms + absolute) / count


def mrstft(prediction: Sound, reference: Sound, linear: bool = False) -> float:
    """Mean over three resolutions of || |Y| - |X| ||_F / || X ||_F + mean |log |Y| - log |X||. Lower is better.

    The Frobenius norms run over both channels at once; ends are reflected, repeatedly where T is shorter than half
    an n_fft. `linear` adds mean ||Y| - |X||, the term that the SAGM text names and auraloss' default lacks.
    """
    pair = np.stack(as_pair(prediction, reference))
    return sum(_distance(pair, *resolution, linear) for resolution in RESOLUTIONS) / len(RESOLUTIONS)


class Mrstft(OneNumber, name="mrstft", higher_is_better=False):
    """Multi-resolution STFT distance."""

    def measure(self, prediction: Sound, reference: Sound, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference)


class MrstftLinear(OneNumber, name="mrstft_linear", higher_is_better=False):
    """Multi-resolution STFT distance with a linear magnitude term."""

    def measure(self, prediction: Sound, reference: Sound, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference, linear=True)
