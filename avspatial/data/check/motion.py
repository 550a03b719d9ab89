"""On which side the images of a clip move: a hint at its channels, no more."""

from __future__ import annotations

import numpy as np

_NOISE = 8
"""Changes of a pixel up to this, of 255, are noise."""
_LEAST = 0.1
"""Motion nearer to the middle than this share of half a width is on neither side."""


def motion_side(images: np.ndarray) -> float | None:
    """Find where images change.

    Args:
        images: (P, H, W, 3) uint8, in the order of time.

    Returns:
        Centre of the changes from -1 (right edge) to 1 (left edge); None if nothing changes.
    """
    grey = images.mean(-1, dtype=np.float32)
    change = np.abs(np.diff(grey, axis=0))
    columns = np.where(change > _NOISE, change, 0.0).sum((0, 1))
    if not columns.any():
        return None
    places = 1 - (2 * np.arange(len(columns)) + 1) / len(columns)
    return float(columns @ places / columns.sum())


def on_a_side(motion: float | None) -> bool:
    """Whether motion is clearly on one side."""
    return motion is not None and abs(motion) >= _LEAST
