"""Multi-resolution STFT distance, as auraloss 0.4.0 computes it with its defaults.

Sources: Steinmetz and Reiss, "auraloss", 2020; Yamamoto et al., "Parallel WaveGAN", arXiv 1910.11480. The distance
is not symmetric in its arguments: the spectral convergence divides by the reference's spectrogram.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import Array, Audio, as_pair, framed, weighted_blocks
from avspatial.metrics.scalar import ScalarMetric

RESOLUTIONS = ((1024, 120, 600), (2048, 240, 1200), (512, 50, 240))
"""n_fft, hop and window length in samples."""
FLOOR = 1e-4
"""Least magnitude of a bin (auraloss: a power of 1e-8); keeps the logarithm of silence finite."""
_JOINED = 16
"""Magnitudes multiplied before one logarithm is taken, which takes as long as many products. No product overflows for
samples below 1e16, or underflows."""


def _magnitudes(frames: Array, weights: Array, n_fft: int) -> Iterator[tuple[Array, Array, Array]]:
    """frames (2, C, M, window) of prediction and reference -> blocks of both magnitudes (n,) and a scratch array (n,).

    Each block overwrites the one before: allocating anew costs two threads a fifth of their time.
    """
    bins = n_fft // 2 + 1
    spectrum: Array | None = None
    # The frame stands at the start of n_fft, not in its middle: that changes phases, not magnitudes.
    for block in weighted_blocks(frames, weights, n_fft):
        count = block[..., 0].size * bins
        if spectrum is None:  # the first block is the largest
            spectrum = np.empty(count, np.complex128)
            magnitudes, scratch = np.empty(count), np.empty(count // 2)
        transform = np.fft.rfft(block, out=spectrum[:count].reshape(*block.shape[:-1], bins))
        both = np.abs(transform.reshape(-1), out=magnitudes[:count])
        np.maximum(both, FLOOR, out=both)
        yield both[: count // 2], both[count // 2 :], scratch[: count // 2]


def _sum_of_logarithms(magnitudes: Array) -> float:
    """magnitudes (N,) -> the sum of their logarithms."""
    end = len(magnitudes) // _JOINED * _JOINED
    products = np.multiply.reduce(magnitudes[:end].reshape(_JOINED, -1), axis=0)
    return float(np.log(products).sum() + np.log(magnitudes[end:]).sum())


def _distance(pair: Array, n_fft: int, hop: int, window: int, linear: bool) -> float:
    """One resolution; pair (2, C, T) is prediction, reference."""
    frames, weights = framed(pair, n_fft, hop, window, "reflect")
    squared_error, power, logarithms, absolute = 0.0, 0.0, 0.0, 0.0
    for predicted, reference, scratch in _magnitudes(frames, weights, n_fft):
        np.subtract(predicted, reference, out=scratch)
        squared_error += float(np.einsum("n,n->", scratch, scratch))  # `@` would start the linear algebra's threads
        power += float(np.einsum("n,n->", reference, reference))
        absolute += float(np.abs(scratch, out=scratch).sum()) if linear else 0.0
        # |log a - log b| is the larger logarithm minus the smaller one.
        logarithms += _sum_of_logarithms(np.maximum(predicted, reference, out=scratch))
        logarithms -= _sum_of_logarithms(np.minimum(predicted, reference, out=scratch))
    bins = frames[0, ..., 0].size * (n_fft // 2 + 1)
    return float(np.sqrt(squared_error / power)) + (logarithms + absolute) / bins


def mrstft(prediction: Audio, reference: Audio, linear: bool = False) -> float:
    """Multi-resolution STFT distance with auraloss' defaults. Lower is better.

    Mean over three resolutions of || |Y| - |X| ||_F / || X ||_F + mean |log |Y| - log |X||, plus mean ||Y| - |X|| if
    `linear`. The Frobenius norms run over both channels at once; ends are reflected, repeatedly if T is shorter than
    half an n_fft. Sources: see the module.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor, as `prepare` returns it.
        reference: Stereo (2, T) of the same length.
        linear: Add the linear magnitude term that the SAGM text names and auraloss' defaults lack (the component
            `mrstft_linear`).

    Returns:
        Distance without a unit, at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import mrstft
        >>> reference = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 2048))
        >>> mrstft(reference, reference)
        0.0
        >>> round(mrstft(0.5 * reference, reference), 4)  # 0.5 + log 2
        1.1931
    """
    pair = np.stack(as_pair(prediction, reference))
    return sum(_distance(pair, *resolution, linear) for resolution in RESOLUTIONS) / len(RESOLUTIONS)


class Mrstft(ScalarMetric, name="mrstft", higher_is_better=False):
    """Multi-resolution STFT distance."""

    linear = False

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return mrstft(prediction, reference, self.linear)


class MrstftLinear(Mrstft, name="mrstft_linear", higher_is_better=False):
    """Multi-resolution STFT distance with a linear magnitude term."""

    linear = True
