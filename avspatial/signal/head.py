"""Head models: how a sound from an azimuth arrives at the two ears.

`SphericalHead` is a rigid sphere with the ears at +-90 degrees. Its shadow is the exact series of Duda and Martens
(1998), "Range dependence of the response of a spherical head model", its travel time Woodworth's ray formula. Each
ear's filter is the shadow's magnitude, zero phase, delayed by that travel time: so the time difference is one number,
the same at every frequency, and the level difference is the series' own. `MeasuredHead` is the horizontal ring of a
SOFA file (`avspatial.signal.sofa`). `render` filters a dry sound with either, along an azimuth that may move.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from scipy.signal import oaconvolve

__all__ = [
    "BLOCK_SECONDS",
    "RESPONSE_SECONDS",
    "SPEED",
    "Floats",
    "Head",
    "SphericalHead",
    "head_model",
    "render",
    "unit_vectors",
]

SPEED = 343.0
"""Speed of sound in m/s."""
RESPONSE_SECONDS = 0.008
"""Length of the responses that `render` asks a head for."""
BLOCK_SECONDS = 0.01
"""Half the length of the cross-faded blocks along which a moving source is rendered."""

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]


class Head(Protocol):
    """Interface of a head model, as `render` needs it."""

    def itd(self, azimuth: Any) -> Floats:
        """Interaural time difference.

        Args:
            azimuth: Degrees, positive is left, any shape.

        Returns:
            Seconds, of the same shape; positive if the sound reaches the left ear first.
        """

    def lead(self, rate: int, length: int) -> int:
        """Delay of the responses at the middle of the head.

        Args:
            rate: Sample rate, Hz.
            length: Samples of a response.

        Returns:
            Samples of a response that pass before the sound would reach the middle of the head.
        """

    def responses(self, azimuths: Any, rate: int, length: int) -> Floats:
        """Head-related impulse responses.

        Args:
            azimuths: (K,), degrees, positive is left.
            rate: Sample rate, Hz.
            length: Samples of a response.

        Returns:
            (K, 2, length), left then right.
        """


class SphericalHead:
    """A rigid sphere with the ears at +-90 degrees and a shadow that depends on the distance of the source.

    Responses are relative to the free field at the head's centre; they do not contain the 1 / distance law.

    Args:
        radius: m.
        distance: Distance of the source from the centre of the head, m.

    Raises:
        ValueError: The source is inside the head.
    """

    def __init__(self, radius: float = 0.0875, distance: float = 1.5) -> None:
        if not 0 < radius < distance:
            raise ValueError("the source must be outside the head: 0 < radius < distance")
        self.radius = radius
        self.distance = distance

    def itd(self, azimuth: Any) -> Floats:
        """Interaural time difference by Woodworth's formula a / c (sin x + x), x the lateral angle; see `Head.itd`.

        Front and back are the same.
        """
        sine = np.sin(np.radians(np.asarray(azimuth, float)))
        return np.asarray(self.radius / SPEED * (sine + np.arcsin(sine)))

    def delay(self, incidence: Any) -> Floats:
        """Travel time to an ear relative to the centre of the head (Woodworth).

        Args:
            incidence: Angle between source and ear, radians, any shape.

        Returns:
            Seconds, of the same shape.
        """
        angle = np.asarray(incidence, float)
        lit = angle <= np.pi / 2
        return self.radius / SPEED * np.where(lit, -np.cos(angle), angle - np.pi / 2)

    def shadow(self, incidence: Any, frequencies: Any) -> Floats:
        """Magnitude of the response at an ear, |H| of Duda and Martens (1998), eq. 3.

        Args:
            incidence: (K,), angle between source and ear, radians.
            frequencies: (F,), Hz.

        Returns:
            (K, F), relative to the free field at the centre of the head.
        """
        cosines = np.cos(np.asarray(incidence, float))
        # The limit at 0 Hz is reached smoothly: below ka = 1e-3 nothing changes in the sixth digit.
        size = np.maximum(2 * np.pi * np.asarray(frequencies, float) * self.radius / SPEED, 1e-3)
        range_ = self.distance / self.radius
        coefficients = _coefficients(size, range_)
        return np.asarray(np.abs(_legendre(cosines, len(coefficients)).T @ coefficients) * range_ / size)

    def lead(self, rate: int, length: int) -> int:
        """Half the length; see `Head.lead`."""
        return length // 2

    def responses(self, azimuths: Any, rate: int, length: int) -> Floats:
        """Head-related impulse responses (K, 2, length); see `Head.responses`."""
        sine = np.sin(np.radians(np.atleast_1d(np.asarray(azimuths, float))))
        frequencies = np.fft.rfftfreq(length, 1 / rate)
        incidence = np.arccos(np.stack([sine, -sine], -1))
        time = self.delay(incidence) + self.lead(rate, length) / rate
        turn = np.exp(-2j * np.pi * frequencies * time[..., None])
        shadow = self.shadow(incidence.ravel(), frequencies).reshape(turn.shape)
        return np.fft.irfft(shadow * turn, length)


def _coefficients(size: Floats, range_: float) -> np.ndarray:
    """(2m + 1) h_m(size range) / h'_m(size), m = 0, 1, ..., until the terms vanish: size (F,) -> (m, F) complex.

    Recursion over ratios of neighbouring spherical Hankel functions: they never overflow, the functions do.
    """
    far = size * range_
    ratio_near, ratio_far = 1 / size - 1j, 1 / far - 1j
    quotient = np.exp(1j * (far - size)) / range_
    terms = [quotient / -ratio_near]
    largest = np.abs(terms[0])
    for m in range(1, 2000):
        quotient = quotient * ratio_far / ratio_near
        terms.append((2 * m + 1) * quotient / (1 / ratio_near - (m + 1) / size))
        largest = np.maximum(largest, np.abs(terms[-1]))
        if m > size.max() and np.all(np.abs(terms[-1]) < 1e-9 * largest):
            break
        ratio_near = (2 * m + 1) / size - 1 / ratio_near
        ratio_far = (2 * m + 1) / far - 1 / ratio_far
    return np.stack(terms)


def _legendre(x: Floats, count: int) -> Floats:
    """Legendre polynomials P_0 .. P_{count-1} at x (K,) -> (count, K), by Bonnet's recursion."""
    values = np.ones((max(count, 2), len(x)))
    values[1] = x
    for m in range(1, count - 1):
        values[m + 1] = ((2 * m + 1) * x * values[m] - m * values[m - 1]) / (m + 1)
    return values[:count]


