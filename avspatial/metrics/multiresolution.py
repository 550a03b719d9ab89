"""The multi-resolution STFT distance, as auraloss 0.4.0 computes it with its defaults (Steinmetz and Reiss, 2020;
Yamamoto et al., arXiv 1910.11480).

It is not symmetric: the spectral convergence divides by the reference's spectrogram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.one_number import OneNumber
from avspatial.metrics.sound import Array, Sound, as_pair

if TYPE_CHECKING:
    from torch import Tensor

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""n_fft, hop and window length in samples."""
POWER_FLOOR = 1e-8
"""Least power of a bin; makes the logarithm of silence finite."""
BLOCK = 2**15
"""Bins taken at once, of both signals together: what fits a processor's cache, and is too little for torch to spread
over threads. Memory does not grow with T."""


def _windowed(pair: Array, n_fft: int, hop: int, window: int) -> Tensor:
    """pair (2, C, T) -> its frames (2 C, M, window), a view; centred, the ends reflected."""
    import torch

    margin = n_fft // 2
    padded = np.pad(pair, [(0, 0), (0, 0), (margin, margin)], mode="reflect")
    lead = (n_fft - window) // 2
    frames = torch.from_numpy(padded).flatten(0, 1).unfold(-1, n_fft, hop)
    return frames[..., lead : lead + window]


def _distance(pair: Array, n_fft: int, hop: int, window: int, linear: bool) -> float:
    """One resolution; pair (2, C, T) is prediction, reference. Computed by torch in double precision: its transforms
    and element by element arithmetic take a quarter of numpy's time."""
    import torch

    frames, weights = _windowed(pair, n_fft, hop, window), torch.hann_window(window, dtype=torch.float64)
    channels, count, bins = pair.shape[1], frames.shape[1], n_fft // 2 + 1
    step = max(1, BLOCK // (len(frames) * bins))
    squared, true, logarithms, absolute = 0.0, 0.0, 0.0, 0.0
    for start in range(0, count, step):
        # The window at the start of n_fft and not in its middle: that turns phases, which magnitudes do not see.
        spectrum = torch.fft.rfft(frames[:, start : start + step] * weights, n_fft)
        power = spectrum.real.square().addcmul_(spectrum.imag, spectrum.imag).clamp_min_(POWER_FLOOR)
        magnitude = power.sqrt()
        error = (magnitude[:channels] - magnitude[channels:]).flatten()
        squared += float(error @ error)
        true += float(power[channels:].sum())
        logarithms += float((power[:channels] / power[channels:]).log_().abs_().sum()) / 2
        absolute += float(error.abs_().sum()) if linear else 0.0
    return float(np.sqrt(squared / true)) + (logarithms + absolute) / (channels * count * bins)


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
