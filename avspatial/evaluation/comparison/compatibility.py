"""Refusing to compare what cannot be compared: other clips, data, splits, conventions, or other metrics of one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from avspatial.errors import RunError
from avspatial.evaluation.comparison.systems import System, system
from avspatial.evaluation.scoring.controls import MODEL, SEEN
from avspatial.text import listed

_SAME = 1e-6
"""Scores of one control row on the same reference agree to this share, whatever machine made them."""
_FIX = "Score both on the same clips, under one convention and with the same versions, then compare."


def refuse_differing(systems: Sequence[System], metrics: Iterable[str]) -> None:
    """RunError that lists every way in which a system differs from the first one, or its own runs among each other.

    What one of them does not state is taken to agree; `unsaid` lists it.
    """
    metrics = list(metrics)
    for one in systems:
        _refuse(_among_runs(one, metrics), one.origin)
    _refuse((line for other in systems[1:] for line in _differing(systems[0], other, metrics)), "")


def _refuse(problems: Iterable[str], where: str) -> None:
    lines = [f"  {problem}" for problem in problems]
    if lines:
        raise RunError("\n".join(["these cannot be compared:", *lines]), where=where, fix=_FIX)


def _among_runs(one: System, metrics: Sequence[str]) -> Iterator[str]:
    """How a system's seeds differ on one split, and its splits in their measures."""
    for split in one.splits:
        runs = [run for run in one.runs if run.split == split]
        alone = [system(f"the run with seed {run.seed}", str(run.path), [run]) for run in runs]
        for other in alone[1:]:
            yield from _differing(alone[0], other, metrics)
    first, *others = (
        system(f"the run of split {split}", "", [run for run in one.runs if run.split == split][:1])
        for split in one.splits
    )
    for other in others:
        yield from _measures(first, other, metrics)


def unsaid(systems: Sequence[System], metrics: Iterable[str]) -> Iterator[str]:
    """Sentences about what could not be checked."""
    for one in systems:
        if any(one.metrics[metric].version is None for metric in metrics):
            yield f"{one.name} does not say the versions of its metrics: they are taken to be the same."
        if not any(run.data for run in one.runs) and not _reference_rows(systems[0], one):
            yield f"{one.name} does not say which data it was scored on: its clips are matched by name alone."


def _reference_rows(first: System, other: System) -> list[str]:
    """The rows that the reference alone makes, which both have."""
    return [row for row in first.conditions if row not in (MODEL, *SEEN) and row in other.conditions]


def _difference(what: str, first: System, other: System, mine: Any, theirs: Any) -> Iterator[str]:
    if mine is not None and theirs is not None and mine != theirs:
        yield f"{what}: {mine} in {first.name}, {theirs} in {other.name}"


def _measures(first: System, other: System, metrics: Sequence[str]) -> Iterator[str]:
    yield from _difference("convention", first, other, first.convention, other.convention)
    for metric, key in product(metrics, ("id", "version", "settings")):
        mine, theirs = (getattr(one.metrics[metric], key) for one in (first, other))
        yield from _difference(f"{metric}, {key}", first, other, mine, theirs)


def _differing(first: System, other: System, metrics: Sequence[str]) -> Iterator[str]:
    yield from _measures(first, other, metrics)
    if None not in first.splits and None not in other.splits:
        mine, theirs = (", ".join(map(str, one.splits)) for one in (first, other))
        yield from _difference("split", first, other, mine, theirs)
    yield from _data(first, other)
    clips = list(_clips(first, other))
    yield from clips or (*_recordings(first, other), *_references(first, other, metrics))


def _recordings(first: System, other: System) -> Iterator[str]:
    if not first.knows_recordings or not other.knows_recordings:
        return
    for key, clip in first.clips.items():
        theirs = other.clips[key].recording
        if theirs != clip.recording:
            yield f"the recording of clip {key}: {clip.recording} in {first.name}, {theirs} in {other.name}"
            return


def _data(first: System, other: System) -> Iterator[str]:
    """Fingerprints, split by split, where both are known."""
    for split in first.splits:
        mine, theirs = (
            sorted({run.data for run in one.runs if run.split == split and run.data}) for one in (first, other)
        )
        if mine and theirs and mine != theirs:
            where = f" of split {split}" if split is not None else ""
            yield f"data{where}: {', '.join(mine)} in {first.name}, {', '.join(theirs)} in {other.name}"


def _clips(first: System, other: System) -> Iterator[str]:
    for one, without in ((first, other), (other, first)):
        only = [key for key in one.clips if key not in without.clips]
        if only:
            noun = "clip" if len(only) == 1 else "clips"
            yield f"{len(only)} {noun} only in {one.name}: {listed(only)}"


def _references(first: System, other: System, metrics: Sequence[str]) -> Iterator[str]:
    """The rows that the reference alone makes must agree, or the same names stand for other sounds.

    A clip's reference is another one where most of its scores differ: a single one may differ by rounding.
    """
    compared: Counter[str] = Counter()
    differing: dict[str, list[str]] = {}
    for row, metric in product(_reference_rows(first, other), metrics):
        mine, theirs = (one.conditions[row].values.get(metric, {}) for one in (first, other))
        size = max(map(abs, (*mine.values(), *first.values(metric).values())), default=0.0)
        for clip in mine.keys() & theirs.keys():
            compared[clip] += 1
            if not np.isclose(mine[clip], theirs[clip], rtol=_SAME, atol=_SAME * size):
                scores = (
                    f"{row} scores {mine[clip]:.6g} by {metric} in {first.name}, {theirs[clip]:.6g} in {other.name}"
                )
                differing.setdefault(clip, []).append(scores)
    others = [clip for clip in first.clips if len(differing.get(clip, ())) > compared[clip] / 2]
    if others:
        yield f"the reference sound of {len(others)} clips, first {others[0]}: its row {differing[others[0]][0]}"
