"""Scored sets of clips: read back from a run directory or a saved evaluation, or made from a folder of outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from avspatial.errors import RunError
from avspatial.evaluation.comparison.systems import ScoredClip, ScoredSystem
from avspatial.evaluation.scoring.clip_scores import build_metrics, metric_info
from avspatial.evaluation.scoring.conditions import by_condition
from avspatial.evaluation.scoring.controls import CONTROLS, MODEL
from avspatial.evaluation.scoring.file_pairs import find_pairs
from avspatial.evaluation.scoring.score_files import score_pairs
from avspatial.evaluation.scoring.score_schema import (
    CLIPS,
    RESTORE,
    SCORES,
    SUMMARY,
    MetricInfo,
    read_clips,
    read_scores,
    read_summary,
)
from avspatial.evaluation.scoring.score_store import scored_files
from avspatial.interfaces import Progress
from avspatial.metrics import conventions
from avspatial.registry import Registry
from avspatial.runs.directory import ResolvedRecipe, Run
from avspatial.runs.outputs import PICTURE, PREDICTED, REFERENCE
from avspatial.settings import Selected
from avspatial.text import counted, readable

_FREE = ("name", "seed", "smoke")
"""Keys of a recipe that do not make another method; the split is the other one."""


def is_evaluation(path: Path) -> bool:
    return (path / SCORES).is_file() and (path / SUMMARY).is_file()


def read_scored(path: Path) -> ScoredSystem:
    """Read the scores of a run directory or a saved evaluation; RunError if it has none, or a file is damaged."""
    run = Run.at(path)
    if run is not None and not (run.summary.is_file() and run.scores.is_file()):
        fix = f"Finish it: {run.resume_command}"
        raise RunError("this run has no scores yet", where=path, fix=fix)
    summary, scores = read_summary(path / SUMMARY), list(read_scores(path / SCORES))
    conditions = by_condition(scores)
    if MODEL not in conditions:
        raise RunError(f"it has no scores of a {MODEL}", where=path / SCORES, fix=RESTORE)
    recordings = {score.clip: score.recording for score in scores}
    if summary.clips != len(recordings):
        what = f"{SCORES} has {counted(len(recordings), 'clip')}, {SUMMARY} says {summary.clips}"
        raise RunError(what, where=path, fix=RESTORE)
    measured = conditions[MODEL].metrics  # a number over all clips, as the flip consistency, has no pairs
    system = ScoredSystem(
        path,
        readable(path.resolve().name),
        summary.convention,
        {name: info for name, info in summary.metrics.items() if name in measured},
        _clips(path, run, recordings),
        conditions,
    )
    return system if run is None else _with_recipe(system, run)


def _clips(path: Path, run: Run | None, recordings: Mapping[str, str]) -> dict[str, ScoredClip]:
    """The clips with their files: the outputs of a run, the files that an evaluation scored."""
    files: dict[str, tuple[Path | None, Path | None]]
    if run is not None:
        files = {id: (run.outputs / id / PREDICTED, run.outputs / id / REFERENCE) for id in recordings}
    else:
        files = {clip.clip: scored_files(path, clip) for clip in read_clips(path / CLIPS)}
    return {id: _clip(id, recording, *files.get(id, (None, None))) for id, recording in recordings.items()}


def _clip(id: str, recording: str, predicted: Path | None, reference: Path | None) -> ScoredClip:
    """A clip with its prediction, its reference and the image next to the prediction; None for missing files."""
    image = None if predicted is None else predicted.parent / PICTURE
    there = [path if path is not None and path.is_file() else None for path in (predicted, reference, image)]
    return ScoredClip(id, id, recording, None, *there)


def _with_recipe(system: ScoredSystem, run: Run) -> ScoredSystem:
    metadata, recipe = run.metadata, run.resolved_recipe
    return replace(
        system,
        name=str(metadata.get("name") or recipe.name or system.name),
        seed=recipe.seed,
        split=recipe.split,
        data=metadata.get("data") or None,
        train=(metadata.get("clips") or {}).get("train"),
        method=_method(recipe.values),
    )


def _method(recipe: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in recipe.items() if key not in _FREE}
    split = ResolvedRecipe("", recipe).split_key
    return kept | {"data": {key: value for key, value in recipe.get("data", {}).items() if key != split}}


def choices(metrics: Mapping[str, MetricInfo], registry: Registry) -> list[Selected]:
    """The metrics that such values came from, with their settings, to score others by the same."""
    selected: dict[str, Selected] = {}
    for name, info in metrics.items():
        version = f"@{info.version}" if info.version else ""
        entry = registry.get("metric", f"{info.id or name}{version}")
        settings = entry.settings_class().model_validate(info.settings or {}, context={"registry": registry})
        selected.setdefault(f"{entry.id} {settings}", Selected("metric", entry.id, entry.version, settings))
    return list(selected.values())


def score_outputs(
    outputs: Path,
    reference: Path | None,
    selected: Iterable[Selected],
    convention: str,
    registry: Registry,
    progress: Progress,
    jobs: int,
) -> ScoredSystem:
    """Score what `find_pairs` finds in outputs, controls too. DataError where it finds nothing."""
    pairs = find_pairs(outputs, reference)
    chosen = conventions.get(convention)
    metrics = build_metrics(selected, chosen, registry)
    scored = score_pairs(pairs, metrics, chosen, jobs=jobs, controls=tuple(CONTROLS), progress=progress)
    conditions = by_condition(score for clip in scored for score in clip.scores)
    clips = {pair.clip: _clip(pair.clip, pair.recording, pair.prediction, pair.reference) for pair in pairs}
    return ScoredSystem(outputs, outputs.resolve().stem, convention, metric_info(metrics), clips, conditions)
