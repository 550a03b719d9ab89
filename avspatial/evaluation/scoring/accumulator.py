"""Running sums over clips for means and their intervals; memory grows with the recordings, not with the clips."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from avspatial.evaluation.scoring.clip_scores import ClipScores
from avspatial.evaluation.scoring.score_schema import Conditions, Mean
from avspatial.evaluation.statistics.bootstrap import interval, pooled_correlation, ratio, resample

Array = NDArray[np.float64]
Key = tuple[str, str]
_VALUE, _N, _FAILED = range(3)


@dataclass
class _Spread:
    """Mean and sum of squared deviations, one value at a time (Welford, 1962)."""

    n: int = 0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, value: float) -> None:
        self.n += 1
        step = value - self.mean
        self.mean += step / self.n
        self.squares += step * (value - self.mean)

    @property
    def sd(self) -> float | None:
        """Of a sample; None from fewer than two values."""
        return float(np.sqrt(self.squares / (self.n - 1))) if self.n > 1 else None


@dataclass
class Accumulator:
    """Scores summed by condition, metric and recording. `recordings`: those of all clips, once or more often."""

    recordings: Iterable[str]
    clips: int = 0
    failed: int = 0
    _place: dict[str, int] = field(init=False)
    _sums: dict[Key, Array] = field(default_factory=dict)
    _spread: dict[Key, _Spread] = field(default_factory=dict)
    _flips: Array = field(init=False)
    _flip_clips: list[int] = field(default_factory=lambda: [0, 0])

    def __post_init__(self) -> None:
        self._place = {recording: place for place, recording in enumerate(dict.fromkeys(self.recordings))}
        self._flips = np.zeros((len(self._place), 6))

    def add(self, clip: ClipScores) -> None:
        """One more clip."""
        self.clips += 1
        self.failed += clip.failed
        for score in clip.scores:
            key = score.condition, score.metric
            if key not in self._sums:
                self._sums[key] = np.zeros((len(self._place), 3))
                self._spread[key] = _Spread()
            value = score.value
            self._sums[key][self._place[score.recording]] += (value or 0.0, value is not None, score.error is not None)
            if value is not None:
                self._spread[key].add(value)
        if clip.flip is not None and clip.scores:
            self._flips[self._place[clip.scores[0].recording]] += clip.flip
            self._flip_clips[0] += bool(clip.flip[0])
            self._flip_clips[1] += 1

    def means(self) -> tuple[Conditions, Mean]:
        """Return the means of all conditions by all metrics, and that of the pooled flip consistency."""
        keys = list(self._sums)
        columns = [*(self._sums[key][:, : _N + 1] for key in keys), self._flips]
        drawn = resample(np.concatenate(columns, axis=1)) if len(self._place) else np.zeros((1, 6))
        conditions: Conditions = {}
        for number, (condition, metric) in enumerate(keys):
            sums = self._sums[condition, metric]
            total, n, failed = sums.sum(0)
            replicates = ratio(drawn[:, 2 * number], drawn[:, 2 * number + 1])
            mean = _mean(total / n if n else np.nan, replicates, sums[:, _N], int(n), int(failed))
            sd = self._spread[condition, metric].sd
            conditions.setdefault(condition, {})[metric] = mean.model_copy(update={"sd": sd})
        return conditions, self._flip_consistency(drawn[:, -6:])

    def _flip_consistency(self, drawn: Array) -> Mean:
        n, there = self._flip_clips
        pooled = float(pooled_correlation(self._flips.sum(0)))
        return _mean(pooled, pooled_correlation(drawn), self._flips[:, 0], n, self.clips - there)


def _mean(mean: float, replicates: Array, counts: Array, n: int, failed: int) -> Mean:
    """counts (recordings,): how much each adds; those that add nothing are no clusters."""
    bounds = interval(replicates, int((counts > 0).sum())) if n else None
    return Mean(mean=float(mean) if np.isfinite(mean) else None, ci95=bounds, n=n, failed=failed)
