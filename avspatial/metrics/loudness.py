"""Loudness change and true peak of a prediction (ITU-R BS.1770-5, see `signal.loudness`).

Both are descriptive: neither direction is better. The audio is not normalised.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import Audio, as_pair
from avspatial.metrics.scalar import ScalarMetric
from avspatial.signal import loudness

QUIETEST_PEAK = -120.0
"""True peak of silence in dBTP."""


def loudness_change(prediction: Audio, reference: Audio, rate: int) -> float:
    """Integrated loudness of the prediction minus that of the reference. Descriptive: 0 is equally loud.

    LUFS(y) - LUFS(x), each after the K-weighting and gating of the standard. A prediction below the absolute gate
    counts as -70 LUFS. Source: ITU-R BS.1770-5, annex 1.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.

    Returns:
        Change in LU, positive if the prediction is louder; NaN if the reference is below the absolute gate or shorter
        than 400 ms.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, unequal lengths, or a rate below 4 kHz.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import loudness_change
        >>> reference = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 16000))
        >>> round(loudness_change(0.5 * reference, reference, 16000), 2)
        -6.02
    """
    y, x = as_pair(prediction, reference)
    reference_loudness = loudness.integrated_loudness(x, rate)
    if not np.isfinite(reference_loudness):
        return float("nan")
    return max(loudness.integrated_loudness(y, rate), loudness.ABSOLUTE_GATE) - reference_loudness


def true_peak(prediction: Audio, reference: Audio, rate: int) -> float:
    """True peak of the prediction over both channels. Descriptive: above 0 dBTP it clips.

    20 log10 of the largest magnitude of the oversampled signal. Source: ITU-R BS.1770-5, annex 2.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length; it is only checked.
        rate: Sample rate in Hz.

    Returns:
        True peak in dBTP, -120 for silence.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import true_peak
        >>> tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(1600) / 16000)
        >>> round(true_peak(np.stack([tone, tone]), np.stack([tone, tone]), 16000), 1)
        -6.0
    """
    y, _ = as_pair(prediction, reference)
    return max(loudness.true_peak(y, rate), QUIETEST_PEAK)


class LoudnessChange(ScalarMetric, name="loudness_change", unit="LU", higher_is_better=None):
    """Loudness of the prediction above that of the reference."""

    normalized = False
    invariant_to = frozenset({"delay"})

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return loudness_change(prediction, reference, rate)


class TruePeak(ScalarMetric, name="true_peak", unit="dBTP", higher_is_better=None):
    """True peak of the prediction."""

    normalized = False
    invariant_to = frozenset({"delay"})

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return true_peak(prediction, reference, rate)
