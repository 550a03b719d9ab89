"""Control conditions: lower and upper reference points for a score.

Those of `CONTROLS` are made from the reference alone: each is a function of audio (2, T) that returns audio (2, T).
Those of `SEEN` are made by the model, from black images or the mirrored video, whose level difference should change its
sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from avspatial.signal import stereo

MODEL = "model"
BLANK, MIRRORED = "blank_picture", "mirrored_picture"
SEEN = (BLANK, MIRRORED)
"""Conditions that the model makes; they are in the run's `controls/` folder."""

Array = NDArray[np.float64]


def mono(audio: Array) -> Array:
    """Half the mixture at each ear."""
    mixture = stereo.mixture(audio)
    return stereo.stereo(mixture, np.zeros_like(mixture))


def swapped(audio: Array) -> Array:
    """The ears exchanged."""
    return audio[::-1]


def reference(audio: Array) -> Array:
    """The reference itself."""
    return audio


def level_panned(audio: Array) -> Array:
    """The mixture with constant gains, in the ratio of the reference's channels."""
    left, right = np.sqrt(np.square(audio).mean(-1))
    mixture = stereo.mixture(audio)
    return stereo.stereo(mixture, mixture * ((left - right) / (left + right) if left + right else 0.0))


CONTROLS: Mapping[str, Callable[[Array], Array]] = MappingProxyType(
    {control.__name__: control for control in (mono, swapped, reference, level_panned)}
)
"""The conditions that are made from the reference; `reference`, scored against itself, is each estimator's floor."""
