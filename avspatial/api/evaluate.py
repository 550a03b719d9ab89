"""Scores for anything that was saved, by anyone: `avspatial.evaluate`, and the verb `evaluate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from avspatial.cores import usable_cores
from avspatial.errors import AvspatialError, Interrupted, PluginError, RunError, did_you_mean
from avspatial.evaluation.scoring.accumulator import Accumulator
from avspatial.evaluation.scoring.clip_scores import ClipScores, NamedMetric, build_metrics
from avspatial.evaluation.scoring.controls import CONTROLS, MODEL
from avspatial.evaluation.scoring.file_pairs import FilePair, find_pairs
from avspatial.evaluation.scoring.score_files import score_pairs
from avspatial.evaluation.scoring.score_store import ScoreStore, open_store, saved_controls
from avspatial.interfaces import Convention, Progress
from avspatial.metrics import conventions
from avspatial.progress import show_on_stderr, silent
from avspatial.registry import Registry, discover
from avspatial.runs.directory import Run
from avspatial.settings import Selected
from avspatial.version import __version__

METRICS = (
    "stft_distance",
    "envelope_distance",
    "wave_l2",
    "mrstft",
    "snr",
    "spl_distance",
    "spl_rmse",
    "spl_correlation",
    "spl_direction",
    "spl_magnitude",
)
"""What is measured where nothing else is said: FAIR-Play's five and the level-difference curves."""
DIRECTIONS = ("left_right", "lateral_gain", "azimuth_error")
"""And these, where a clip has true angles."""


@dataclass(frozen=True)
class Evaluation:
    """summary: what `summary.json` says. failures: (clip, why) of each clip that failed. notes: {what was done to the
    sounds, or why a metric was skipped: in how many clips}."""

    summary: Mapping[str, Any]
    failures: Sequence[tuple[str, str]] = ()
    notes: Mapping[str, int] = field(default_factory=dict)


def evaluate(
    outputs: str | Path,
    *,
    reference: str | Path | None = None,
    convention: str | None = None,
    metrics: Sequence[str] | None = None,
    scenes: str | Path | None = None,
    jobs: int | None = None,
    trim: bool = False,
    controls: Sequence[str] | None = None,
    save: str | Path | None = None,
    progress: Progress = show_on_stderr,
) -> Evaluation:
    """Score saved predictions against their references.

    outputs, reference, scenes: as `evaluation.pairs.find_pairs`. convention, metrics: names; by default those of a run
    directory's recipe, else `fairplay` and `METRICS`, with `DIRECTIONS` where true angles are known. jobs: clips at
    once (default: the usable cores); they change no number. trim: cut the longer sound of a pair instead of counting
    it as failed. controls: rows of `CONTROLS` to score beside the predictions; by default those that `save` has, else
    none. save: a folder that keeps the scores while they grow; the same call again goes on with what is missing.

    A clip that cannot be scored is counted as failed. Raises AvspatialError for what the caller can mend: nothing to
    score, an unknown name, a folder that holds another evaluation; Interrupted on Ctrl-C.
    """
    registry = discover()
    registry.report_failures()
    outputs, folder = Path(outputs), None if save is None else Path(save)
    pairs = find_pairs(outputs, *(None if path is None else Path(path) for path in (reference, scenes)))
    chosen = conventions.get(convention or _of_run(outputs, "convention") or "fairplay")
    measured = _metrics(metrics, outputs, pairs, chosen, registry)
    if controls is None:
        controls = (folder and saved_controls(folder)) or ()
    work = _Work(pairs, measured, chosen, trim, _rows(controls), jobs or usable_cores(), progress)
    if folder is None:
        return work.go(None)
    with open_store(folder, work.about(), pairs) as saved:
        return work.go(saved)


