"""The multi-resolution STFT distance, as auraloss 0.4.0 computes it with its defaults (Steinmetz and Reiss, 2020;
Yamamoto et al., arXiv 1910.11480).

It is not symmetric: the spectral convergence divides by the reference's spectrogram.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.one_number import OneNumber
from avspatial.metrics.sound import Array, Sound, as_pair, framed, weighted_blocks

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""n_fft, hop and window length in samples."""
POWER_FLOOR = 1e-8
"""Least power of a bin; makes the logarithm of silence finite."""
_JOINED = 8
"""Ratios that are multiplied before their logarithm is taken, which takes as long as many products. Each is below
1e14 for sounds within [-1, 1], so that no product overflows."""


def _powers(block: Array) -> Array:
    """block (2, C, m, n_fft) of weighted frames, prediction and reference -> powers of their bins (2, C m F)."""
    from scipy.fft import rfft

    parts = rfft(block, axis=-1).view(np.float64)
    np.square(parts, out=parts)
    power = parts[..., ::2] + parts[..., 1::2]
    return np.maximum(power, POWER_FLOOR, out=power).reshape(2, -1)


def _log_ratios(power: Array) -> float:
    """power (2, N) -> the sum of |log(power[0] / power[1])|."""
    ratio = np.maximum(*power) / np.minimum(*power)
    whole = len(ratio) // _JOINED * _JOINED
    joined = np.multiply.reduce(ratio[:whole].reshape(_JOINED, -1), axis=0)
    return float(np.log(joined).sum() + np.log(ratio[whole:]).sum())


def _distance(pair: Array, n_fft: int, hop: int, window: int, linear: bool) -> float:
    """One resolution; pair (2, C, T) is prediction, reference."""
    frames, weights = framed(pair, n_fft, hop, window, "reflect")
    squared, true, logarithms, absolute = 0.0, 0.0, 0.0, 0.0
    # The frame at the start of n_fft and not in its middle: that turns phases, which magnitudes do not see.
    for block in weighted_blocks(frames, weights, n_fft):
        power = _powers(block)
        predicted, reference = np.sqrt(power)
        error = predicted - reference
        squared += float(np.einsum("n,n->", error, error))  # `@` would wake the linear algebra's threads
        true += float(power[1].sum())
        logarithms += _log_ratios(power) / 2
        absolute += float(np.abs(error).sum()) if linear else 0.0
    bins = frames[0, ..., 0].size * (n_fft // 2 + 1)
    return float(np.sqrt(squared / true)) + (logarithms + absolute) / bins


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
