"""The scores of one clip: every row by every metric, as values, failures, or nothing to measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avspatial.errors import AvspatialError
from avspatial.evaluation.controls import MIRRORED, MODEL, SEEN, control_sounds
from avspatial.inference.outputs import PREDICTED, REFERENCE
from avspatial.interfaces import Builder, Clip, Convention, Metric, Truth
from avspatial.media.wav import read_wav
from avspatial.metrics.conventions import normalized, resampled
from avspatial.runs.directory import Run
from avspatial.settings import Selected
from avspatial.signal.level import active_frames, level_difference

Array = NDArray[np.float64]


@dataclass(frozen=True)
class NamedMetric:
    """A metric and what a number of its must be called: component id, version, settings."""

    metric: Metric
    id: str
    version: str
    settings: Mapping[str, Any]


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
class Score:
    """One number: exactly one of `value`, `error` (why it failed) and `skipped` (why there is none) is given."""

    row: str
    clip: str
    recording: str
    metric: str
    value: float | None = None
    error: str | None = None
    skipped: str | None = None

    def line(self) -> dict[str, Any]:
        """As it stands in `scores.jsonl`."""
        return {key: item for key, item in vars(self).items() if item is not None}


@dataclass(frozen=True)
class ClipScores:
    """All scores of a clip, and the moments of its level curves against those of the mirrored video (6,)."""

    scores: tuple[Score, ...]
    flip: Array | None = None


def _measure(
    named: NamedMetric, pairs: Mapping[bool, tuple[Array, Array]], rate: int, truth: Truth | None
) -> dict[str, dict[str, Any]]:
    """{name: {"value" or "error" or "skipped": ...}} for every name of the metric, whatever the metric does."""
    metric = named.metric
    if metric.needs_truth and truth is None:
        return {name: {"skipped": "the clip has no true angles"} for name in metric.names}
    try:
        values = metric(*pairs[metric.normalized], rate, truth)
    except Exception as error:  # a plugin's metric may fail in any way, and one clip must not end the evaluation
        what = str(error) if isinstance(error, (AvspatialError, ValueError)) else f"{type(error).__name__}: {error}"
        return {name: {"error": what} for name in metric.names}
    found: dict[str, dict[str, Any]] = {}
    for name in metric.names:
        if name not in values:
            found[name] = {"skipped": "the reference holds nothing to measure it on"}
        elif not np.isfinite(values[name]):
            found[name] = {"error": f"the value is {float(values[name])}"}
        else:
            found[name] = {"value": float(values[name])}
    return found


def score_pair(
    metrics: Sequence[NamedMetric], prediction: Array, reference: Array, convention: Convention, truth: Truth | None
) -> dict[str, dict[str, Any]]:
    """prediction and reference (2, T) at the convention's rate -> {metric name: {"value" | "error" | "skipped": ...}}.

    Never raises for what a sound or a metric does: that is a failure, to be counted.
    """
    try:
        pairs = {True: normalized(prediction, reference, convention), False: (prediction, reference)}
    except ValueError as error:
        return _all_failed(metrics, str(error))
    return {
        name: outcome for named in metrics for name, outcome in _measure(named, pairs, convention.rate, truth).items()
    }


def _all_failed(metrics: Sequence[NamedMetric], reason: str) -> dict[str, dict[str, Any]]:
    return {name: {"error": reason} for named in metrics for name in named.metric.names}


def _read(path: Path, convention: Convention) -> Array | str:
    """The sound at the convention's rate, or why there is none."""
    try:
        sound, rate = read_wav(path)
        return resampled(sound, rate, convention)
    except (AvspatialError, ValueError) as error:
        return str(error)


def row_order(made: Sequence[str]) -> tuple[str, ...]:
    """All rows of a table: the model, the controls from the reference, then those of `SEEN` that the model made."""
    return (MODEL, "mono", "swapped", "reference", "level_panned", *(row for row in SEEN if row in made))


def score_clip(
    run: Run,
    clip: Clip,
    metrics: Sequence[NamedMetric],
    convention: Convention,
    made: Sequence[str] = SEEN,
    failure: str | None = None,
) -> ClipScores:
    """Score what a run saved of one clip. `made`: those of `SEEN` for which the run saved sounds.

    `failure`: why the clip has no outputs; then every row fails with it. Nothing is raised for a missing or broken
    file or for what a metric does: each is a failure of its row.
    """
    reference = failure if failure is not None else _read(run.outputs / clip.id / REFERENCE, convention)
    sounds: dict[str, Array | str]
    if isinstance(reference, str):
        sounds = dict.fromkeys(row_order(made), reference)
    else:
        sounds = {MODEL: _read(run.outputs / clip.id / PREDICTED, convention), **control_sounds(reference)}
        sounds |= {row: _read(run.controls / row / clip.id / PREDICTED, convention) for row in SEEN if row in made}
    scores: list[Score] = []
    for row, sound in sounds.items():
        if isinstance(sound, str) or isinstance(reference, str):
            outcomes = _all_failed(metrics, str(sound))
        else:
            outcomes = score_pair(metrics, sound, reference, convention, clip.truth)
        scores += [Score(row, clip.id, clip.recording, name, **outcome) for name, outcome in outcomes.items()]
    return ClipScores(tuple(scores), _flip_moments(reference, sounds[MODEL], sounds.get(MIRRORED), convention.rate))


def _flip_moments(reference: Array | str, seen: Array | str, mirrored: Array | str | None, rate: int) -> Array | None:
    """Sums of 1, a, b, a^2, b^2, ab over active frames; a: the curve for the video, b: minus that for its mirror.

    None where one of the three is missing or of another length.
    """
    if isinstance(reference, str) or isinstance(seen, str) or mirrored is None or isinstance(mirrored, str):
        return None
    if not reference.shape == seen.shape == mirrored.shape:
        return None
    active = active_frames(reference, rate)
    a, b = level_difference(seen, rate)[active], -level_difference(mirrored, rate)[active]
    return np.array([active.sum(), a.sum(), b.sum(), a @ a, b @ b, a @ b])