@dataclass(frozen=True)
class _Work:
    pairs: Sequence[FilePair]
    metrics: Sequence[NamedMetric]
    convention: Convention
    trim: bool
    controls: Sequence[str]
    jobs: int
    progress: Progress

    def about(self) -> dict[str, Any]:
        """What makes this evaluation the same as another."""
        return {
            "metrics": sorted(name for each in self.metrics for name in each.metric.names),
            "convention": self.convention.name,
            "versions": self.versions(),
            "settings": {name: dict(each.settings) for each in self.metrics for name in each.metric.names},
            "trim": self.trim,
            "controls": list(self.controls),
        }

    def versions(self) -> dict[str, str]:
        """Of avspatial, of what resamples, and of each metric: the component, id@version."""
        named = {name: f"{each.id}@{each.version}" for each in self.metrics for name in each.metric.names}
        return {"avspatial": __version__, "soxr": metadata.version("soxr"), **named}

    def go(self, saved: ScoreStore | None) -> Evaluation:
        tally = Accumulator(pair.recording for pair in self.pairs)
        failures: list[tuple[str, str]] = []
        notes: Counter[str] = Counter()
        try:
            for scored in self._scored(saved):
                tally.add(scored)
                notes.update([*scored.notes, *_skips(scored)])
                errors = [score.error for score in scored.scores if score.error is not None]
                failures += [(scored.scores[0].clip, error) for error in errors[:1]]
        except KeyboardInterrupt as error:
            raise self._interrupted(tally.clips, saved) from error
        summary = self._summary(tally)
        if saved is not None:
            saved.finish(summary)
        return Evaluation(summary, failures, notes)

    def _scored(self, saved: ScoreStore | None) -> Iterator[ClipScores]:
        """Every clip in its order, what is kept and what is new."""
        kept: Mapping[str, ClipScores] = saved.done if saved else {}
        missing = [pair for pair in self.pairs if pair.clip not in kept]
        new = score_pairs(
            missing,
            self.metrics,
            self.convention,
            jobs=self.jobs,
            trim=self.trim,
            controls=self.controls,
            progress=self.progress if missing else silent,
        )
        for pair in self.pairs:
            scored = kept.get(pair.clip)
            if scored is None:
                scored = next(new)
                if saved is not None:
                    saved.add(scored)
            yield scored
        next(new, None)  # let the progress see its end

    def _interrupted(self, done: int, saved: ScoreStore | None) -> Interrupted:
        told = f"interrupted; {done} of {len(self.pairs)} clips are scored"
        if saved is None:
            return Interrupted(f"{told}, and none is kept", fix="`--save DIR` keeps them, to go on from.")
        return Interrupted(told, where=saved.folder, fix="Give the same command again to go on.")

    def _summary(self, tally: Accumulator) -> dict[str, Any]:
        rows, _ = tally.entries()
        facts = {
            name: {"unit": named.metric.unit[name], "higher_is_better": named.metric.higher_is_better[name]}
            for named in self.metrics
            for name in named.metric.names
        }
        told = {row: {name: {**found[name], **said} for name, said in facts.items()} for row, found in rows.items()}
        summary = {
            "convention": self.convention.name,
            "versions": self.versions(),
            "clips": tally.clips,
            "failed": tally.failed,
            "metrics": told[MODEL],
        }
        controls = {row: found for row, found in told.items() if row != MODEL}
        return {**summary, "controls": controls} if controls else summary


def _skips(scored: ClipScores) -> list[str]:
    return [f"{s.metric} not measured: {s.skipped}" for s in scored.scores if s.row == MODEL and s.skipped is not None]


def _rows(controls: Sequence[str]) -> tuple[str, ...]:
    for row in controls:
        if row not in CONTROLS:
            what = f"unknown control row {row!r}{did_you_mean(row, CONTROLS)}"
            raise AvspatialError(what, fix=f"There are: {', '.join(CONTROLS)}.")
    return tuple(row for row in CONTROLS if row in controls)


def _metrics(
    names: Sequence[str] | None, outputs: Path, pairs: Sequence[FilePair], convention: Convention, registry: Registry
) -> list[NamedMetric]:
    """Those named, else those of the run's recipe, else the defaults. No two may give one number's name."""
    if names is not None:
        chosen = [_selected({"use": name}, registry) for name in names]
    elif found := _of_run(outputs, "metrics"):
        chosen = [_selected(choice, registry) for choice in found]
    else:
        known = any(pair.truth is not None for pair in pairs)
        chosen = [_selected({"use": f"avspatial.{name}"}, registry) for name in (*METRICS, *DIRECTIONS * known)]
    if not chosen:
        raise AvspatialError("no metric to measure", fix="Name some with `--metrics NAME,NAME`.")
    built = build_metrics(chosen, convention, registry)
    by_name: dict[str, str] = {}
    for named in built:
        for name in named.metric.names:
            if name in by_name:
                what = f"two metrics give {name}: {by_name[name]} and {named.id}"
                raise AvspatialError(what, fix="Name only one of them.")
            by_name[name] = named.id
    return built


def _selected(choice: Mapping[str, Any], registry: Registry) -> Selected:
    """The component that a choice names, with its settings or their defaults."""
    entry = registry.get("metric", str(choice["use"]))
    said = {key: item for key, item in choice.items() if key != "use"}
    try:
        settings = entry.settings_class().model_validate(said, context={"registry": registry})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise PluginError(
            f"metric {entry.id!r} has no defaults that suffice: {key}: {first['msg']}",
            fix="Say its settings in a recipe, and give the run directory.",
        ) from error
    return Selected("metric", entry.id, entry.version, settings)


def _of_run(outputs: Path, key: str) -> Any:
    """What a run directory's recipe says; None for anything else. The rest of the recipe need not be usable here."""
    run = Run.at(outputs)
    if run is None:
        return None
    try:
        return run.resolved_recipe.values[key]
    except KeyError as error:
        fix = "Restore it, or give `outputs/` of that run."
        raise RunError(f"has no key {key}", where=run.resolved, fix=fix) from error
