"""Mono compatibility: how the prediction sounds on a single loudspeaker.

left + right of the prediction should be left + right of the reference, which is the mixture that the method was given.
A method that predicts only the difference keeps it by construction; a method that predicts both channels does not.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import Audio, as_pair
from avspatial.metrics.scalar import ScalarMetric
from avspatial.signal import stereo

FLOOR = -100.0
"""Least error in dB: rounding to 16 bits alone causes about -90."""
SILENT = 1e-12
"""A mixture with a mean square of at most this is silent."""


def mono_error(prediction: Audio, reference: Audio) -> float:
    """Error of the mixture (left + right) relative to the reference's mixture. Lower is better.

    10 log10(mean (m^ - m)^2 / mean m^2) with m = left + right, at least -100 dB. 0 dB is as wrong as silence. The audio
    is not normalised: half the level is an error of -6 dB, since a player that sums the channels makes it audible. The
    metric ignores left - right: mono and exchanged channels are perfect. Source: this project.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.

    Returns:
        Error in dB, or NaN if the reference's mixture is silent.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import mono_error
        >>> reference = np.array([[1.0, -1.0, 0.5, 0.0], [0.0, 0.5, 0.0, 0.25]])
        >>> round(mono_error(0.5 * reference, reference), 2)
        -6.02
        >>> mono_error(reference[::-1], reference)
        -100.0
    """
    y, x = as_pair(prediction, reference)
    mixture = stereo.mixture(x)
    power = np.square(mixture).mean()
    if power <= SILENT:
        return float("nan")
    error = np.square(stereo.mixture(y) - mixture).mean()
    return float(10 * np.log10(max(error / power, 10 ** (FLOOR / 10))))


class MonoError(ScalarMetric, name="mono_error", unit="dB", higher_is_better=False):
    """Error of left + right, relative to the reference's."""

    normalized = False

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return mono_error(prediction, reference)
