"""Controlled distortions of a stereo signal, one known error each.

Each is a function of audio (2, T) and its rate in Hz, and returns audio (2, T). Metric cards are measured with them: a
score gets its meaning from the scores of known errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from avspatial.evaluation.scoring.controls import level_panned, mono, reference, swapped
from avspatial.signal import stereo

LATE = 0.001
"""Delay of both ears, s; inaudible."""
ONE_EAR_LATE = 0.00025
"""Delay of one ear, s: as if a source were turned by about 30 degrees."""
QUIETER = 0.5
"""Gain of both ears: -6 dB."""
LEVEL_WINDOW = 0.02
"""Length of the windows in which the noise follows the level, s."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Distortion:
    """A distortion; `keeps_directions` if every source keeps its direction."""

    name: str
    change: Callable[[Array, int], Array]
    keeps_directions: bool = False

    @property
    def description(self) -> str:
        """The docstring of the function."""
        return (self.change.__doc__ or "").strip().rstrip(".")


def _as_distortion(control: Callable[[Array], Array]) -> Callable[[Array, int], Array]:
    """A control condition, whose audio does not depend on the rate."""
    return wraps(control)(lambda audio, rate: control(audio))


def narrowed(audio: Array, rate: int) -> Array:
    """Half of left - right."""
    return stereo.stereo(stereo.mixture(audio), stereo.difference(audio) / 2)


def widened(audio: Array, rate: int) -> Array:
    """Twice left - right."""
    return stereo.stereo(stereo.mixture(audio), stereo.difference(audio) * 2)


def left_late(audio: Array, rate: int) -> Array:
    """The left ear alone 0.25 ms later."""
    return np.stack([_later(audio[0], ONE_EAR_LATE, rate), audio[1]])


def right_late(audio: Array, rate: int) -> Array:
    """The right ear alone 0.25 ms later."""
    return np.stack([audio[0], _later(audio[1], ONE_EAR_LATE, rate)])


def noise(audio: Array, rate: int) -> Array:
    """Other content: the same noise at both ears, with the reference's level at each in windows of 20 ms."""
    window = max(1, round(LEVEL_WINDOW * rate))
    power = uniform_filter1d(np.square(audio), window, axis=-1, mode="nearest")
    # The running sum of the filter leaves rounding errors below zero in silence.
    return np.random.default_rng(0).standard_normal(audio.shape[-1]) * np.sqrt(np.maximum(power, 0))


def late(audio: Array, rate: int) -> Array:
    """Both ears 1 ms later."""
    return _later(audio, LATE, rate)


def quieter(audio: Array, rate: int) -> Array:
    """Half the level (-6 dB) at both ears."""
    return QUIETER * audio


def inverted(audio: Array, rate: int) -> Array:
    """Both ears with inverted polarity."""
    return -audio


def _later(audio: Array, seconds: float, rate: int) -> Array:
    """audio (..., T) after silence, cut to T."""
    samples = round(seconds * rate)
    return np.pad(audio, [(0, 0)] * (audio.ndim - 1) + [(samples, 0)])[..., : audio.shape[-1]]


_KEEP_DIRECTIONS = (_as_distortion(reference), late, quieter, inverted)
_CHANGE_DIRECTIONS = (
    *map(_as_distortion, (mono, level_panned, swapped)),
    *(narrowed, widened, left_late, right_late, noise),
)
DISTORTIONS: Mapping[str, Distortion] = MappingProxyType(
    {
        change.__name__: Distortion(change.__name__, change, change in _KEEP_DIRECTIONS)
        for change in (*_KEEP_DIRECTIONS, *_CHANGE_DIRECTIONS)
    }
)
"""The distortions by name: the reference, those that keep every direction, the others."""
