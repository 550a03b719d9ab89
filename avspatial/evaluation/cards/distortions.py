"""What may become of a stereo sound: wrong predictions of which each is wrong in one known way.

Each is a function of a sound (2, T) and its rate in Hz, and returns another (2, T). They are what the card of a metric
is measured with (`evaluation.cards`): a value says little beside what a known mistake would have cost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from avspatial.evaluation.scoring.controls import control_sounds
from avspatial.signal import stereo

LATE = 0.001
"""How much later both ears hear, s: nobody hears that."""
ONE_EAR_LATE = 0.00025
"""How much later one ear hears than before, s: what turning a source by some 30 degrees does."""
QUIETER = 0.5
"""The common gain: -6 dB."""
LEVEL_WINDOW = 0.02
"""The noise follows the level of each ear in windows of this length, s."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Distortion:
    """A change of a sound. `keeps_directions`: whatever it does, all is heard from where it was."""

    name: str
    change: Callable[[Array, int], Array]
    keeps_directions: bool = False

    @property
    def description(self) -> str:
        """What it does, in the words of the function's docstring."""
        return (self.change.__doc__ or "").strip().rstrip(".")


def reference(sound: Array, rate: int) -> Array:
    """The reference itself."""
    return control_sounds(sound)["reference"]


def mono(sound: Array, rate: int) -> Array:
    """Half the mixture at each ear."""
    return control_sounds(sound)["mono"]


def level_panned(sound: Array, rate: int) -> Array:
    """The mixture with constant gains, in the ratio of the reference's channels."""
    return control_sounds(sound)["level_panned"]


def swapped(sound: Array, rate: int) -> Array:
    """The ears exchanged."""
    return control_sounds(sound)["swapped"]


def narrowed(sound: Array, rate: int) -> Array:
    """Half of left - right: on the way to mono."""
    return stereo.stereo(stereo.mixture(sound), stereo.difference(sound) / 2)


def widened(sound: Array, rate: int) -> Array:
    """Twice left - right."""
    return stereo.stereo(stereo.mixture(sound), stereo.difference(sound) * 2)


def left_late(sound: Array, rate: int) -> Array:
    """The left ear alone 0.25 ms later."""
    return np.stack([_later(sound[0], ONE_EAR_LATE, rate), sound[1]])


def right_late(sound: Array, rate: int) -> Array:
    """The right ear alone 0.25 ms later."""
    return np.stack([sound[0], _later(sound[1], ONE_EAR_LATE, rate)])


def noise(sound: Array, rate: int) -> Array:
    """Other content: one noise at both ears, at the reference's level in each, followed every 20 ms."""
    window = max(1, round(LEVEL_WINDOW * rate))
    power = uniform_filter1d(np.square(sound), window, axis=-1, mode="nearest")
    # A running sum leaves rounding errors below zero where there is silence.
    return np.random.default_rng(0).standard_normal(sound.shape[-1]) * np.sqrt(np.maximum(power, 0))


def late(sound: Array, rate: int) -> Array:
    """Both ears 1 ms later."""
    return _later(sound, LATE, rate)


def quieter(sound: Array, rate: int) -> Array:
    """Half the level (-6 dB) at both ears."""
    return QUIETER * sound


def inverted(sound: Array, rate: int) -> Array:
    """Both ears with the other polarity."""
    return -sound


def _later(sound: Array, seconds: float, rate: int) -> Array:
    """sound (..., T), behind as many samples of silence, cut to T."""
    samples = round(seconds * rate)
    return np.pad(sound, [(0, 0)] * (sound.ndim - 1) + [(samples, 0)])[..., : sound.shape[-1]]


DISTORTIONS: Mapping[str, Distortion] = MappingProxyType(
    {
        change.__name__: Distortion(change.__name__, change, keeps)
        for change, keeps in (
            (reference, True),
            (late, True),
            (quieter, True),
            (inverted, True),
            (mono, False),
            (level_panned, False),
            (swapped, False),
            (narrowed, False),
            (widened, False),
            (left_late, False),
            (right_late, False),
            (noise, False),
        )
    }
)
"""The distortions by name. The first is the reference; then what nobody hears as another direction; then the rest."""
