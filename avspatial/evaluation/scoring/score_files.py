"""Scoring of files: read, resample to the convention's rate, measure every condition; clips in parallel, in order.

An error of a file or a metric is a failure of its clip and condition, never the end of the evaluation.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from avspatial.errors import AvspatialError
from avspatial.evaluation.scoring.clip_scores import ClipScores, NamedMetric, all_failed, score_pair
from avspatial.evaluation.scoring.controls import CONTROLS, MIRRORED, MODEL
from avspatial.evaluation.scoring.file_pairs import FilePair
from avspatial.evaluation.scoring.score_schema import Score
from avspatial.interfaces import Convention, Progress
from avspatial.media.audio import read_audio
from avspatial.metrics.analysis_cache import AnalysisCache
from avspatial.metrics.conventions import resampled
from avspatial.signal.level import active_frames, level_difference
from avspatial.text import counted

TITLE = "Scoring clips"
AHEAD = 2
"""Clips that wait for each worker: no worker idles, and memory does not grow with the number of clips."""

Array = NDArray[np.float64]
_Item = TypeVar("_Item")


def score_pairs(
    pairs: Sequence[FilePair],
    metrics: Sequence[NamedMetric],
    convention: Convention,
    *,
    jobs: int,
    trim: bool = False,
    controls: Sequence[str] = (),
    progress: Progress,
) -> Generator[ClipScores, None, None]:
    """The scores of each pair, in the order of `pairs`; the predictions are the condition `model`.

    jobs: clips at once, in threads; they change no number. trim: cut the longer file of a pair, and note it, where
    otherwise unequal lengths are a failure. controls: the conditions of `CONTROLS` to score too, made from the
    references. Memory does not grow with the number of pairs.
    """
    score = partial(score_files, metrics=metrics, convention=convention, trim=trim, controls=controls)
    return in_order(pairs, score, jobs, progress)


def in_order(
    items: Sequence[_Item], score: Callable[[_Item], ClipScores], jobs: int, progress: Progress
) -> Generator[ClipScores, None, None]:
    """`score` of each item, in order, `jobs` at once. When the consumer stops, nothing more is begun."""
    pool = ThreadPoolExecutor(max(1, jobs), thread_name_prefix="score")
    try:
        left = iter(items)
        waiting: deque[Future[ClipScores]] = deque(
            pool.submit(score, item) for item in islice(left, AHEAD * max(1, jobs))
        )
        for _ in progress(items, TITLE):
            done = waiting.popleft().result()
            waiting.extend(pool.submit(score, item) for item in islice(left, 1))
            yield done
    finally:
        pool.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _LoadedAudio:
    """A file's audio at the convention's rate (2, T), and the file's own rate in Hz and samples per channel."""

    audio: Array
    rate: int
    samples: int


def _load_audio(path: Path, convention: Convention) -> _LoadedAudio | str:
    """The audio of a file, or why it cannot be scored."""
    try:
        audio, rate = read_audio(path)
        if len(audio) != 2:
            count = "1 channel" if len(audio) == 1 else f"{len(audio)} channels"
            return f"{path}: {count}; left and right are needed"
        return _LoadedAudio(resampled(audio, rate, convention), rate, audio.shape[1])
    except (AvspatialError, ValueError, OSError) as error:
        return str(error)


def _resampling(name: str, audio: _LoadedAudio | str, convention: Convention) -> list[str]:
    if isinstance(audio, str) or audio.rate == convention.rate:
        return []
    return [f"{name} resampled from {audio.rate} to {convention.rate} Hz"]


def _fitted(prediction: _LoadedAudio | str, reference: _LoadedAudio, trim: bool) -> tuple[Array, Array, list[str]]:
    """Both of one length, and a note if one was cut; ValueError if there is no prediction, or if their lengths differ
    and `trim` does not allow it. Files of one rate are compared as they are, others after resampling."""
    if isinstance(prediction, str):
        raise ValueError(prediction)
    y, x = prediction.audio, reference.audio
    same = prediction.rate == reference.rate
    lengths = (prediction.samples, reference.samples) if same else (y.shape[1], x.shape[1])
    if lengths[0] == lengths[1]:
        return y, x, []
    if not trim:
        raise ValueError(
            f"the prediction has {lengths[0]} samples, the reference {lengths[1]} "
            "(`avspatial evaluate --trim` cuts to the shorter)"
        )
    shorter = min(y.shape[1], x.shape[1])
    longer = "prediction" if lengths[0] > lengths[1] else "reference"
    return y[:, :shorter], x[:, :shorter], [f"{longer} cut by {counted(abs(lengths[0] - lengths[1]), 'sample')}"]


def score_files(
    pair: FilePair,
    metrics: Sequence[NamedMetric],
    convention: Convention,
    trim: bool = False,
    controls: Sequence[str] = (),
    others: Mapping[str, Path] | None = None,
    failure: str | None = None,
) -> ClipScores:
    """Score a pair of files: the condition `model`, the `controls`, and `others`, conditions that have files.

    failure: why the clip has no audio; then every condition fails with it. Nothing is raised for a missing or broken
    file or an error in a metric: each is a failure of its condition.
    """
    others = others or {}
    reference = failure if failure is not None else _load_audio(pair.reference, convention)
    if isinstance(reference, str):
        outcome = all_failed(metrics, reference)
        return ClipScores(
            tuple(score for name in (MODEL, *controls, *others) for score in _scores(name, pair, outcome))
        )
    predicted = _load_audio(pair.prediction, convention)
    conditions: dict[str, _LoadedAudio | str] = {MODEL: predicted}
    conditions |= {name: replace(reference, audio=CONTROLS[name](reference.audio)) for name in controls}
    conditions |= {name: _load_audio(path, convention) for name, path in others.items()}
    notes = _resampling("prediction", predicted, convention) + _resampling("reference", reference, convention)
    scores: list[Score] = []
    measure = partial(score_pair, metrics, convention=convention, truth=pair.truth, cache=AnalysisCache())
    for name, audio in conditions.items():
        try:
            y, x, cuts = _fitted(audio, reference, trim)
            outcome = measure(prediction=y, reference=x)
        except ValueError as error:
            outcome, cuts = all_failed(metrics, str(error)), []
        scores += _scores(name, pair, outcome)
        notes += cuts if name == MODEL else []
    return ClipScores(
        tuple(scores), _flip_moments(reference, predicted, conditions.get(MIRRORED), convention), tuple(notes)
    )


def _scores(condition: str, pair: FilePair, outcomes: Mapping[str, Mapping[str, Any]]) -> list[Score]:
    head = {"condition": condition, "clip": pair.clip, "recording": pair.recording}
    return [Score(**head, metric=name, **outcome) for name, outcome in outcomes.items()]


def _flip_moments(
    reference: _LoadedAudio, seen: _LoadedAudio | str, mirrored: _LoadedAudio | str | None, convention: Convention
) -> Array | None:
    """Sums of 1, a, b, a^2, b^2, ab over active frames; a: the curve for the video, b: minus that for its mirror.

    None where one of the three is missing or of another length.
    """
    if isinstance(seen, str) or mirrored is None or isinstance(mirrored, str):
        return None
    if not reference.audio.shape == seen.audio.shape == mirrored.audio.shape:
        return None
    rate = convention.rate
    active = active_frames(reference.audio, rate)
    a, b = level_difference(seen.audio, rate)[active], -level_difference(mirrored.audio, rate)[active]
    return np.array([active.sum(), a.sum(), b.sum(), a @ a, b @ b, a @ b])
