"""Metrics that share what is costly: an analysis of a sound is made once, however many metrics and rows ask for it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import TypeVar

from avspatial.interfaces import Metric, Truth
from avspatial.metrics.inputs import Array, AudioLike, as_pair

Analysis = TypeVar("Analysis")


class AnalysisCache:
    """What was made of the sounds of one clip. It holds them, and is dropped with the clip."""

    def __init__(self) -> None:
        self._made: dict[tuple[object, int, int], tuple[Array, object]] = {}

    def compute(self, analysis: Callable[[Array, int], Analysis], sound: Array, rate: int) -> Analysis:
        """`analysis(sound, rate)`, made the first time for this very array."""
        key = analysis, id(sound), rate
        if key not in self._made:
            self._made[key] = sound, analysis(sound, rate)  # with the sound, so that its id stays its own
        return self._made[key][1]  # type: ignore[return-value]


class CachedMetric(Metric):
    """A metric that is made of analyses of each sound alone; an evaluation lends it those of its clip."""

    def __call__(
        self, prediction: AudioLike, reference: AudioLike, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        return self.call_with_cache(AnalysisCache(), prediction, reference, sample_rate, truth)

    def call_with_cache(
        self, cache: AnalysisCache, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        """As `__call__`, with what was analysed of the same arrays before."""
        return self.measure(cache, *as_pair(prediction, reference), rate, truth)

    @abstractmethod
    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        """prediction and reference (2, T), float64, at `rate` Hz -> {name: value}, as `Metric.__call__`."""
