"""Paired comparison of systems on the same clips: differences, tests and verdicts."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from avspatial.errors import RunError, did_you_mean
from avspatial.evaluation.comparison.compatibility import refuse_differing, unsaid
from avspatial.evaluation.comparison.estimates import Estimator, Sample
from avspatial.evaluation.comparison.systems import ScoredClip, System
from avspatial.evaluation.scoring.conditions import Condition
from avspatial.evaluation.scoring.controls import MODEL, SEEN
from avspatial.evaluation.scoring.score_schema import SCHEMA, Mean, MetricInfo
from avspatial.evaluation.scoring.summary import INTERVAL
from avspatial.evaluation.statistics import paired
from avspatial.evaluation.statistics.paired import Estimate

BETTER, WORSE, HIGHER, LOWER, UNCLEAR = "better", "worse", "higher", "lower", "not distinguishable"


@dataclass(frozen=True)
class SystemPair:
    """System `a` against system `b` by one metric. Every difference is a's minus b's, on the same clip.

    `differences` are those of the `n` clips that both have a value for; `failed` clips have an error in either. `p` is
    of the signed-rank test (over splits: of the corrected t-test), `p_holm` adjusted for all tests of the comparison,
    `effect` the rank-biserial correlation, `mdd` the difference that a test as large would find in four of five cases.
    None where the clips do not suffice. `verdict` speaks of a; `doubt` is why there is none.
    """

    metric: str
    a: str
    b: str
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None
    p_holm: float | None
    effect: float | None
    mdd: float | None
    n: int
    failed: int
    verdict: str = UNCLEAR
    doubt: str = ""
    differences: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def established(self) -> bool:
        """Whether the verdict is for one of the two."""
        return self.verdict != UNCLEAR

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON data."""
        names = ("metric", "a", "b", "difference", "p", "p_holm", "effect", "mdd", "n", "failed", "verdict")
        return {name: getattr(self, name) for name in names} | {"ci95": self.interval}


@dataclass(frozen=True)
class Comparison:
    """Systems by metrics, the controls, and every pair.

    `means[system][metric]`, `controls[name][metric]` (a control that the model makes is called "name (system)"),
    `between_seeds[system][metric]`, `pairs` by metric, then in the order of the systems. `baseline` is None where all
    systems are paired with all. `clips` are what all systems were scored on, by key, with their recordings; a
    system's own `clips` have its files.
    """

    systems: tuple[System, ...]
    baseline: str | None
    convention: str
    metrics: Mapping[str, MetricInfo]
    clips: Mapping[str, ScoredClip]
    means: Mapping[str, Mapping[str, Mean]]
    controls: Mapping[str, Mapping[str, Mean]]
    between_seeds: Mapping[str, Mapping[str, float]]
    pairs: tuple[SystemPair, ...]
    notes: tuple[str, ...] = ()

    def pair(self, metric: str, a: str, b: str) -> SystemPair:
        """The pair of these two systems; KeyError where it was not computed."""
        for pair in self.pairs:
            if (pair.metric, pair.a, pair.b) == (metric, a, b):
                return pair
        raise KeyError((metric, a, b))

    @property
    def splits(self) -> tuple[str | None, ...]:
        return self.systems[0].splits

    @property
    def recordings(self) -> int:
        return len({clip.recording for clip in self.clips.values()})

    def failed(self) -> dict[str, int]:
        """{system: clips of it with any error}, of those that have some."""
        counts = {system.name: len({c for by in system.model.errors.values() for c in by}) for system in self.systems}
        return {name: count for name, count in counts.items() if count}

    def to_dict(self) -> dict[str, Any]:
        """Return plain, finite JSON data, as `avspatial compare --json` prints it: the types of the score schema."""
        method = "corrected resampled t over splits" if len(self.splits) > 1 else INTERVAL.method
        own = {name for system in self.systems for name in self._control_names(system).values()}
        return {
            "schema": SCHEMA,
            "convention": self.convention,
            "clips": len(self.clips),
            "recordings": self.recordings,
            "splits": [split for split in self.splits if split is not None],
            "metrics": {metric: info.to_dict() for metric, info in self.metrics.items()},
            "systems": [self._system_to_dict(system) for system in self.systems],
            "conditions": {name: _means_to_dict(of) for name, of in self.controls.items() if name not in own},
            "baseline": self.baseline,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "interval": INTERVAL.model_copy(update={"method": method}).to_dict(),
            "effect": "matched-pairs rank-biserial correlation",
            "notes": list(self.notes),
        }

    def _control_names(self, system: System) -> dict[str, str]:
        """{condition: its name in `controls`} of the controls that this system's model makes."""
        names = {condition: f"{condition} ({system.name})" for condition in SEEN}
        return {condition: name for condition, name in names.items() if name in self.controls}

    def _system_to_dict(self, system: System) -> dict[str, Any]:
        own = {condition: self.controls[name] for condition, name in self._control_names(system).items()}
        return {
            "name": system.name,
            "origin": system.origin,
            "runs": [{"path": str(run.path), "seed": run.seed, "split": run.split} for run in system.runs],
            "conditions": {name: _means_to_dict(of) for name, of in {MODEL: self.means[system.name], **own}.items()},
            "between_seeds_sd": dict(self.between_seeds[system.name]),
        }


