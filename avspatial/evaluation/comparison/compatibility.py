"""Refusing to compare what cannot be compared: other clips, data, splits, conventions, or other metrics of one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from avspatial.errors import RunError
from avspatial.evaluation.comparison.systems import System, make_system
from avspatial.evaluation.scoring.controls import MODEL, SEEN
from avspatial.text import counted, listed

_SAME = 1e-6
"""Scores of one control on the same reference agree to this share, whatever machine made them."""
_FIX = "Score both on the same clips, under one convention and with the same versions, then compare."


def refuse_differing(systems: Sequence[System], metrics: Iterable[str]) -> None:
    """RunError that lists every way in which a system differs from the first one, or its own runs among each other.

    What one of them does not state is taken to agree; `unsaid` lists it.
    """
    metrics = list(metrics)
    for system in systems:
        _refuse(_among_runs(system, metrics), system.origin)
    _refuse((line for second in systems[1:] for line in _differing(systems[0], second, metrics)), "")


def _refuse(problems: Iterable[str], where: str) -> None:
    lines = [f"  {problem}" for problem in problems]
    if lines:
        raise RunError("\n".join(["these cannot be compared:", *lines]), where=where, fix=_FIX)


def _among_runs(system: System, metrics: Sequence[str]) -> Iterator[str]:
    """How a system's seeds differ on one split, and its splits in their measures."""
    for split in system.splits:
        runs = [run for run in system.runs if run.split == split]
        alone = [make_system(f"the run with seed {run.seed}", str(run.path), [run]) for run in runs]
        for second in alone[1:]:
            yield from _differing(alone[0], second, metrics)
    first, *later = (
        make_system(f"the run of split {split}", "", [run for run in system.runs if run.split == split][:1])
        for split in system.splits
    )
    for second in later:
        yield from _measures(first, second, metrics)


def unsaid(systems: Sequence[System], metrics: Iterable[str]) -> Iterator[str]:
    """Sentences about what could not be checked."""
    for system in systems:
        if any(system.metrics[metric].version is None for metric in metrics):
            yield f"{system.name} does not say the versions of its metrics: they are taken to be the same."
        if not any(run.data for run in system.runs) and not _reference_controls(systems[0], system):
            yield f"{system.name} does not say which data it was scored on: its clips are matched by name alone."


def _reference_controls(first: System, second: System) -> list[str]:
    """The controls that the reference alone makes, which both have."""
    return [name for name in first.conditions if name not in (MODEL, *SEEN) and name in second.conditions]


def _difference(what: str, first: System, second: System, mine: Any, theirs: Any) -> Iterator[str]:
    if mine is not None and theirs is not None and mine != theirs:
        yield f"{what}: {mine} in {first.name}, {theirs} in {second.name}"


def _measures(first: System, second: System, metrics: Sequence[str]) -> Iterator[str]:
    yield from _difference("convention", first, second, first.convention, second.convention)
    for metric, key in product(metrics, ("id", "version", "settings")):
        mine, theirs = (getattr(system.metrics[metric], key) for system in (first, second))
        yield from _difference(f"{metric}, {key}", first, second, mine, theirs)


def _differing(first: System, second: System, metrics: Sequence[str]) -> Iterator[str]:
    yield from _measures(first, second, metrics)
    if None not in first.splits and None not in second.splits:
        mine, theirs = (", ".join(map(str, system.splits)) for system in (first, second))
        yield from _difference("split", first, second, mine, theirs)
    yield from _data(first, second)
    clips = list(_clips(first, second))
    yield from clips or (*_recordings(first, second), *_references(first, second, metrics))


def _recordings(first: System, second: System) -> Iterator[str]:
    if not first.knows_recordings or not second.knows_recordings:
        return
    for key, clip in first.clips.items():
        theirs = second.clips[key].recording
        if theirs != clip.recording:
            yield f"the recording of clip {key}: {clip.recording} in {first.name}, {theirs} in {second.name}"
            return


def _data(first: System, second: System) -> Iterator[str]:
    """Fingerprints, split by split, where both are known."""
    for split in first.splits:
        mine, theirs = (
            sorted({run.data for run in system.runs if run.split == split and run.data}) for system in (first, second)
        )
        if mine and theirs and mine != theirs:
            where = f" of split {split}" if split is not None else ""
            yield f"data{where}: {', '.join(mine)} in {first.name}, {', '.join(theirs)} in {second.name}"


def _clips(first: System, second: System) -> Iterator[str]:
    for system, without in ((first, second), (second, first)):
        only = [key for key in system.clips if key not in without.clips]
        if only:
            noun = "clip" if len(only) == 1 else "clips"
            yield f"{len(only)} {noun} only in {system.name}: {listed(only)}"


def _references(first: System, second: System, metrics: Sequence[str]) -> Iterator[str]:
    """The controls that the reference alone makes must agree, or the same names stand for other audio.

    A clip's reference is another one where most of its scores differ: a single one may differ by rounding.
    """
    compared: Counter[str] = Counter()
    differing: dict[str, list[str]] = {}
    for control, metric in product(_reference_controls(first, second), metrics):
        mine, theirs = (system.conditions[control].values.get(metric, {}) for system in (first, second))
        size = max(map(abs, (*mine.values(), *first.values(metric).values())), default=0.0)
        for clip in mine.keys() & theirs.keys():
            compared[clip] += 1
            if not np.isclose(mine[clip], theirs[clip], rtol=_SAME, atol=_SAME * size):
                scores = f"{mine[clip]:.6g} by {metric} in {first.name}, {theirs[clip]:.6g} in {second.name}"
                differing.setdefault(clip, []).append(f"{control} scores {scores}")
    unlike = [clip for clip in first.clips if len(differing.get(clip, ())) > compared[clip] / 2]
    if unlike:
        yield f"the reference audio of {counted(len(unlike), 'clip')}, first {unlike[0]}: its {differing[unlike[0]][0]}"
