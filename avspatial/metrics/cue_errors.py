"""Errors of the binaural cues: how far level difference, time difference and coherence are from the reference's.

Cues are taken in gammatone bands and frames of 20 ms (`metrics.cues`). Only bands and frames count in which the
reference sounds: within 40 dB of its band's loudest frame, and within 60 dB of the loudest of all. The share of them
is the number's coverage: a mean over few of them says little. The sound is taken as it is: a common gain cancels.
Source: ours, of cues that the field agrees on (Blauert, Spatial Hearing, 1997; Faller and Merimaa, 2004).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
from avspatial.metrics.cues import FINE_STRUCTURE, Cues, centres, cues
from avspatial.metrics.inputs import Array, AudioLike, as_pair

BAND_RANGE, CLIP_RANGE = 40.0, 60.0
"""A band and frame counts within this many dB of its band's loudest frame, and of the loudest of all."""
COHERENT = 0.9
"""A time difference counts where the reference's coherence is above this."""


def sounding(power: Array) -> Array:
    """power (J, K) of the reference -> (J, K) bool: the bands and frames that count; none of a silent clip."""
    loudest = power.max(-1, keepdims=True)
    within = (power >= loudest * 10 ** (-BAND_RANGE / 10)) & (power >= power.max() * 10 ** (-CLIP_RANGE / 10))
    return np.asarray(within & (power > 1e-13))


def coherent(reference: Cues, rate: int) -> Array:
    """cues (J, K) of the reference -> (J, K) bool: where its time difference counts, up to 1.5 kHz."""
    low = (centres(rate) <= FINE_STRUCTURE)[:, None]
    return np.asarray(sounding(reference.power) & low & (reference.coherence > COHERENT))


def _mean(error: Array, counted: Array) -> float:
    return float(error[counted].mean()) if counted.any() else float("nan")


Found = tuple[float, float]
"""An error, nan where nothing counts, and the share of bands and frames that count."""


def _ild(predicted: Cues, true: Cues, rate: int) -> Found:
    counted = sounding(true.power)
    return _mean(np.abs(predicted.ild - true.ild), counted), float(counted.mean())


def _itd(predicted: Cues, true: Cues, rate: int) -> Found:
    counted = coherent(true, rate)
    low = centres(rate) <= FINE_STRUCTURE
    return 1e6 * _mean(np.abs(predicted.itd - true.itd), counted), float(counted[low].mean())


def _coherence(predicted: Cues, true: Cues, rate: int) -> Found:
    counted = sounding(true.power)
    return _mean(np.abs(predicted.coherence - true.coherence), counted), float(counted.mean())


def _of_sounds(
    error: Callable[[Cues, Cues, int], Found], prediction: AudioLike, reference: AudioLike, rate: int
) -> float:
    y, x = as_pair(prediction, reference)
    return error(cues(y, rate), cues(x, rate), rate)[0]


def ild_error(prediction: AudioLike, reference: AudioLike, rate: int) -> float:
    """Mean |ILD^ - ILD| over bands and frames, dB; ILD = 10 log10(P_left / P_right), clipped to +-30. Lower is better.

    nan for a silent reference. Source: ours (see the module).
    """
    return _of_sounds(_ild, prediction, reference, rate)


def itd_error(prediction: AudioLike, reference: AudioLike, rate: int) -> float:
    """Mean |ITD^ - ITD| over bands up to 1.5 kHz and frames, microseconds. Lower is better.

    ITD: the lag within +-1 ms of the largest normalised cross-correlation, with a parabola through its neighbours.
    Only where the reference's coherence is above 0.9; nan where it nowhere is. Source: ours (see the module).
    """
    return _of_sounds(_itd, prediction, reference, rate)


def coherence_error(prediction: AudioLike, reference: AudioLike, rate: int) -> float:
    """Mean |IC^ - IC| over bands and frames, 0 to 1; IC the height of that largest correlation. Lower is better.

    nan for a silent reference. Source: ours (see the module).
    """
    return _of_sounds(_coherence, prediction, reference, rate)


class CueMetric(CachedMetric):
    """An error of one cue, `<cue>_error`, beside the share of bands and frames that it rests on, `<cue>_coverage`."""

    normalized = False
    invariant_to = frozenset({"gain", "delay"})

    def __init_subclass__(cls, cue: str, unit: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.names = (f"{cue}_error", f"{cue}_coverage")
        cls.unit = {cls.names[0]: unit, cls.names[1]: ""}
        cls.higher_is_better = {cls.names[0]: False, cls.names[1]: None}

    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        """{error, coverage}; the coverage alone, 0, where nothing counts."""
        predicted, true = (cache.compute(cues, sound, rate) for sound in (prediction, reference))
        error, coverage = self.compare(predicted, true, rate)
        found = {} if np.isnan(error) else {self.names[0]: error}
        return {**found, self.names[1]: coverage}

    @abstractmethod
    def compare(self, predicted: Cues, true: Cues, rate: int) -> Found:
        """cues (J, K) of prediction and reference at `rate` Hz -> the error, or nan, and the coverage."""


class IldError(CueMetric, cue="ild", unit="dB"):
    """Error of the level difference in bands and frames, and its coverage."""

    def compare(self, predicted: Cues, true: Cues, rate: int) -> Found:
        return _ild(predicted, true, rate)


class ItdError(CueMetric, cue="itd", unit="us"):
    """Error of the time difference in bands and frames, and its coverage."""

    def compare(self, predicted: Cues, true: Cues, rate: int) -> Found:
        return _itd(predicted, true, rate)


class CoherenceError(CueMetric, cue="coherence"):
    """Error of the coherence in bands and frames, and its coverage."""

    def compare(self, predicted: Cues, true: Cues, rate: int) -> Found:
        return _coherence(predicted, true, rate)