def _means_to_dict(means: Mapping[str, Mean]) -> dict[str, Any]:
    return {metric: mean.to_dict() for metric, mean in means.items()}


def compare(systems: Sequence[System], baseline: str | None = None, metrics: Iterable[str] = ()) -> Comparison:
    """Set systems side by side.

    baseline: the name of the system that the others are set against; without it, every system against every other
    that was named before it. metrics: those to compare (default: all that the systems share); the family of tests
    that is corrected for is that of these metrics and pairs.

    RunError for fewer than two systems, for names that are not there, and for systems that cannot be compared: other
    clips, data, split, convention, or other versions or settings of a metric.
    """
    if len(systems) < 2:
        fix = "Name two or more: avspatial compare RUN RUN."
        raise RunError("there is nothing to compare with", where=systems[0].name if systems else "", fix=fix)
    names = [system.name for system in systems]
    if baseline is not None and baseline not in names:
        fix = f"The systems are: {', '.join(names)}."
        raise RunError(f"no system is called {baseline!r}{did_you_mean(baseline, names)}", where="--baseline", fix=fix)
    chosen, notes = _metrics(systems, list(metrics))
    refuse_differing(systems, chosen)
    knowing = next((system for system in systems if system.knows_recordings), systems[0])
    clips = {key: knowing.clips[key] for key in systems[0].clips}
    estimator = Estimator(list(clips.values()), _test_over_train(systems[0]))
    models = [(system.name, system.model) for system in systems]
    controls = list(_controls(systems))
    _refuse_control_names(systems, {label for label, _ in controls})
    means: dict[str, dict[str, Mean]] = {label: {} for label, _ in (*models, *controls)}
    pairs: list[SystemPair] = []
    for metric in chosen:
        measured, tested = _one_metric(metric, (*models, *controls), _pairs(systems, baseline), estimator)
        pairs += tested
        for label, mean in measured.items():
            means[label][metric] = mean
    pairs = _judged(pairs, systems[0].metrics)
    return Comparison(
        systems=tuple(systems),
        baseline=baseline,
        convention=systems[0].convention,
        metrics={metric: systems[0].metrics[metric] for metric in chosen},
        clips=clips,
        means={label: means[label] for label, _ in models},
        controls={label: means[label] for label, _ in controls},
        between_seeds={system.name: _between_seeds(system, chosen) for system in systems},
        pairs=tuple(pairs),
        notes=(*notes, *unsaid(systems, chosen), *_limits(systems, pairs, estimator)),
    )


def against_control(comparison: Comparison, name: str, control: str, metric: str) -> SystemPair:
    """A system against a control of the comparison, by its label: one test more than those of the comparison, and its
    p is adjusted for all of them. KeyError for an unknown control."""
    system = next(system for system in comparison.systems if system.name == name)
    controls = dict(_controls(comparison.systems))
    against = replace(system, name=control, conditions={MODEL: controls[control]})
    estimator = Estimator(list(comparison.clips.values()), _test_over_train(comparison.systems[0]))
    _, (pair,) = _one_metric(metric, (), [(system, against)], estimator)
    return _judged([*comparison.pairs, pair], comparison.metrics)[-1]


