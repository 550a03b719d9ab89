"""Input validation shared by all metrics, and the centred spectrogram.

Spectrograms are computed and used in blocks of frames, so that memory does not grow with their length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Audio = Any
"""A numpy array or a torch tensor, (2, T), left then right."""
Array = NDArray[Any]
BLOCK = 2**17
"""Spectral values computed at once: as many as fit a processor's cache."""


def as_stereo(audio: Audio, what: str) -> Array:
    """Array or tensor (2, T) on any device -> (2, T) float64; ValueError for integers, another shape, no samples, NaN.

    `what` names the audio in the message.
    """
    if hasattr(audio, "detach"):
        audio = audio.detach().cpu()
        audio = (audio.double() if audio.is_floating_point() else audio).numpy()  # numpy has no bfloat16
    array = np.asarray(audio)
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"the {what} is {array.dtype}; floating point is needed: divide 16 bit samples by 32768")
    array = array.astype(np.float64, copy=False)
    if array.ndim != 2 or array.shape[0] != 2:
        raise ValueError(f"the {what} has shape {array.shape}; two channels (2, T) are needed")
    if array.shape[1] == 0:
        raise ValueError(f"the {what} has no samples")
    if not np.isfinite(array).all():
        raise ValueError(f"the {what} holds NaN or infinity")
    return array


def as_pair(prediction: Audio, reference: Audio) -> tuple[Array, Array]:
    """Check a prediction and its reference, and convert both to float64.

    Every metric calls this first.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor on any device.
        reference: Stereo (2, T) of the same length.

    Returns:
        Prediction and reference as float64 arrays (2, T).

    Raises:
        ValueError: Integers, NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import as_pair
        >>> y, x = as_pair(np.zeros((2, 4), np.float32), np.ones((2, 4)))
        >>> y.dtype, x.shape
        (dtype('float64'), (2, 4))
        >>> as_pair(np.zeros((2, 4)), np.ones((2, 5)))
        Traceback (most recent call last):
            ...
        ValueError: the prediction has 4 samples, the reference 5
    """
    y, x = as_stereo(prediction, "prediction"), as_stereo(reference, "reference")
    if y.shape != x.shape:
        raise ValueError(f"the prediction has {y.shape[1]} samples, the reference {x.shape[1]}")
    return y, x


def framed(x: Array, n_fft: int, hop: int, window: int, pad: str) -> tuple[Array, Array]:
    """x (..., T) -> its frames (..., M, window), a view, not yet weighted; and the weights (window,).

    A periodic Hann window in the middle of n_fft, frames centred, M = 1 + T // hop. pad: `zeros`, or `reflect`,
    repeatedly if T is shorter than n_fft // 2.
    """
    margin = n_fft // 2
    edges = [(0, 0)] * (x.ndim - 1) + [(margin, margin)]
    padded = np.pad(x, edges) if pad == "zeros" else np.pad(x, edges, mode="reflect")
    lead = (n_fft - window) // 2
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=-1)[..., ::hop, lead : lead + window]
    return frames, np.hanning(window + 1)[:-1]  # scipy.signal has it too, and takes most of a second to import


def weighted_blocks(frames: Array, weights: Array, n_fft: int, lead: int = 0) -> Iterator[Array]:
    """frames (..., M, window), weights (window,) -> blocks of weighted frames (..., some of M, n_fft), zero-padded.

    lead: number of zeros before a frame. A block is overwritten by the next one.
    """
    *outer, count, window = frames.shape
    step = max(1, BLOCK // (int(np.prod(outer)) * n_fft))
    block = np.zeros((*outer, min(step, count), n_fft))
    for start in range(0, count, step):
        unweighted = frames[..., start : start + step, :]
        weighted = block[..., : unweighted.shape[-2], :]
        np.multiply(unweighted, weights, out=weighted[..., lead : lead + window])
        yield weighted


def spectra(x: Array, n_fft: int, hop: int, window: int, pad: str) -> Iterator[Array]:
    """x (..., T) -> its spectrogram, `framed`, in blocks of frames (..., some of M, F)."""
    from scipy.fft import rfft

    frames, weights = framed(x, n_fft, hop, window, pad)
    for block in weighted_blocks(frames, weights, n_fft, (n_fft - window) // 2):
        yield np.asarray(rfft(block, axis=-1))


def mean_power(x: Array, n_fft: int, hop: int, window: int, pad: str) -> Array:
    """x (..., T) -> mean |X|^2 (...) over the bins and frames of its spectrogram (`spectra`), without a transform.

    By Parseval: all n_fft bins hold n_fft times the energy of the weighted frame, and the F = n_fft // 2 + 1 bins half
    of that plus half of the unpaired bins, 0 Hz and, for an even n_fft, half the rate.
    """
    frames, weights = framed(x, n_fft, hop, window, pad)
    total = np.zeros(x.shape[:-1])
    for weighted in weighted_blocks(frames, weights, window):
        unpaired = np.square(weighted.sum(-1))
        if n_fft % 2 == 0:
            unpaired += np.square(weighted[..., ::2].sum(-1) - weighted[..., 1::2].sum(-1))
        total += (n_fft * np.einsum("...t,...t->...", weighted, weighted) + unpaired).sum(-1)
    return np.asarray(total / frames.shape[-2] / 2 / (n_fft // 2 + 1))
