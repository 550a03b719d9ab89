"""How loud a prediction is, and whether it can be played without clipping (ITU-R BS.1770-5, `signal.loudness`).

Both describe and do not judge: neither more nor less is better. The sound is taken as it is, at the convention's rate.
"""

from __future__ import annotations

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import AudioLike, as_pair
from avspatial.metrics.scalar import ScalarMetric
from avspatial.signal import loudness

QUIETEST_PEAK = -120.0
"""The true peak of silence, dBTP."""


def loudness_change(prediction: AudioLike, reference: AudioLike, rate: int) -> float:
    """Integrated loudness of the prediction minus that of the reference, in LU: 0 is as loud, positive louder.

    A prediction below the absolute gate counts as -70 LUFS. nan for a reference below it, and for less than 400 ms.
    Source: ITU-R BS.1770-5, annex 1.
    """
    y, x = as_pair(prediction, reference)
    true = loudness.integrated_loudness(x, rate)
    if not np.isfinite(true):
        return float("nan")
    return max(loudness.integrated_loudness(y, rate), loudness.ABSOLUTE_GATE) - true


def true_peak(prediction: AudioLike, reference: AudioLike, rate: int) -> float:
    """True peak of the prediction over both channels, in dBTP: above 0 it clips; silence has -120.

    The reference is only checked. Source: ITU-R BS.1770-5, annex 2.
    """
    y, _ = as_pair(prediction, reference)
    return max(loudness.true_peak(y, rate), QUIETEST_PEAK)


class LoudnessChange(ScalarMetric, name="loudness_change", unit="LU", higher_is_better=None):
    """Loudness of the prediction above that of the reference."""

    normalized = False
    invariant_to = frozenset({"delay"})

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return loudness_change(prediction, reference, rate)


class TruePeak(ScalarMetric, name="true_peak", unit="dBTP", higher_is_better=None):
    """True peak of the prediction."""

    normalized = False
    invariant_to = frozenset({"delay"})

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return true_peak(prediction, reference, rate)