def _refuse_control_names(systems: Sequence[System], controls: Container[str]) -> None:
    for system in systems:
        if system.name in controls:
            fix = "Rename its folder or file, or give its run another name with `--name`."
            raise RunError(f"a system has the name of the control {system.name!r}", where=system.origin, fix=fix)


def _between_seeds(system: System, metrics: Iterable[str]) -> dict[str, float]:
    return {metric: sd for metric in metrics if (sd := system.between_seeds(metric)) is not None}


def _test_over_train(system: System) -> float:
    """Test clips by training clips of a split; 0 from one split, where it is not needed."""
    if len(system.splits) == 1:
        return 0.0
    train = [run.train for run in system.runs if run.train]
    if len(train) < len(system.runs):
        fix = "Run it again with this version, or compare one split."
        raise RunError("run.json does not say how many clips it learnt from", where=system.origin, fix=fix)
    return sum(len(run.clips) for run in system.runs) / sum(train)


def _one_metric(
    metric: str,
    conditions: Sequence[tuple[str, Condition]],
    against: Sequence[tuple[System, System]],
    estimator: Estimator,
) -> tuple[dict[str, Mean], list[SystemPair]]:
    """{label: mean} of the conditions that have the metric, and its pairs, with one set of draws for all."""
    having = [(label, condition) for label, condition in conditions if metric in condition.metrics]
    samples = [estimator.sample(condition.values.get(metric, {})) for _, condition in having]
    differences = [estimator.differences(a.values(metric), b.values(metric)) for a, b in against]
    estimates = estimator.estimates([*samples, *differences])
    means = {
        label: Mean(
            mean=estimate.mean,
            sd=float(np.std(sample.values, ddof=1)) if len(sample.clips) > 1 else None,
            ci95=estimate.interval,
            n=len(sample.clips),
            failed=len(condition.errors.get(metric, {})),
        )
        for (label, condition), sample, estimate in zip(having, samples, estimates, strict=False)
    }
    of_pairs = zip(against, differences, estimates[len(samples) :], strict=True)
    return means, [_pair(metric, a, b, sample, estimate, estimator) for (a, b), sample, estimate in of_pairs]


def _pair(metric: str, a: System, b: System, sample: Sample, estimate: Estimate, estimator: Estimator) -> SystemPair:
    """A pair before the correction for the other tests."""
    test = paired.signed_rank(sample.values, estimator.places(sample))
    some = bool(len(sample.clips))
    return SystemPair(
        metric=metric,
        a=a.name,
        b=b.name,
        difference=estimate.mean,
        interval=estimate.interval,
        p=(estimate.p if estimator.several else test.p) if some else None,
        p_holm=None,
        effect=test.effect if some else None,
        mdd=paired.detectable(estimate.error, estimate.freedom),
        n=len(sample.clips),
        failed=len({*a.model.errors.get(metric, {}), *b.model.errors.get(metric, {})}),
        differences={clip.key: float(value) for clip, value in zip(sample.clips, sample.values, strict=True)},
    )


