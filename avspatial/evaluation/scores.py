"""The scores of one clip: every row by every metric, as values, failures, or nothing to measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avspatial.errors import AvspatialError
from avspatial.evaluation.controls import MODEL, SEEN, control_sounds
from avspatial.interfaces import Builder, Clip, Convention, Metric, Truth
from avspatial.media.wav import read_wav
from avspatial.metrics.conventions import normalized, resampled
from avspatial.settings import Selected
from avspatial.signal.level import active_frames, level_difference

PREDICTED = "predicted_binaural.wav"
REFERENCE = "input_binaural.wav"
"""The file names of the official code."""

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


def _all_failed(metrics: Sequence[NamedMetric], error: str) -> dict[str, dict[str, Any]]:
    return {name: {"error": error} for named in metrics for name in named.metric.names}


def _read(path: Path, convention: Convention) -> Array:
    sound, rate = read_wav(path)
    return resampled(sound, rate, convention)


def _flip_moments(sound: Array, mirrored: Array, reference: Array, rate: int) -> Array:
    """Sums of 1, a, b, a^2, b^2, ab over active frames; a: the curve for the video, b: minus that for its mirror."""
    active = active_frames(reference, rate)
    a, b = level_difference(sound, rate)[active], -level_difference(mirrored, rate)[active]
    return np.array([active.sum(), a.sum(), b.sum(), a @ a, b @ b, a @ b])


def score_clip(
    run: Path,
    clip: Clip,
    metrics: Sequence[NamedMetric],
    convention: Convention,
    rows: Sequence[str],
    failure: str | None = None,
) -> ClipScores:
    """Score what a run saved of one clip. `rows`: those of `SEEN` that the run made beside the model's own.

    `failure`: why the clip has no outputs; then every row fails with it. Raises nothing for a missing or broken file.
    """
    paths = {MODEL: run / "outputs" / clip.id / PREDICTED}
    paths |= {row: run / "controls" / row / clip.id / PREDICTED for row in SEEN if row in rows}
    outcomes: dict[str, dict[str, dict[str, Any]]] = {}
    sounds: dict[str, Array] = {}
    reference = None
    try:
        if failure is None:
            reference = _read(run / "outputs" / clip.id / REFERENCE, convention)
            sounds = control_sounds(reference)
    except (AvspatialError, ValueError) as error:
        failure = str(error)
    for row, path in paths.items():
        try:
            if reference is not None:
                sounds[row] = _read(path, convention)
        except (AvspatialError, ValueError) as error:
            outcomes[row] = _all_failed(metrics, str(error))
    for row in row_order(rows):
        if reference is None:
            outcomes[row] = _all_failed(metrics, failure or "")
        elif row in sounds:
            outcomes[row] = score_pair(metrics, sounds[row], reference, convention, clip.truth)
    scores = tuple(
        Score(row, clip.id, clip.recording, name, **outcome)
        for row in row_order(rows)
        for name, outcome in outcomes[row].items()
    )
    return ClipScores(scores, _flip(sounds, reference, convention.rate))


def row_order(rows: Sequence[str]) -> tuple[str, ...]:
    """All rows of a table: the model, the controls of the reference, then those of `rows`."""
    return (MODEL, "mono", "swapped", "reference", "level_panned", *(row for row in SEEN if row in rows))


def _flip(sounds: Mapping[str, Array], reference: Array | None, rate: int) -> Array | None:
    if reference is None or MODEL not in sounds or "mirrored_picture" not in sounds:
        return None
    pair = sounds[MODEL], sounds["mirrored_picture"]
    same = all(sound.shape == reference.shape for sound in pair)
    return _flip_moments(*pair, reference, rate) if same else None
