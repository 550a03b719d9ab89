"""Left and right, mixture and difference: the only place with this arithmetic (SAGM, arXiv 2311.07630, eqs. 1-3).

A mixture is left + right, a difference left - right. Every function takes tensors and arrays alike and is linear, so
it serves samples and spectrograms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:  # slow to import, and scoring needs none of it
    from torch import Tensor

Sound = TypeVar("Sound", "Tensor", np.ndarray)


def mixture(stereo: Sound) -> Sound:
    """stereo (..., 2, T), left then right -> left + right (..., T)."""
    return stereo[..., 0, :] + stereo[..., 1, :]


def difference(stereo: Sound) -> Sound:
    """stereo (..., 2, T), left then right -> left - right (..., T)."""
    return stereo[..., 0, :] - stereo[..., 1, :]


def stereo(mixture: Sound, difference: Sound) -> Sound:
    """mixture (..., T) and difference (..., T) -> stereo (..., 2, T); the inverse of the two functions above.

    Whatever the difference, left + right is the mixture again (up to float rounding).
    """
    channels: Any = ((mixture + difference) / 2, (mixture - difference) / 2)
    if isinstance(mixture, np.ndarray):
        return np.stack(channels, -2)
    import torch

    return torch.stack(channels, -2)


def difference_by_left(mixture: Sound, left: Sound) -> Sound:
    """The difference that a left channel alone implies: 2 left - mixture (any equal shapes)."""
    return 2 * left - mixture


def difference_by_right(mixture: Sound, right: Sound) -> Sound:
    """The difference that a right channel alone implies: mixture - 2 right (any equal shapes)."""
    return mixture - 2 * right
