"""Metrics that share costly analyses: each array is analysed once for all metrics and conditions of a clip."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from avspatial.interfaces import Metric, Truth
from avspatial.metrics.inputs import Array, Audio, as_pair

Analysis = TypeVar("Analysis")


class AnalysisCache:
    """Cache of the analyses of one clip's arrays. It keeps the arrays alive: make a new one for each clip.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import AnalysisCache
        >>> def loudest(audio, rate):
        ...     print("analysed")
        ...     return float(abs(audio).max())
        >>> cache, audio = AnalysisCache(), np.ones((2, 5))
        >>> cache.compute(loudest, audio, 16000)
        analysed
        1.0
        >>> cache.compute(loudest, audio, 16000)
        1.0
    """

    def __init__(self) -> None:
        self._results: dict[tuple[object, int, int], tuple[Array, object]] = {}

    def compute(self, analysis: Callable[[Array, int], Analysis], audio: Array, rate: int) -> Analysis:
        """Return `analysis(audio, rate)`, computed on the first call for this array.

        Args:
            analysis: Function of an array and its sample rate. Its identity is part of the key.
            audio: Array; its identity, not its content, is part of the key.
            rate: Sample rate in Hz.

        Returns:
            The result of the analysis, the same object at every call.
        """
        key = analysis, id(audio), rate
        if key not in self._results:
            self._results[key] = audio, analysis(audio, rate)  # keep the array: another one could get its id
        return cast(Analysis, self._results[key][1])


class CachedMetric(Metric):
    """Base of metrics that analyse prediction and reference separately, so that analyses can be shared.

    A subclass implements `measure` and declares `names`, `unit` and `higher_is_better` as any `Metric`. An evaluation
    calls it with one `AnalysisCache` a clip; called on its own it uses a new one.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import CachedMetric
        >>> def loudest(audio, rate):
        ...     return float(abs(audio).max())
        >>> class PeakError(CachedMetric):
        ...     names, unit, higher_is_better = ("peak_error",), {"peak_error": ""}, {"peak_error": False}
        ...
        ...     def measure(self, cache, prediction, reference, rate, truth):
        ...         predicted, true = (cache.compute(loudest, audio, rate) for audio in (prediction, reference))
        ...         return {"peak_error": abs(predicted - true)}
        >>> PeakError(settings=None)(np.full((2, 8), 0.5), np.ones((2, 8)), 16000)
        {'peak_error': 0.5}
    """

    def __call__(
        self, prediction: Audio, reference: Audio, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        """Score one clip with a new cache; see `avspatial.interfaces.Metric`."""
        return self.call_with_cache(AnalysisCache(), prediction, reference, sample_rate, truth)

    def call_with_cache(
        self, cache: AnalysisCache, prediction: Audio, reference: Audio, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        """Score one clip as `__call__` does, with the analyses that a cache already has.

        Args:
            cache: Analyses of the clip's arrays.
            prediction: Stereo (2, T), array or tensor.
            reference: Stereo (2, T).
            rate: Sample rate in Hz.
            truth: True source angles, or None if unknown.

        Returns:
            {name: value}.
        """
        return self.measure(cache, *as_pair(prediction, reference), rate, truth)

    @abstractmethod
    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        """Compute the values.

        Args:
            cache: Where analyses are made: `cache.compute(analysis, audio, rate)`.
            prediction: Checked stereo (2, T), float64.
            reference: Checked stereo (2, T), float64.
            rate: Sample rate in Hz.
            truth: True source angles, or None if unknown.

        Returns:
            {name: value}; a name is left out if the reference holds nothing to measure.
        """
