"""Distances between level-difference curves (SAGM, arXiv 2311.07630, eqs 16-23).

P is the reference's curve, left minus right in dB for each frame, P^ the prediction's (`signal.level`). It is a
broad-band level: blind to time differences and to what sounds, so it is never the only spatial number. The sound is
taken as it is: a common gain cancels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import AudioLike, as_pair
from avspatial.metrics.scalar import ScalarMetric
from avspatial.metrics.settings import SplSettings
from avspatial.signal.level import FRAME, HOP, active_frames, level_difference

DEAD_ZONE = 1.0
"""Level differences up to this many dB count as the middle, in `spl_direction`."""
FLAT = 1e-3
"""A curve that varies by less than this many dB (rms) has no shape to correlate, nor a size below it."""


def curves(
    prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """P^ and P, (K,) each, in dB, positive left."""
    y, x = as_pair(prediction, reference)
    return level_difference(y, rate, frame, hop), level_difference(x, rate, frame, hop)


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.square(values).mean()))


def spl_distance(
    prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP
) -> float:
    """|| P^ - P ||_2 over all frames, dB (SAGM, eq. 23); grows with the square root of the length. Lower is better."""
    predicted, true = curves(prediction, reference, rate, frame, hop)
    return float(np.linalg.norm(predicted - true))


def spl_rmse(prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """rms over all frames of P^ - P, dB: `spl_distance` for any length. Lower is better."""
    predicted, true = curves(prediction, reference, rate, frame, hop)
    return _rms(predicted - true)


def spl_correlation(
    prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP
) -> float:
    """Pearson correlation of P^ and P over all frames, -1 to 1. Higher is better.

    0 for a prediction whose curve is flat; nan where the reference's own is (within 0.001 dB rms).
    """
    predicted, true = (curve - curve.mean() for curve in curves(prediction, reference, rate, frame, hop))
    if _rms(true) < FLAT:
        return float("nan")
    if _rms(predicted) < FLAT:
        return 0.0
    return float(np.clip(predicted @ true / (np.linalg.norm(predicted) * np.linalg.norm(true)), -1, 1))


def spl_direction(
    prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP
) -> float:
    """Share of the active frames whose side agrees: left, right, or the middle (within 1 dB). Higher is better.

    nan where the reference has no active frame (silence).
    """
    predicted, true = (np.sign(c) * (np.abs(c) > DEAD_ZONE) for c in curves(prediction, reference, rate, frame, hop))
    active = active_frames(as_pair(prediction, reference)[1], rate, frame, hop)
    return float((predicted == true)[active].mean()) if active.any() else float("nan")


def spl_magnitude(
    prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP
) -> float:
    """rms(P^) / rms(P): 1 is as wide as the reference, 0 mono. Descriptive: neither more nor less is better.

    nan where the reference has no level difference (within 0.001 dB rms).
    """
    predicted, true = curves(prediction, reference, rate, frame, hop)
    return _rms(predicted) / _rms(true) if _rms(true) >= FLAT else float("nan")


class LevelMetric(ScalarMetric):
    """A metric on level curves: their framing is a setting, the sound is not normalised."""

    settings: SplSettings
    normalized = False
    invariant_to = frozenset({"gain", "delay"})

    def framing(self, rate: int) -> tuple[int, float, float]:
        return rate, self.settings.frame, self.settings.hop


class SplDistance(LevelMetric, name="spl_distance", unit="dB", higher_is_better=False):
    """L2 norm between the level-difference curves."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return spl_distance(prediction, reference, *self.framing(rate))


class SplRmse(LevelMetric, name="spl_rmse", unit="dB", higher_is_better=False):
    """Error of the level-difference curve a frame."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return spl_rmse(prediction, reference, *self.framing(rate))


class SplCorrelation(LevelMetric, name="spl_correlation", higher_is_better=True):
    """Correlation of the level-difference curves."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return spl_correlation(prediction, reference, *self.framing(rate))


class SplDirection(LevelMetric, name="spl_direction", higher_is_better=True):
    """Share of active frames whose side agrees."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return spl_direction(prediction, reference, *self.framing(rate))


class SplMagnitude(LevelMetric, name="spl_magnitude", higher_is_better=None):
    """Predicted over true size of the level difference."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return spl_magnitude(prediction, reference, *self.framing(rate))
