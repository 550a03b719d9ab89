"""Sound pressure level in short frames, and the level difference between the ears (SAGM, arXiv 2311.07630, eqs 16-20).

Positive is left. The paper leaves the framing open; frames of 100 ms every 50 ms are our choice. Frames lie inside the
signal; a signal shorter than one frame is one frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ACTIVE_RANGE",
    "FRAME",
    "HOP",
    "POWER_FLOOR",
    "REFERENCE_PRESSURE",
    "active_frames",
    "frame_powers",
    "frame_times",
    "level_difference",
    "spl",
]

FRAME, HOP = 0.1, 0.05
"""Length and step of a frame, s."""
REFERENCE_PRESSURE = 2e-5
"""Pressure of 0 dB, Pa, if a sample of 1 were 1 Pa. It cancels in every difference."""
POWER_FLOOR = 1e-12
"""Least mean square of a frame: silence has a level of -26 dB instead of minus infinity."""
ACTIVE_RANGE = 40.0
"""Frames more than this many dB below the loudest one are inactive."""

Array = NDArray[Any]


def _framing(rate: int, frame: float, hop: float) -> tuple[int, int]:
    return max(1, round(frame * rate)), max(1, round(hop * rate))


def frame_powers(x: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """Mean square of each frame, not floored.

    Args:
        x: (..., T).
        rate: Sample rate, Hz.
        frame: Length of a frame, s.
        hop: Step between frames, s.

    Returns:
        (..., K).

    Raises:
        ValueError: A signal without samples.
    """
    x = np.asarray(x, dtype=np.float64)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError("a signal without samples has no level")
    length, step = _framing(rate, frame, hop)
    windows = np.lib.stride_tricks.sliding_window_view(x * x, min(length, x.shape[-1]), axis=-1)
    return np.asarray(windows[..., ::step, :].mean(-1))


def frame_times(samples: int, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """Centres of the frames of a signal.

    Args:
        samples: Length of the signal.
        rate: Sample rate, Hz.
        frame: Length of a frame, s.
        hop: Step between frames, s.

    Returns:
        (K,), s.
    """
    length, step = _framing(rate, frame, hop)
    length = min(length, samples)
    return (np.arange(0, samples - length + 1, step) + length / 2) / rate


def spl(x: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """Sound pressure level of each frame, 20 log10(rms / 2e-5) (SAGM, eq. 16).

    Args:
        x: (..., T).
        rate: Sample rate, Hz.
        frame: Length of a frame, s.
        hop: Step between frames, s.

    Returns:
        (..., K), dB.

    Raises:
        ValueError: A signal without samples.

    Example:
        >>> spl(np.full(1600, 0.2), 16000).round(6)
        array([80.])
    """
    powers = np.maximum(frame_powers(x, rate, frame, hop), POWER_FLOOR)
    return np.asarray(10 * np.log10(powers / REFERENCE_PRESSURE**2))


def level_difference(stereo: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """Level of the left channel minus that of the right one, frame by frame (SAGM, eq. 18).

    Args:
        stereo: (2, T), left then right.
        rate: Sample rate, Hz.
        frame: Length of a frame, s.
        hop: Step between frames, s.

    Returns:
        (K,), dB; positive is left.

    Raises:
        ValueError: A signal without samples.

    Example:
        >>> level_difference(np.stack([np.full(1600, 0.2), np.full(1600, 0.1)]), 16000).round(2)
        array([6.02])
    """
    left, right = spl(stereo, rate, frame, hop)
    return np.asarray(left - right)


def active_frames(reference: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """Frames whose energy is within 40 dB of the loudest frame's.

    Args:
        reference: (2, T), left then right.
        rate: Sample rate, Hz.
        frame: Length of a frame, s.
        hop: Step between frames, s.

    Returns:
        (K,) bool. A frame at the power floor is never active, so a silent clip has no active frame.

    Raises:
        ValueError: A signal without samples.
    """
    powers = frame_powers(reference, rate, frame, hop).sum(0)
    return np.asarray(powers > max(2 * POWER_FLOOR, powers.max() * 10 ** (-ACTIVE_RANGE / 10)))
