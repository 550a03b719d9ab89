"""What is compared: systems, each one or several scored sets of clips (a run, a saved evaluation).

A system is a method. Its sets differ in nothing but the training seed and the split: a clip's value is the mean over
the seeds, so that seeds are not mistaken for clips, and the clips of several splits stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from avspatial.errors import RunError
from avspatial.evaluation.scoring.conditions import Condition
from avspatial.evaluation.scoring.controls import MODEL
from avspatial.evaluation.scoring.score_schema import MetricInfo


@dataclass(frozen=True)
class ScoredClip:
    """A scored clip and its files; None for files that were not saved.

    `key` names it in the values: its id, behind its split where there are several.
    """

    key: str
    id: str
    recording: str
    split: str | None = None
    predicted: Path | None = None
    reference: Path | None = None
    picture: Path | None = None


@dataclass(frozen=True)
class ScoredSystem:
    """One scored set of clips: a run directory or a saved evaluation.

    `data` is the data set's fingerprint, `split` and `seed` are the recipe's, `train` the number of training clips;
    None where nothing says. `method` is the recipe without seed, split and name.
    """

    path: Path
    name: str
    convention: str
    metrics: Mapping[str, MetricInfo]
    clips: Mapping[str, ScoredClip]
    conditions: Mapping[str, Condition]
    seed: int | None = None
    split: str | None = None
    data: str | None = None
    train: int | None = None
    method: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class System:
    """A method under one name, with the scores of all its runs on the clips of all its splits.

    `origin` is the path or name that was given, `conditions` the model's and the controls', means over seeds.
    `metrics` are those that every run has.
    """

    name: str
    origin: str
    runs: tuple[ScoredSystem, ...]
    convention: str
    metrics: Mapping[str, MetricInfo]
    clips: Mapping[str, ScoredClip]
    conditions: Mapping[str, Condition]

    @property
    def model(self) -> Condition:
        return self.conditions[MODEL]

    @property
    def splits(self) -> tuple[str | None, ...]:
        return tuple(dict.fromkeys(run.split for run in self.runs))

    @property
    def knows_recordings(self) -> bool:
        """Whether its scores say which clips were cut from one recording; FAIR-Play's lists, for one, do not."""
        return any(clip.recording != clip.id for clip in self.clips.values())

    @property
    def seeds(self) -> int:
        """How many runs each split has."""
        return len(self.runs) // len(self.splits)

    def values(self, metric: str) -> Mapping[str, float]:
        """The model's value by clip, where there is one."""
        return self.model.values.get(metric, {})

    def between_seeds(self, metric: str) -> float | None:
        """Standard deviation of the runs' means over seeds (root mean square over splits); None from one seed."""
        if self.seeds < 2:
            return None
        variances = []
        for split in self.splits:
            runs = [run for run in self.runs if run.split == split]
            means = [fmean(values) for run in runs if (values := run.conditions[MODEL].values.get(metric, {}).values())]
            variances += [stdev(means) ** 2] if len(means) > 1 else []
        return fmean(variances) ** 0.5 if variances else None


def make_system(name: str, origin: str, runs: Sequence[ScoredSystem]) -> System:
    """The system that these runs are. RunError where they are not one method, or not the same seeds on each split."""
    first = runs[0]
    splits: dict[str | None, list[ScoredSystem]] = {}
    for run in runs:
        splits.setdefault(run.split, []).append(run)
    if len({len(of) for of in splits.values()}) > 1:
        counts = ", ".join(f"{len(of)} of split {split}" for split, of in splits.items())
        fix = "Run the seeds that are missing, or name the runs one by one."
        raise RunError(f"its splits have different numbers of runs: {counts}", where=origin, fix=fix)
    several = len(splits) > 1
    clips: dict[str, ScoredClip] = {}
    conditions: dict[str, Condition] = {}
    metrics = {name: of for name, of in first.metrics.items() if all(name in run.metrics for run in runs)}
    for split, of in splits.items():
        mark = f"{split}/" if several else ""
        clips |= {mark + id: replace(clip, key=mark + id, split=split) for id, clip in of[0].clips.items()}
        for label in of[0].conditions:
            if all(label in run.conditions for run in of):
                seeds = [run.conditions[label] for run in of]
                _join(conditions.setdefault(label, Condition()), seeds, metrics, of[0].clips, mark)
    return System(name, origin, tuple(runs), first.convention, metrics, clips, conditions)


def _join(into: Condition, seeds: Sequence[Condition], metrics: Iterable[str], clips: Iterable[str], mark: str) -> None:
    """Take in a condition's seeds: the mean where each has a value, else the first reason why one has none."""
    for metric in [name for name in metrics if all(name in seed.metrics for seed in seeds)]:
        for clip in clips:
            outcomes = [seed.outcome(metric, clip) for seed in seeds]
            without = [outcome for kind in ("error", "skipped") for outcome in outcomes if kind in outcome]
            joined = without[0] if without else {"value": fmean(outcome["value"] for outcome in outcomes)}
            into.add(metric, mark + clip, **joined)
