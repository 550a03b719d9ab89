"""Metrics of direction for clips with known source angles; positive is left.

The audio is not normalised: a common gain cancels. Each value should be read together with the value of the reference
itself, which is the estimator's floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
from avspatial.metrics.azimuth_estimator import AzimuthEstimator
from avspatial.metrics.cues import FRAME_HOP, Cues, band_power, cues
from avspatial.metrics.inputs import Array, Audio, as_pair
from avspatial.metrics.settings import AzimuthSettings
from avspatial.metrics.spl import LevelMetric, curves
from avspatial.signal.head import SphericalHead, head_model
from avspatial.signal.level import FRAME, HOP, active_frames, frame_times

LATERAL = 10.0
"""Frames with a true lateral position beyond this angle (degrees) have a side."""
CENTRE_DB = 0.5
"""A level difference within this many dB of zero has no side."""
SINGLE_SOURCE_SHARE = 0.9
"""A block has a single source if one source holds at least this share of the energy."""
BLOCK = 0.25
"""An azimuth is estimated in blocks of this many seconds."""


def _truth_sums(values: Array, rate: float, starts: Array, ends: Array) -> Array:
    """Sums of values (S, columns) over the columns with a time (k + 0.5) / rate in each span: (S, spans).

    A span between two columns takes the nearest one.
    """
    columns = values.shape[-1]
    first = np.clip(np.ceil(starts * rate - 0.5).astype(int), 0, columns - 1)
    last = np.clip(np.ceil(ends * rate - 0.5).astype(int), first + 1, columns)
    sums = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=-1)], axis=-1)
    return np.asarray(sums[:, last] - sums[:, first])


def lateral_position(truth: Truth, starts: Array, ends: Array) -> Array:
    """Return the true lateral position in spans of time: the energy-weighted mean of sin(azimuth).

    Args:
        truth: True source angles.
        starts: Starts of the spans (K,) in s.
        ends: Ends of the spans (K,) in s.

    Returns:
        Positions (K,), -1 (right) to 1 (left); 0 if no source is active.
    """
    energy = _truth_sums(truth.energy, truth.rate, starts, ends).sum(0)
    sideways = _truth_sums(truth.energy * np.sin(np.radians(truth.azimuth)), truth.rate, starts, ends).sum(0)
    return np.where(energy > 0, sideways / np.where(energy > 0, energy, 1), 0.0)


def left_right(
    prediction: Audio, reference: Audio, rate: int, truth: Truth, frame: float = FRAME, hop: float = HOP
) -> float:
    """Share of lateral frames with the predicted level difference on the true side. Higher is better.

    mean [sign(P^) = sign(true position) and |P^| > 0.5 dB] over the lateral frames, with P^ the predicted level
    difference: mono scores 0, guessing about 0.5. Lateral frames are the reference's active ones with a true position
    beyond 10 degrees. Source: this project.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        truth: True source angles.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Share, 0 to 1; NaN if there is no lateral frame.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import left_right
        >>> from avspatial.interfaces import Truth
        >>> truth = Truth(rate=10.0, azimuth=np.full((1, 3), 45.0), energy=np.ones((1, 3)))  # one source on the left
        >>> reference = np.repeat([[0.2, 0.2, 0.2], [0.1, 0.1, 0.1]], 1600, axis=1)
        >>> left_right(reference, reference, 16000, truth), left_right(reference[::-1], reference, 16000, truth)
        (1.0, 0.0)
    """
    predicted, _ = curves(prediction, reference, rate, frame, hop)
    x = as_pair(prediction, reference)[1]
    middle, half = frame_times(x.shape[1], rate, frame, hop), min(frame, x.shape[1] / rate) / 2
    true = lateral_position(truth, middle - half, middle + half)
    lateral = active_frames(x, rate, frame, hop) & (np.abs(true) > np.sin(np.radians(LATERAL)))
    right = (np.sign(predicted) == np.sign(true)) & (np.abs(predicted) > CENTRE_DB)
    return float(right[lateral].mean()) if lateral.any() else float("nan")


def lateral_gain(prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """Slope of the predicted level difference on the reference's. Descriptive: 1 is the true width, 0 is mono.

    Least squares through the origin, sum P^ P / sum P^2, over the reference's active frames; less than 1 is too narrow,
    negative the wrong side. Source: this project.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Slope; NaN if the reference's level difference stays within 0.5 dB (rms): there is no width to compare with.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import lateral_gain
        >>> reference = np.repeat([[0.2, 0.1, 0.1], [0.1, 0.1, 0.2]], 1600, axis=1)
        >>> round(lateral_gain(reference[::-1], reference, 16000), 2)
        -1.0
    """
    predicted, true = curves(prediction, reference, rate, frame, hop)
    active = active_frames(as_pair(prediction, reference)[1], rate, frame, hop)
    predicted, true = predicted[active], true[active]
    if not active.any() or np.square(true).mean() < CENTRE_DB**2:
        return float("nan")
    return float(predicted @ true / (true @ true))


def azimuth_error(
    prediction: Audio,
    reference: Audio,
    rate: int,
    truth: Truth,
    estimator: AzimuthEstimator | None = None,
    block: float = BLOCK,
) -> float:
    """Error of the azimuth that a model of hearing estimates. Lower is better.

    Mean |estimated - true azimuth| over the blocks with a single source. A block has a single source if that holds 90 %
    of the energy; its true azimuth is the energy-weighted mean, and a direction behind counts as its mirror image in
    front, from which the estimator cannot distinguish it. Bands and frames within 35 dB of the reference's loudest vote
    (`metrics.azimuth_estimator`). Mono is localised straight ahead, so it scores the mean |azimuth|.
    Source: this project, after May, van de Par and Kohlrausch (2011).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        truth: True source angles.
        estimator: Estimator for another head than the spherical one, or to share its templates between clips.
        block: Length of a block in s.

    Returns:
        Error in degrees, 0 to 180; NaN if no block has a single source.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import azimuth_error
        >>> from avspatial.interfaces import Truth
        >>> truth = Truth(rate=2.0, azimuth=np.full((1, 1), 30.0), energy=np.ones((1, 1)))  # 30 degrees left
        >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
        >>> mono = np.stack([noise, noise])
        >>> round(azimuth_error(mono, mono, 16000, truth))
        30
    """
    y, x = as_pair(prediction, reference)
    estimator = estimator or AzimuthEstimator(SphericalHead(), rate)
    return _azimuth_error(cues(y, rate), band_power(x, rate), x.shape[1] / rate, truth, estimator, block)


def _azimuth_error(
    predicted: Cues, power: Array, seconds: float, truth: Truth, estimator: AzimuthEstimator, block: float
) -> float:
    """`azimuth_error` of the prediction's cues (J, K), with the reference's band power (J, K)."""
    frames = max(1, round(block / FRAME_HOP))
    estimated = estimator.estimate(predicted, estimator.active(power), frames)
    starts = np.arange(len(estimated)) * frames * FRAME_HOP
    ends = np.append(starts[1:], seconds)
    energy = _truth_sums(truth.energy, truth.rate, starts, ends)
    angles = _truth_sums(truth.energy * _in_front(truth.azimuth), truth.rate, starts, ends)
    loudest = energy.argmax(0)[None]
    true = np.take_along_axis(angles / np.where(energy > 0, energy, 1), loudest, 0)[0]
    single = (energy.max(0) > 0) & (energy.max(0) >= SINGLE_SOURCE_SHARE * energy.sum(0)) & np.isfinite(estimated)
    return float(np.abs(estimated - true)[single].mean()) if single.any() else float("nan")


def _in_front(azimuth: Array) -> Array:
    """Azimuths in degrees, those beyond 90 mirrored to the front: 150 becomes 30."""
    return np.where(np.abs(azimuth) > 90, np.copysign(180.0, azimuth) - azimuth, azimuth)


def _required(truth: Truth | None) -> Truth:
    if truth is None:
        raise ValueError("the clip has no true angles")
    return truth


class LeftRight(LevelMetric, name="left_right", higher_is_better=True, compute=left_right):
    """Share of lateral frames on the true side."""

    requires_source_angles = True

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        settings = self.settings
        return left_right(prediction, reference, rate, _required(truth), settings.frame, settings.hop)


class LateralGain(LevelMetric, name="lateral_gain", higher_is_better=None, compute=lateral_gain):
    """Slope of the predicted on the reference's level difference."""


class AzimuthError(CachedMetric):
    """Error of the azimuth that a model of hearing estimates."""

    names = ("azimuth_error",)
    unit = {"azimuth_error": "deg"}
    higher_is_better = {"azimuth_error": False}
    settings: AzimuthSettings
    normalized = False
    requires_source_angles = True
    invariant_to = frozenset({"gain", "delay"})

    @cached_property
    def _estimator(self) -> AzimuthEstimator:
        return AzimuthEstimator(head_model(self.settings.head), self.convention.rate)

    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        truth = _required(truth)
        estimator = (
            self._estimator if rate == self.convention.rate else AzimuthEstimator(head_model(self.settings.head), rate)
        )
        predicted, true = (cache.compute(cues, audio, rate) for audio in (prediction, reference))
        seconds = reference.shape[1] / rate
        error = _azimuth_error(predicted, true.power, seconds, truth, estimator, self.settings.block)
        return {} if np.isnan(error) else {"azimuth_error": error}
