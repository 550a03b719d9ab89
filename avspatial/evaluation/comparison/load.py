"""Scored sets of clips: read back from a run directory or a saved evaluation, or made from a folder of outputs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from avspatial.errors import RunError
from avspatial.evaluation.comparison.systems import Condition, MetricInfo, ScoredClip, ScoredSystem
from avspatial.evaluation.scoring.clip_scores import build_metrics
from avspatial.evaluation.scoring.controls import CONTROLS, MODEL
from avspatial.evaluation.scoring.file_pairs import find_pairs
from avspatial.evaluation.scoring.score_files import score_pairs
from avspatial.evaluation.scoring.score_store import scored_files
from avspatial.evaluation.scoring.summary import metric_info
from avspatial.interfaces import Progress
from avspatial.metrics import conventions
from avspatial.registry import Registry
from avspatial.runs.directory import Run
from avspatial.runs.outputs import PICTURE, PREDICTED, REFERENCE
from avspatial.settings import Selected

SCORES, SUMMARY, CLIPS, ABOUT = "scores.jsonl", "summary.json", "clips.jsonl", "evaluation.json"
_AGAIN = "Restore the file, or score the sounds again."
_FREE = ("name", "seed", "smoke")
"""Keys of a recipe that do not make another method; `data.split` is the other one."""


def is_evaluation(path: Path) -> bool:
    return (path / SCORES).is_file() and (path / SUMMARY).is_file()


def read_scored(path: Path) -> ScoredSystem:
    """What a run directory or a saved evaluation says. RunError where it has no scores, or a file is damaged."""
    run = Run.at(path)
    return _read_evaluation(path) if run is None else _read_run(run)


def _read_evaluation(path: Path) -> ScoredSystem:
    """`scores.jsonl` and `summary.json`; files, recordings, control rows, settings where the folder says them."""
    summary = _whole(path / SUMMARY)
    rows, recordings = _rows(path / SCORES)
    clips = {id: ScoredClip(id, id, recording) for id, recording in recordings.items()}
    if (path / CLIPS).is_file():
        clips = _told(path / CLIPS, rows)
    _refuse_lost(path, summary, clips)
    settings = _whole(path / ABOUT).get("settings", {}) if (path / ABOUT).is_file() else {}
    facts = {
        name: _evaluation_facts(name, entry, summary.get("versions", {}), settings)
        for name, entry in summary.get("metrics", {}).items()
        if name in rows[MODEL].metrics
    }
    return ScoredSystem(path, path.resolve().name, _convention(path, summary), facts, clips, rows)


def _evaluation_facts(
    name: str, entry: Mapping[str, Any], versions: Mapping[str, str], settings: Mapping[str, Any]
) -> MetricInfo:
    """The facts of one metric, in the words of a run's summary; `versions` has "id@version" under its name."""
    id, _, version = str(versions.get(name, "")).partition("@")
    about = {"id": id, "version": version, "settings": settings.get(name)} if version else {}
    said = {key: entry[key] for key in ("id", "version", "settings", "unit", "higher_is_better") if key in entry}
    return {**about, **said}


def _told(path: Path, rows: dict[str, Condition]) -> dict[str, ScoredClip]:
    """Take the control rows and what was skipped from a `clips.jsonl` into rows; the clips, in order."""
    clips = {}
    for number, line in _lines(path):
        try:
            clip = str(line["clip"])
            clips[clip] = ScoredClip(
                clip, clip, str(line["recording"]), None, *_files(*scored_files(path.parent, line))
            )
            for metric, why in line["skipped"].items():
                rows[MODEL].add(metric, clip, {"skipped": why})
            for row, metric, outcome in _controls(line):
                rows.setdefault(row, Condition()).add(metric, clip, outcome)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_line(path, number, error) from error
    return clips


def _files(predicted: Path | None, reference: Path | None) -> tuple[Path | None, Path | None, Path | None]:
    """Prediction, reference, and the picture beside the prediction; None for those that are not there."""
    picture = None if predicted is None else predicted.parent / PICTURE
    found = [path if path is not None and path.is_file() else None for path in (predicted, reference, picture)]
    return found[0], found[1], found[2]


