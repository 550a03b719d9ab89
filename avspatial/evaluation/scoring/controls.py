"""Control conditions: lower and upper reference points for a score.

`mono`              the mixture, half to each ear
`swapped`           the reference with its ears exchanged
`reference`         the reference against itself, through the same save path: the floor of each estimator
`level_panned`      the mixture with two constant gains, by the reference's level difference: no image, no time
`blank_picture`     the model with black images
`mirrored_picture`  the model with the video mirrored: the level difference should change its sign
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avspatial.signal import stereo

MODEL = "model"
BLANK, MIRRORED = "blank_picture", "mirrored_picture"
SEEN = (BLANK, MIRRORED)
"""Conditions that the model makes; they are in the run's `controls/` folder."""

CONTROLS = ("mono", "swapped", "reference", "level_panned")
"""Conditions that are made from the reference alone."""

Array = NDArray[np.float64]


def level_panned(reference: Array) -> Array:
    """reference (2, T) -> its mixture with constant gains, in the ratio of the two channels' rms; silence stays."""
    left, right = np.sqrt(np.square(reference).mean(-1))
    mixture = stereo.mixture(reference)
    return stereo.stereo(mixture, mixture * ((left - right) / (left + right) if left + right else 0.0))


def control_sounds(reference: Array) -> dict[str, Array]:
    """The audio of each condition in `CONTROLS`, (2, T)."""
    mixture = stereo.mixture(reference)
    return {
        "mono": stereo.stereo(mixture, np.zeros_like(mixture)),
        "swapped": reference[::-1],
        "reference": reference,
        "level_panned": level_panned(reference),
    }
