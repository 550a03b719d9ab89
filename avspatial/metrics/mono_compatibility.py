"""Mono compatibility: what a listener hears who has one loudspeaker.

left + right of the prediction should be left + right of the reference: the mixture that the method was given. A method
that predicts the difference alone keeps it by construction; one that predicts both ears does not.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import AudioLike, as_pair
from avspatial.metrics.scalar import ScalarMetric
from avspatial.signal import stereo

FLOOR = -100.0
"""Errors are not told apart below this (dB): 16-bit files alone make one of about -90."""
SILENT = 1e-12
"""A mixture with a mean square up to this is silent."""


def mono_error(prediction: AudioLike, reference: AudioLike) -> float:
    """10 log10(mean (m^ - m)^2 / mean m^2), m = left + right, in dB, at least -100. Lower is better.

    The sound is taken as it is: a gain counts as an error (half the level is -6 dB), since a player that sums the
    channels hears it. 0 dB: as wrong as silence. What happens to left - right is never seen: mono and exchanged ears
    are perfect. nan where the reference's mixture is silent. Source: ours.
    """
    y, x = as_pair(prediction, reference)
    true = stereo.mixture(x)
    power = np.square(true).mean()
    if power <= SILENT:
        return float("nan")
    error = np.square(stereo.mixture(y) - true).mean()
    return float(10 * np.log10(max(error / power, 10 ** (FLOOR / 10))))


class MonoError(ScalarMetric, name="mono_error", unit="dB", higher_is_better=False):
    """Error of left + right, relative to the reference's."""

    normalized = False

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return mono_error(prediction, reference)