def _controls(line: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Condition, metric and outcome of every control score in a line of `clips.jsonl`."""
    for row, found in line["controls"].items():
        for metric, outcome in found.items():
            yield row, metric, outcome


def _read_run(run: Run) -> ScoredSystem:
    path = run.path
    if not run.summary.is_file() or not run.scores.is_file():
        fix = f"Finish it: avspatial run --resume {run.path}"
        raise RunError("this run has no scores yet", where=path, fix=fix)
    summary, about = _whole(run.summary), run.metadata
    rows, recordings = _rows(run.scores)
    _refuse_lost(path, summary, recordings)
    recipe = run.resolved_recipe
    return ScoredSystem(
        path,
        str(about.get("name") or recipe.name or path.resolve().name),
        _convention(path, summary),
        _facts(summary, rows),
        {id: _clip(run, id, recording) for id, recording in recordings.items()},
        rows,
        seed=recipe.seed,
        split=recipe.split,
        data=about.get("data") or None,
        train=(about.get("clips") or {}).get("train"),
        method=_method(recipe.values),
    )


def _refuse_lost(path: Path, summary: Mapping[str, Any], clips: Mapping[str, Any]) -> None:
    """RunError where `scores.jsonl` does not hold as many clips as were scored: those lost must not go unnoticed."""
    if summary.get("clips", len(clips)) != len(clips):
        what = f"{SCORES} has {len(clips)} clips, {SUMMARY} says {summary['clips']}"
        raise RunError(what, where=path, fix=_AGAIN)


def _method(recipe: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in recipe.items() if key not in _FREE}
    return kept | {"data": {key: value for key, value in recipe.get("data", {}).items() if key != "split"}}


def _clip(run: Run, id: str, recording: str) -> ScoredClip:
    return ScoredClip(id, id, recording, None, *_files(run.outputs / id / PREDICTED, run.outputs / id / REFERENCE))


def _convention(path: Path, summary: Mapping[str, Any]) -> str:
    if not isinstance(summary.get("convention"), str):
        raise RunError("summary.json names no convention", where=path, fix=_AGAIN)
    return str(summary["convention"])


def _facts(summary: Mapping[str, Any], rows: Mapping[str, Condition]) -> dict[str, MetricInfo]:
    """The facts of the metrics that clips were scored by; a number over all clips has no pairs."""
    measured = rows[MODEL].metrics
    return {name: facts for name, facts in summary.get("metrics", {}).items() if name in measured}


def _rows(path: Path) -> tuple[dict[str, Condition], dict[str, str]]:
    """The rows of a `scores.jsonl`, and {clip: recording} in order; RunError where it is damaged or has no model."""
    rows: dict[str, Condition] = {}
    recordings: dict[str, str] = {}
    for number, line in _lines(path):
        try:
            clip, row, metric = str(line["clip"]), str(line.get("row", MODEL)), str(line["metric"])
            recordings.setdefault(clip, str(line.get("recording", clip)))
            rows.setdefault(row, Condition()).add(metric, clip, line)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _no_line(path, number, error) from error
    if MODEL not in rows:
        raise RunError(f"it has no scores of a {MODEL}", where=path, fix=_AGAIN)
    return rows, recordings


def _no_line(path: Path, number: int, error: Exception) -> RunError:
    what = f"line {number} is not what it should be: {type(error).__name__}: {error}"
    return RunError(what, where=path, fix=_AGAIN)


def _whole(path: Path) -> Any:
    return _json(path, path.read_text(encoding="utf-8"))


def _lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _json(path, line, f"line {number}: ")


def choices(facts: Mapping[str, MetricInfo], registry: Registry) -> list[Selected]:
    """The metrics that gave such facts, with their settings, to score others by the same."""
    found: dict[str, Selected] = {}
    for name, of in facts.items():
        version = f"@{of['version']}" if of.get("version") else ""
        entry = registry.get("metric", f"{of.get('id', name)}{version}")
        settings = entry.settings_class().model_validate(of.get("settings") or {}, context={"registry": registry})
        found.setdefault(f"{entry.id} {settings}", Selected("metric", entry.id, entry.version, settings))
    return list(found.values())


def score_outputs(
    outputs: Path,
    reference: Path | None,
    selected: Iterable[Selected],
    convention: str,
    registry: Registry,
    progress: Progress,
    jobs: int,
) -> ScoredSystem:
    """Score what `pairs.find_pairs` finds in outputs, control rows too. DataError where it finds nothing."""
    pairs = find_pairs(outputs, reference)
    chosen = conventions.get(convention)
    metrics = build_metrics(selected, chosen, registry)
    rows: dict[str, Condition] = {}
    scored = score_pairs(pairs, metrics, chosen, jobs=jobs, controls=CONTROLS, progress=progress)
    for score in (score for clip in scored for score in clip.scores):
        rows.setdefault(score.row, Condition()).add(score.metric, score.clip, score.line())
    clips = {
        pair.clip: ScoredClip(pair.clip, pair.clip, pair.recording, None, *_files(pair.prediction, pair.reference))
        for pair in pairs
    }
    facts = {name: metric_info(named, name) for named in metrics for name in named.metric.names}
    return ScoredSystem(outputs, outputs.resolve().stem, convention, facts, clips, rows)


def _json(path: Path, text: str, place: str = "") -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RunError(f"{place}not JSON: {error}", where=path, fix=_AGAIN) from error