def _metrics(systems: Sequence[System], asked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The metrics to compare, and notes about those that not every system has."""
    names = dict.fromkeys(metric for system in systems for metric in system.metrics)
    lacking = {name: ", ".join(system.name for system in systems if name not in system.metrics) for name in names}
    shared = [name for name in names if not lacking[name]]
    for name in asked:
        if name not in names:
            what = f"no system was scored by {name!r}{did_you_mean(name, names)}"
            raise RunError(what, where="--metrics", fix=f"The scores are of: {', '.join(names)}.")
        if lacking[name]:
            what = f"{lacking[name]} was not scored by {name}"
            raise RunError(what, where="--metrics", fix="Score it with that metric.")
    if asked:
        return list(dict.fromkeys(asked)), []
    if not shared:
        where = ", ".join(system.name for system in systems)
        raise RunError("the systems have no metric in common", where=where, fix="Score them by the same metrics.")
    return shared, [f"{name} is left out: {lacking[name]} was not scored by it." for name in names if lacking[name]]


def _pairs(systems: Sequence[System], baseline: str | None) -> list[tuple[System, System]]:
    if baseline is None:
        return [(later, earlier) for earlier, later in combinations(systems, 2)]
    against = next(system for system in systems if system.name == baseline)
    return [(system, against) for system in systems if system is not against]


def _controls(systems: Sequence[System]) -> Iterator[tuple[str, Condition]]:
    """(label, condition): what the reference alone makes, once; what a model makes, for each system that has it."""
    for name in dict.fromkeys(name for system in systems for name in system.conditions if name != MODEL):
        having = [system for system in systems if name in system.conditions]
        if name in SEEN:
            yield from ((f"{name} ({system.name})", system.conditions[name]) for system in having)
        else:
            yield name, having[0].conditions[name]


def _judged(pairs: Sequence[SystemPair], facts: Mapping[str, MetricInfo]) -> list[SystemPair]:
    """The pairs with p adjusted over all of them, and a verdict."""
    tested = [pair for pair in pairs if pair.p is not None]
    adjusted = iter(paired.holm([pair.p for pair in tested if pair.p is not None]))
    judged = []
    for pair in pairs:
        p_holm = None if pair.p is None else next(adjusted)
        doubt = _doubt(pair, p_holm)
        verdict = UNCLEAR if doubt else _verdict(pair, facts[pair.metric].higher_is_better)
        judged.append(replace(pair, p_holm=p_holm, verdict=verdict, doubt=doubt))
    return judged


def _doubt(pair: SystemPair, p_holm: float | None) -> str:
    """What a verdict lacks: it needs the adjusted test, an interval without 0, and both to the same side."""
    if p_holm is None or pair.difference is None:
        return "there is no p" if pair.n else "no clip has both values"
    if not pair.difference and not pair.effect:
        return "no difference"
    if p_holm >= paired.ALPHA:
        return f"p is not below {paired.ALPHA:g}"
    if pair.difference * (pair.effect or 0.0) <= 0:
        return "mean and ranks disagree"
    if pair.interval is None:
        return "there is no interval"
    return "the interval holds 0" if pair.interval[0] <= 0 <= pair.interval[1] else ""


def _verdict(pair: SystemPair, higher_is_better: bool | None) -> str:
    higher = (pair.difference or 0.0) > 0
    if higher_is_better is None:
        return HIGHER if higher else LOWER
    return BETTER if higher == higher_is_better else WORSE


def _contradictions(pairs: Sequence[SystemPair]) -> Iterator[str]:
    """For each two systems whose ranks are sure while the mean is not: by which metrics, and what that means."""
    torn: dict[tuple[str, str], list[str]] = {}
    for pair in pairs:
        if pair.doubt and pair.p_holm is not None and pair.p_holm < paired.ALPHA:
            torn.setdefault((pair.a, pair.b), []).append(pair.metric)
    for (a, b), metrics in torn.items():
        yield (
            f"{a} against {b} by {', '.join(metrics)}: the ranks of the clips are sure (p), their mean is not; a few "
            "clips outweigh the many. Check those."
        )


def _limits(systems: Sequence[System], pairs: Sequence[SystemPair], estimator: Estimator) -> list[str]:
    """What a reader must know before believing or disbelieving the verdicts."""
    notes = []
    tests = sum(pair.p is not None for pair in pairs)
    recordings = estimator.recordings
    if not estimator.several and tests * paired.smallest_p(recordings) >= paired.ALPHA:
        least = min(1.0, tests * paired.smallest_p(recordings))
        notes.append(
            f"too few recordings for the number of tests ({recordings} for {tests}): the smallest p that they allow is "
            f"{least:.2g} after Holm's correction, so no verdict could be reached. Score more recordings, or fewer "
            "metrics (--metrics)."
        )
    notes += _contradictions(pairs)
    if all(system.seeds == 1 for system in systems):
        notes.append("One training run each: the intervals say nothing about training again with another seed.")
    return notes
