"""Direction, where the true angles are known; positive is left.

The sound is taken as it is, not normalised: a common gain cancels. Each number is read beside the same number for the
reference itself, which is the estimator's floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
from avspatial.metrics.azimuth_estimator import AzimuthEstimator, head_named
from avspatial.metrics.cues import FRAME_HOP, Cues, band_power, cues
from avspatial.metrics.inputs import Array, AudioLike, as_pair
from avspatial.metrics.settings import AzimuthSettings
from avspatial.metrics.spl import LevelMetric, curves
from avspatial.signal.head import SphericalHead
from avspatial.signal.level import FRAME, HOP, active_frames, frame_times

LATERAL = 10.0
"""Frames whose true lateral position is beyond this angle (degrees) have a side."""
CENTRE_DB = 0.5
"""A level difference within this many dB of zero is on no side."""
SINGLE_SOURCE_SHARE = 0.9
"""A block has one source if that source holds at least this share of the energy."""
BLOCK = 0.25
"""An azimuth is estimated in blocks of this many seconds."""


def _truth_sums(values: Array, rate: float, starts: Array, ends: Array) -> Array:
    """values (S, columns) summed over the columns whose time (k + 0.5) / rate lies in each span: (S, spans).

    A span between two columns takes the nearest.
    """
    columns = values.shape[-1]
    first = np.clip(np.ceil(starts * rate - 0.5).astype(int), 0, columns - 1)
    last = np.clip(np.ceil(ends * rate - 0.5).astype(int), first + 1, columns)
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=-1)], axis=-1)
    return np.asarray(sums[:, last] - sums[:, first])


def lateral_position(truth: Truth, starts: Array, ends: Array) -> Array:
    """The true side in spans of time (K,) s: sum of energy times sin azimuth over the sum of energy, -1 to 1 (K,).

    0 where no source sounds.
    """
    energy = _truth_sums(truth.energy, truth.rate, starts, ends).sum(0)
    sideways = _truth_sums(truth.energy * np.sin(np.radians(truth.azimuth)), truth.rate, starts, ends).sum(0)
    return np.where(energy > 0, sideways / np.where(energy > 0, energy, 1), 0.0)


def left_right(
    prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth, frame: float = FRAME, hop: float = HOP
) -> float:
    """Share of the lateral frames in which the predicted level difference has the true sign. Higher is better.

    Lateral frames are the reference's active ones whose true position lies beyond 10 degrees. Within 0.5 dB of zero
    counts as wrong: mono scores 0, guessing about 0.5. nan where there is no lateral frame. Source: ours.
    """
    predicted, _ = curves(prediction, reference, rate, frame, hop)
    x = as_pair(prediction, reference)[1]
    middle, half = frame_times(x.shape[1], rate, frame, hop), min(frame, x.shape[1] / rate) / 2
    true = lateral_position(truth, middle - half, middle + half)
    lateral = active_frames(x, rate, frame, hop) & (np.abs(true) > np.sin(np.radians(LATERAL)))
    right = (np.sign(predicted) == np.sign(true)) & (np.abs(predicted) > CENTRE_DB)
    return float(right[lateral].mean()) if lateral.any() else float("nan")


def lateral_gain(
    prediction: AudioLike, reference: AudioLike, rate: int, frame: float = FRAME, hop: float = HOP
) -> float:
    """Least-squares slope, through the origin, of the predicted on the reference's level difference; active frames.

    1 is the true width, less too narrow, 0 mono, negative the wrong side. Descriptive. nan where the reference's
    level difference stays within 0.5 dB (rms): there is no width to compare with. Source: ours.
    """
    predicted, true = curves(prediction, reference, rate, frame, hop)
    active = active_frames(as_pair(prediction, reference)[1], rate, frame, hop)
    predicted, true = predicted[active], true[active]
    if not active.any() or np.square(true).mean() < CENTRE_DB**2:
        return float("nan")
    return float(predicted @ true / (true @ true))


def azimuth_error(
    prediction: AudioLike,
    reference: AudioLike,
    rate: int,
    truth: Truth,
    estimator: AzimuthEstimator | None = None,
    block: float = BLOCK,
) -> float:
    """Mean |estimated - true azimuth| in degrees over the blocks in which one source sounds. Lower is better.

    A block has one source if that holds 90 % of the energy; its true azimuth is the energy-weighted mean. Bands and
    frames within 35 dB of the reference's loudest vote (`metrics.azimuth`). Mono is heard straight ahead, so it
    scores the mean |azimuth|. nan where no such block sounds. `estimator`: for another head than the spherical one,
    or to measure its templates once for many clips. Source: ours, after May et al. (2011).
    """
    y, x = as_pair(prediction, reference)
    estimator = estimator or AzimuthEstimator(SphericalHead(), rate)
    return _azimuth_error(cues(y, rate), band_power(x, rate), x.shape[1] / rate, truth, estimator, block)


def _azimuth_error(
    heard: Cues, power: Array, seconds: float, truth: Truth, estimator: AzimuthEstimator, block: float
) -> float:
    """The prediction's cues and the reference's band power (J, K) of a clip of so many seconds -> `azimuth_error`."""
    frames = max(1, round(block / FRAME_HOP))
    estimated = estimator.estimate(heard, estimator.active(power), frames)
    starts = np.arange(len(estimated)) * frames * FRAME_HOP
    ends = np.append(starts[1:], seconds)
    energy = _truth_sums(truth.energy, truth.rate, starts, ends)
    angles = _truth_sums(truth.energy * truth.azimuth, truth.rate, starts, ends)
    loudest = energy.argmax(0)[None]
    true = np.take_along_axis(angles / np.where(energy > 0, energy, 1), loudest, 0)[0]
    lone = (energy.max(0) > 0) & (energy.max(0) >= SINGLE_SOURCE_SHARE * energy.sum(0)) & np.isfinite(estimated)
    return float(np.abs(estimated - true)[lone].mean()) if lone.any() else float("nan")


def _known(truth: Truth | None) -> Truth:
    if truth is None:
        raise ValueError("the clip has no true angles")
    return truth


class LeftRight(LevelMetric, name="left_right", higher_is_better=True):
    """Share of lateral frames on the right side."""

    requires_source_angles = True

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return left_right(prediction, reference, rate, _known(truth), *self.framing(rate)[1:])


class LateralGain(LevelMetric, name="lateral_gain", higher_is_better=None):
    """Slope of the predicted on the reference's level difference."""

    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        return lateral_gain(prediction, reference, *self.framing(rate))


class AzimuthError(CachedMetric):
    """Error of the azimuth that is heard."""

    names = ("azimuth_error",)
    unit = {"azimuth_error": "deg"}
    higher_is_better = {"azimuth_error": False}
    settings: AzimuthSettings
    normalized = False
    requires_source_angles = True
    invariant_to = frozenset({"gain", "delay"})

    @cached_property
    def _estimator(self) -> AzimuthEstimator:
        return AzimuthEstimator(head_named(self.settings.head), self.convention.rate)

    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        known = _known(truth)
        estimator = self._estimator if rate == self.convention.rate else AzimuthEstimator(SphericalHead(), rate)
        predicted, true = (cache.compute(cues, sound, rate) for sound in (prediction, reference))
        seconds = reference.shape[1] / rate
        error = _azimuth_error(predicted, true.power, seconds, known, estimator, self.settings.block)
        return {} if np.isnan(error) else {"azimuth_error": error}
