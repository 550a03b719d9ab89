"""The multi-resolution STFT distance, as auraloss 0.4.0 computes it with its defaults (Steinmetz and Reiss, 2020;
Yamamoto et al., arXiv 1910.11480).

It is not symmetric: the spectral convergence divides by the reference's spectrogram.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import Array, AudioLike, as_pair, framed, weighted_blocks
from avspatial.metrics.scalar import ScalarMetric

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""n_fft, hop and window length in samples."""
FLOOR = 1e-4
"""Least magnitude of a bin (a power of 1e-8, as auraloss says it); makes the logarithm of silence finite."""
_JOINED = 16
"""Magnitudes that are multiplied before their logarithm is taken, which takes as long as many products. No product
overflows for samples below 1e16, or underflows."""


def _magnitudes(frames: Array, weights: Array, n_fft: int) -> Iterator[tuple[Array, Array, Array]]:
    """frames (2, C, M, window) of prediction and reference -> blocks of their bins' magnitudes (n,) and (n,), and room
    for as many numbers.

    Each block overwrites the one before: memory that is asked for anew takes two threads a fifth of their time.
    """
    bins, room = n_fft // 2 + 1, None
    # The frame at the start of n_fft and not in its middle: that turns phases, which magnitudes do not see.
    for block in weighted_blocks(frames, weights, n_fft):
        count = block[..., 0].size * bins
        spectrum, magnitudes, spare = room = room or (
            np.empty(count, np.complex128),
            np.empty(count),
            np.empty(count // 2),
        )
        found = np.fft.rfft(block, out=spectrum[:count].reshape(*block.shape[:-1], bins))
        both = np.maximum(np.abs(found.reshape(-1), out=magnitudes[:count]), FLOOR, out=magnitudes[:count])
        yield both[: count // 2], both[count // 2 :], spare[: count // 2]


def _logarithms(magnitudes: Array) -> float:
    """magnitudes (N,) -> the sum of their logarithms."""
    whole = len(magnitudes) // _JOINED * _JOINED
    joined = np.multiply.reduce(magnitudes[:whole].reshape(_JOINED, -1), axis=0)
    return float(np.log(joined).sum() + np.log(magnitudes[whole:]).sum())


def _distance(pair: Array, n_fft: int, hop: int, window: int, linear: bool) -> float:
    """One resolution; pair (2, C, T) is prediction, reference."""
    frames, weights = framed(pair, n_fft, hop, window, "reflect")
    squared, true, logarithms, absolute = 0.0, 0.0, 0.0, 0.0
    for predicted, reference, spare in _magnitudes(frames, weights, n_fft):
        np.subtract(predicted, reference, out=spare)
        squared += float(np.einsum("n,n->", spare, spare))  # `@` would wake the linear algebra's threads
        true += float(np.einsum("n,n->", reference, reference))
        absolute += float(np.abs(spare, out=spare).sum()) if linear else 0.0
        # |log a - log b| is the larger's less the smaller's.
        logarithms += _logarithms(np.maximum(predicted, reference, out=spare))
        logarithms -= _logarithms(np.minimum(predicted, reference, out=spare))
    bins = frames[0, ..., 0].size * (n_fft // 2 + 1)
    return float(np.sqrt(squared / true)) + (logarithms + absolute) / bins


def mrstft(prediction: AudioLike, reference: AudioLike, linear: bool = False) -> float:
    """Mean over three resolutions of || |Y| - |X| ||_F / || X ||_F + mean |log |Y| - log |X||. Lower is better.

    The Frobenius norms run over both channels at once; ends are reflected, repeatedly where T is shorter than half
    an n_fft. `linear` adds mean ||Y| - |X||, the term that the SAGM text names and auraloss' default lacks.
    """
    pair = np.stack(as_pair(prediction, reference))
    return sum(_distance(pair, *resolution, linear) for resolution in RESOLUTIONS) / len(RESOLUTIONS)


class Mrstft(ScalarMetric, name="mrstft", higher_is_better=False):
    """Multi-resolution STFT distance."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference)


class MrstftLinear(ScalarMetric, name="mrstft_linear", higher_is_better=False):
    """Multi-resolution STFT distance with a linear magnitude term."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference, linear=True)
