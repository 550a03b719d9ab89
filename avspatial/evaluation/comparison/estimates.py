"""Means over clips with confidence intervals: over recordings, or over splits if there are several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avspatial.evaluation.comparison.systems import ScoredClip
from avspatial.evaluation.statistics import paired
from avspatial.evaluation.statistics.bootstrap import interval, ratio, resample
from avspatial.evaluation.statistics.paired import Estimate

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Numbers of some of the clips: values (n,)."""

    clips: Sequence[ScoredClip]
    values: Array


class Estimator:
    """What all estimates of a comparison share: the clips, their recordings and splits, and the draws.

    test_over_train: test clips by training clips, for the variance over splits.
    """

    def __init__(self, clips: Sequence[ScoredClip], test_over_train: float) -> None:
        self.clips = clips
        self.splits = list(dict.fromkeys(clip.split for clip in clips))
        self._place = {name: at for at, name in enumerate(dict.fromkeys(clip.recording for clip in clips))}
        self._test_over_train = test_over_train

    @property
    def recordings(self) -> int:
        return len(self._place)

    @property
    def several(self) -> bool:
        return len(self.splits) > 1

    def sample(self, values: Mapping[str, float]) -> Sample:
        """The clips that have a value, in order."""
        clips = [clip for clip in self.clips if clip.key in values]
        return Sample(clips, np.array([values[clip.key] for clip in clips], dtype=float))

    def differences(self, a: Mapping[str, float], b: Mapping[str, float]) -> Sample:
        """a minus b, of the clips that both have."""
        both = self.sample({key: value for key, value in a.items() if key in b})
        theirs = np.array([b[clip.key] for clip in both.clips], dtype=float)
        return Sample(both.clips, paired.differences(both.values, theirs))

    def places(self, sample: Sample) -> NDArray[np.intp]:
        """The number of each clip's recording, (n,)."""
        return np.array([self._place[clip.recording] for clip in sample.clips], dtype=np.intp)

    def estimates(self, samples: Sequence[Sample]) -> list[Estimate]:
        """An estimate for each sample; all share the draws of the bootstrap."""
        if self.several:
            return [self._over_splits(sample) for sample in samples]
        sums = [paired.sums(sample.values, self.places(sample), self.recordings) for sample in samples]
        drawn = resample(np.concatenate(sums, axis=1)) if sums else np.zeros((1, 0))
        return [_over_recordings(own, drawn[:, 2 * at : 2 * at + 2]) for at, own in enumerate(sums)]

    def _over_splits(self, sample: Sample) -> Estimate:
        by_split: dict[str | None, list[float]] = {}
        for clip, value in zip(sample.clips, sample.values, strict=True):
            by_split.setdefault(clip.split, []).append(float(value))
        if not by_split:
            return Estimate(None)
        return paired.over_splits(np.array([np.mean(values) for values in by_split.values()]), self._test_over_train)


def _over_recordings(sums: Array, drawn: Array) -> Estimate:
    """sums (recordings, 2) and those of resampled data sets (draws, 2)."""
    total, count = sums.sum(0)
    if not count:
        return Estimate(None)
    recordings = int((sums[:, 1] > 0).sum())
    bounds = interval(ratio(drawn[:, 0], drawn[:, 1]), recordings)
    return Estimate(float(total / count), paired.standard_error(sums), bounds, recordings - 1)
