"""Sound pressure levels in short frames, and the level difference between the two ears (SAGM, eqs 16-20).

Positive is left, as everywhere. The paper leaves the framing open; 100 ms frames every 50 ms are our choice.
Frames lie wholly inside the signal; a signal shorter than one frame is one frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FRAME, HOP = 0.1, 0.05
"""Length and step of a frame, s."""
REFERENCE_PRESSURE = 2e-5
"""The pressure of 0 dB, Pa, if a sample of 1 were 1 Pa. It cancels in every difference."""
POWER_FLOOR = 1e-12
"""Least mean square of a frame: silence has a level of -26 dB instead of minus infinity."""
ACTIVE_RANGE = 40.0
"""Frames this many dB below the loudest one are inactive."""

Array = NDArray[Any]


def _framing(rate: int, frame: float, hop: float) -> tuple[int, int]:
    return max(1, round(frame * rate)), max(1, round(hop * rate))


def frame_powers(x: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """x (..., T) -> mean square of each frame (..., K), not floored; ValueError for a signal without samples."""
    x = np.asarray(x, dtype=np.float64)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError("a signal without samples has no level")
    length, step = _framing(rate, frame, hop)
    windows = np.lib.stride_tricks.sliding_window_view(x * x, min(length, x.shape[-1]), axis=-1)
    return np.asarray(windows[..., ::step, :].mean(-1))


def frame_times(samples: int, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """The centres of the frames of a signal of T samples, (K,) in s."""
    length, step = _framing(rate, frame, hop)
    length = min(length, samples)
    return (np.arange(0, samples - length + 1, step) + length / 2) / rate


def spl(x: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """x (..., T) -> (..., K) dB: 20 log10(rms of the frame / 2e-5) (SAGM, eq. 16)."""
    powers = np.maximum(frame_powers(x, rate, frame, hop), POWER_FLOOR)
    return np.asarray(10 * np.log10(powers / REFERENCE_PRESSURE**2))


def level_difference(stereo: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """stereo (2, T) -> (K,) dB, left minus right: positive is left (SAGM, eq. 18)."""
    left, right = spl(stereo, rate, frame, hop)
    return np.asarray(left - right)


def active_frames(reference: Any, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """reference (2, T) -> (K,) bool: frames whose energy is within 40 dB of the loudest frame's.

    A frame at the power floor is never active, so a silent clip has no active frame.
    """
    powers = frame_powers(reference, rate, frame, hop).sum(0)
    return np.asarray(powers > max(2 * POWER_FLOOR, powers.max() * 10 ** (-ACTIVE_RANGE / 10)))