def head_model(name: str | Path, distance: float = 1.5) -> Head:
    """Return a head model by its name in a recipe.

    Args:
        name: `spherical`, `kemar` (MIT KEMAR, which the package carries), or a SOFA file.
        distance: Distance of the source from the spherical head, m; the responses of a measured head do not change.

    Raises:
        DataError: The file is missing, damaged or no measurement of head-related impulse responses.
    """
    if str(name) == "spherical":
        return SphericalHead(distance=distance)
    from avspatial.signal.sofa import MeasuredHead

    return MeasuredHead(name)


def unit_vectors(azimuth: Any, elevation: Any = 0.0) -> Floats:
    """Directions in degrees (positive is left, positive is up) as unit vectors (..., 3): front, left, up."""
    azimuth, elevation = np.broadcast_arrays(np.radians(azimuth), np.radians(elevation))
    flat = np.cos(elevation)
    return np.stack([np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)], -1)


def render(dry: Floats, azimuths: Any, rate: int, head: Head) -> np.ndarray:
    """Render a dry sound at a fixed or moving azimuth.

    The sound of a moving source is cut into overlapping Hann blocks, each filtered by the response of its middle.

    Args:
        dry: (T,).
        azimuths: Degrees, positive is left: one number, or a track (K,) whose value k belongs to the time
            (k + 0.5) / K of the sound, linear in between.
        rate: Sample rate, Hz.
        head: Head model.

    Returns:
        (2, T) float64, left then right.
    """
    dry = np.asarray(dry, np.float64)
    track = np.atleast_1d(np.asarray(azimuths, float))
    length = 2 * round(RESPONSE_SECONDS * rate / 2)
    lead = head.lead(rate, length)
    if np.ptp(track) == 0:
        wet = oaconvolve(dry[None], head.responses(track[:1], rate, length)[0], axes=-1)
    else:
        wet = _moving(dry, track, rate, head, length)
    return np.asarray(wet[:, lead : lead + len(dry)])


def _moving(dry: Floats, track: Floats, rate: int, head: Head, length: int) -> np.ndarray:
    """The cross-faded blocks of `render`: dry (T,) -> (2, at least T + length)."""
    hop = round(BLOCK_SECONDS * rate)
    count = len(dry) // hop + 2
    middles = np.arange(count) * hop
    where = (np.arange(len(track)) + 0.5) * len(dry) / len(track)
    responses = head.responses(np.interp(middles, where, track), rate, length)
    padded = np.zeros((count + 1) * hop)
    padded[hop : hop + len(dry)] = dry
    blocks = np.lib.stride_tricks.sliding_window_view(padded, 2 * hop)[::hop]
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)
    wet = oaconvolve((blocks * window)[:, None], responses, axes=-1)
    out = np.zeros((2, (count + 1) * hop + length))
    for middle, block in zip(middles, wet, strict=True):
        out[:, middle : middle + block.shape[-1]] += block
    return out[:, hop:]
