"""Errors of the binaural cues: level difference, time difference and coherence, compared with the reference's.

Cues are computed in gammatone bands and frames of 20 ms (`metrics.cues`). Only bands and frames count in which the
reference is active: within 40 dB of its band's loudest frame, and within 60 dB of the loudest of all. Their share is
the coverage of the value: a mean over few of them says little. The audio is not normalised: a common gain cancels.
Source: this project, on cues that the field agrees on (Blauert, Spatial Hearing, 1997; Faller and Merimaa, 2004).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from avspatial.interfaces import Truth
from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
from avspatial.metrics.cues import FINE_STRUCTURE, Cues, centres, cues
from avspatial.metrics.inputs import Array, Audio, as_pair

BAND_RANGE, CLIP_RANGE = 40.0, 60.0
"""A band and frame counts within this many dB of its band's loudest frame, and of the loudest of all."""
COHERENT = 0.9
"""A time difference counts if the reference's coherence is above this."""


def active(power: Array) -> Array:
    """power (J, K) of the reference -> (J, K) bool: the bands and frames that count; none for a silent clip."""
    loudest = power.max(-1, keepdims=True)
    within = (power >= loudest * 10 ** (-BAND_RANGE / 10)) & (power >= power.max() * 10 ** (-CLIP_RANGE / 10))
    return np.asarray(within & (power > 1e-13))


def coherent(reference: Cues, rate: int) -> Array:
    """cues (J, K) of the reference -> (J, K) bool: its time differences that count, up to 1.5 kHz."""
    low = (centres(rate) <= FINE_STRUCTURE)[:, None]
    return np.asarray(active(reference.power) & low & (reference.coherence > COHERENT))


def _mean(error: Array, counted: Array) -> float:
    return float(error[counted].mean()) if counted.any() else float("nan")


ErrorAndCoverage = tuple[float, float]
"""An error, NaN if no band and frame counts, and the share of bands and frames that count."""
Comparison = Callable[[Cues, Cues, int], ErrorAndCoverage]
"""A function of the cues (J, K) of prediction and reference, and their rate in Hz."""


def _ild(predicted: Cues, true: Cues, rate: int) -> ErrorAndCoverage:
    counted = active(true.power)
    return _mean(np.abs(predicted.ild - true.ild), counted), float(counted.mean())


def _itd(predicted: Cues, true: Cues, rate: int) -> ErrorAndCoverage:
    counted = coherent(true, rate)
    low = centres(rate) <= FINE_STRUCTURE
    return 1e6 * _mean(np.abs(predicted.itd - true.itd), counted), float(counted[low].mean())


def _coherence(predicted: Cues, true: Cues, rate: int) -> ErrorAndCoverage:
    counted = active(true.power)
    return _mean(np.abs(predicted.coherence - true.coherence), counted), float(counted.mean())


def _error(compare: Comparison, prediction: Audio, reference: Audio, rate: int) -> float:
    y, x = as_pair(prediction, reference)
    return compare(cues(y, rate), cues(x, rate), rate)[0]


def ild_error(prediction: Audio, reference: Audio, rate: int) -> float:
    """Error of the interaural level difference (ILD). Lower is better.

    Mean |ILD^ - ILD| over bands and frames, with ILD = 10 log10(P_left / P_right) clipped to +-30 dB.
    Source: this project (see the module).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.

    Returns:
        Error in dB, 0 to 60; NaN for a silent reference.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import ild_error
        >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
        >>> reference, mono = np.stack([noise, 0.5 * noise]), np.stack([noise, noise])
        >>> round(ild_error(mono, reference, 16000), 2)  # 20 log10 of 2
        6.02
    """
    return _error(_ild, prediction, reference, rate)


def itd_error(prediction: Audio, reference: Audio, rate: int) -> float:
    """Error of the interaural time difference (ITD). Lower is better.

    Mean |ITD^ - ITD| over bands up to 1.5 kHz and frames. ITD is the lag within +-1 ms of the largest normalised
    cross-correlation, refined by a parabola through its neighbours. Only bands and frames count in which the
    reference's coherence is above 0.9. Source: this project (see the module).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.

    Returns:
        Error in microseconds, 0 to 2000; NaN if the reference is nowhere coherent.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import itd_error
        >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
        >>> reference, mono = np.stack([noise, np.roll(noise, 4)]), np.stack([noise, noise])
        >>> round(itd_error(mono, reference, 16000))  # 4 samples are 250 us
        250
    """
    return _error(_itd, prediction, reference, rate)


def coherence_error(prediction: Audio, reference: Audio, rate: int) -> float:
    """Error of the interaural coherence (IC). Lower is better.

    Mean |IC^ - IC| over bands and frames, with IC the height of the largest normalised cross-correlation within +-1 ms.
    Source: this project (see the module).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.

    Returns:
        Error, 0 to 1; NaN for a silent reference.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import coherence_error
        >>> noise = np.random.default_rng(0).uniform(-0.5, 0.5, 8000)
        >>> reference = np.stack([noise, np.random.default_rng(1).uniform(-0.5, 0.5, 8000)])
        >>> round(coherence_error(np.stack([noise, noise]), reference, 16000), 2)
        0.64
    """
    return _error(_coherence, prediction, reference, rate)


class CueMetric(CachedMetric):
    """Base of cue errors: `<cue>_error`, and `<cue>_coverage`, the share of bands and frames that count."""

    normalized = False
    invariant_to = frozenset({"gain", "delay"})

    compare: Comparison

    def __init_subclass__(cls, cue: str, compare: Comparison, unit: str = "", **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.compare = staticmethod(compare)
        cls.names = (f"{cue}_error", f"{cue}_coverage")
        cls.unit = {cls.names[0]: unit, cls.names[1]: ""}
        cls.higher_is_better = {cls.names[0]: False, cls.names[1]: None}

    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        """Return error and coverage; only the coverage, 0, if no band and frame counts."""
        predicted, true = (cache.compute(cues, audio, rate) for audio in (prediction, reference))
        error, coverage = self.compare(predicted, true, rate)
        values = {} if np.isnan(error) else {self.names[0]: error}
        return {**values, self.names[1]: coverage}


class IldError(CueMetric, cue="ild", compare=_ild, unit="dB"):
    """Error of the level difference in bands and frames, and its coverage."""


class ItdError(CueMetric, cue="itd", compare=_itd, unit="us"):
    """Error of the time difference in bands and frames, and its coverage."""


class CoherenceError(CueMetric, cue="coherence", compare=_coherence):
    """Error of the coherence in bands and frames, and its coverage."""
