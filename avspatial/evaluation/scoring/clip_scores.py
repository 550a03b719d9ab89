"""The scores of one clip: every metric's value, or why it failed, or that there is nothing to measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from avspatial.errors import AvspatialError
from avspatial.evaluation.scoring.score_schema import MetricInfo, Score
from avspatial.interfaces import Convention, Metric, Truth
from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
from avspatial.metrics.conventions import normalized
from avspatial.settings import Selected

if TYPE_CHECKING:
    from avspatial.interfaces import Builder

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NamedMetric:
    """A metric with its component id, version and settings."""

    metric: Metric
    id: str
    version: str
    settings: Mapping[str, Any]

    def info(self, name: str) -> MetricInfo:
        """What identifies the values of one of its numbers."""
        lines = (type(self.metric).__doc__ or "").strip().splitlines()
        return MetricInfo(
            id=self.id,
            version=self.version,
            settings=dict(self.settings),
            unit=self.metric.unit[name],
            higher_is_better=self.metric.higher_is_better[name],
            summary=lines[0] if lines else "",
        )


def metric_info(metrics: Iterable[NamedMetric]) -> dict[str, MetricInfo]:
    """What identifies the values of every number of these metrics, by name."""
    return {name: named.info(name) for named in metrics for name in named.metric.names}


def build_metrics(selected: Iterable[Selected], convention: Convention, builder: Builder) -> list[NamedMetric]:
    """The metrics that a recipe chose, under its convention."""
    return [
        NamedMetric(
            builder.build(choice, convention=convention),
            choice.id,
            choice.version,
            choice.settings.model_dump(mode="json"),
        )
        for choice in selected
    ]


@dataclass(frozen=True)
class ClipScores:
    """All scores of a clip, and the moments of its level curves against those of the mirrored video (6,).

    notes: what was done to the audio before scoring: resampled, cut.
    """

    scores: tuple[Score, ...]
    flip: Array | None = None
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        return any(score.error is not None for score in self.scores)


def _measure(
    named: NamedMetric, pairs: Mapping[bool, tuple[Array, Array]], rate: int, truth: Truth | None, cache: AnalysisCache
) -> dict[str, dict[str, Any]]:
    """{name: {"value" or "error" or "skipped": ...}} for every name of the metric, whatever the metric does."""
    metric = named.metric
    if metric.requires_source_angles and truth is None:
        return {name: {"skipped": "the clip has no true angles"} for name in metric.names}
    try:
        call = partial(metric.call_with_cache, cache) if isinstance(metric, CachedMetric) else metric
        values = call(*pairs[metric.normalized], rate, truth)
    except Exception as error:  # a plugin's metric may fail in any way, and one clip must not end the evaluation
        what = str(error) if isinstance(error, (AvspatialError, ValueError)) else f"{type(error).__name__}: {error}"
        return {name: {"error": what} for name in metric.names}
    outcomes: dict[str, dict[str, Any]] = {}
    for name in metric.names:
        if name not in values:
            outcomes[name] = {"skipped": "the reference holds nothing to measure it on"}
        elif not np.isfinite(values[name]):
            outcomes[name] = {"error": f"the value is {float(values[name])}"}
        else:
            outcomes[name] = {"value": float(values[name])}
    return outcomes


def score_pair(
    metrics: Sequence[NamedMetric],
    prediction: Array,
    reference: Array,
    convention: Convention,
    truth: Truth | None,
    cache: AnalysisCache | None = None,
) -> dict[str, dict[str, Any]]:
    """prediction and reference (2, T) at the convention's rate -> {metric name: {"value" | "error" | "skipped": ...}}.

    cache: analyses of the clip, shared by its metrics and conditions; they change no number. Never raises for bad audio
    or an error in a metric: that is a failure, to be counted.
    """
    try:
        pairs = {True: normalized(prediction, reference, convention), False: (prediction, reference)}
    except ValueError as error:
        return all_failed(metrics, str(error))
    shared = cache or AnalysisCache()
    measured = (_measure(named, pairs, convention.rate, truth, shared) for named in metrics)
    return {name: outcome for outcomes in measured for name, outcome in outcomes.items()}


def all_failed(metrics: Sequence[NamedMetric], reason: str) -> dict[str, dict[str, Any]]:
    """The outcomes of `score_pair` if there is no pair to score: `reason` for each metric."""
    return {name: {"error": reason} for named in metrics for name in named.metric.names}
