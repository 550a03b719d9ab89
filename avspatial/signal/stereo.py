"""Left and right channels, their mixture and their difference (SAGM, arXiv 2311.07630, eqs. 1-3).

The mixture is left + right, the difference left - right; a mono signal m stands for left = right = m, so its mixture
is 2 m. All arithmetic between them is here. Every function takes tensors and arrays alike and is linear: it serves
samples and spectrograms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:  # slow to import, and scoring needs none of it
    from torch import Tensor

__all__ = [
    "difference",
    "difference_by_left",
    "difference_by_right",
    "mixture",
    "mixture_of_mono",
    "stereo",
    "to_mono",
]

Signal = TypeVar("Signal", "Tensor", np.ndarray)


def mixture(stereo: Signal) -> Signal:
    """Sum of the two channels.

    Args:
        stereo: (..., 2, T), left then right.

    Returns:
        left + right, (..., T).

    Example:
        >>> mixture(np.array([[1.0, 2.0], [0.5, -1.0]]))
        array([1.5, 1. ])
    """
    total: Signal = stereo[..., 0, :] + stereo[..., 1, :]
    return total


def difference(stereo: Signal) -> Signal:
    """Difference of the two channels.

    Args:
        stereo: (..., 2, T), left then right.

    Returns:
        left - right, (..., T).

    Example:
        >>> difference(np.array([[1.0, 2.0], [0.5, -1.0]]))
        array([0.5, 3. ])
    """
    sides: Signal = stereo[..., 0, :] - stereo[..., 1, :]
    return sides


def stereo(mixture: Signal, difference: Signal) -> Signal:
    """Two channels from their mixture and their difference; the inverse of the functions of these names.

    Args:
        mixture: (..., T).
        difference: (..., T).

    Returns:
        (..., 2, T), left then right. left + right is the mixture for any difference, up to float rounding.

    Example:
        >>> stereo(np.array([1.5, 1.0]), np.array([0.5, 3.0]))
        array([[ 1. ,  2. ],
               [ 0.5, -1. ]])
    """
    channels: Any = ((mixture + difference) / 2, (mixture - difference) / 2)
    if isinstance(mixture, np.ndarray):
        return np.stack(channels, -2)
    import torch

    return torch.stack(channels, -2)


def to_mono(stereo: Signal) -> Signal:
    """Mean of the two channels: the mono signal that has the same mixture.

    Args:
        stereo: (..., 2, T), left then right.

    Returns:
        (left + right) / 2, (..., T).

    Example:
        >>> to_mono(np.array([[1.0, 2.0], [0.5, -1.0]]))
        array([0.75, 0.5 ])
    """
    return mixture(stereo) / 2


def mixture_of_mono(mono: Signal) -> Signal:
    """Mixture that a mono signal stands for: the same signal in both channels.

    Args:
        mono: Any shape.

    Returns:
        2 mono, of the same shape.

    Example:
        >>> mixture_of_mono(np.array([0.75, 0.5]))
        array([1.5, 1. ])
    """
    return 2 * mono


def difference_by_left(mixture: Signal, left: Signal) -> Signal:
    """Difference that follows from the left channel alone.

    Args:
        mixture: Any shape.
        left: The same shape.

    Returns:
        2 left - mixture, of the same shape.
    """
    implied: Signal = 2 * left - mixture
    return implied


def difference_by_right(mixture: Signal, right: Signal) -> Signal:
    """Difference that follows from the right channel alone.

    Args:
        mixture: Any shape.
        right: The same shape.

    Returns:
        mixture - 2 right, of the same shape.
    """
    implied: Signal = mixture - 2 * right
    return implied
