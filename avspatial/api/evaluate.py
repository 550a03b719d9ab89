"""Score saved predictions of any origin: `avspatial.evaluate`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from avspatial.cores import usable_cores
from avspatial.errors import AvspatialError, Interrupted, PluginError, RunError, did_you_mean
from avspatial.evaluation.scoring.accumulator import Accumulator
from avspatial.evaluation.scoring.clip_scores import ClipScores, NamedMetric, build_metrics, metric_info
from avspatial.evaluation.scoring.controls import CONTROLS, MODEL
from avspatial.evaluation.scoring.file_pairs import FilePair, find_pairs
from avspatial.evaluation.scoring.score_files import score_pairs
from avspatial.evaluation.scoring.score_schema import Summary
from avspatial.evaluation.scoring.score_store import ScoreStore, open_store, saved_controls
from avspatial.evaluation.scoring.summary import summarize, versions
from avspatial.folders import as_path
from avspatial.interfaces import Convention, Progress
from avspatial.interrupts import signal_of
from avspatial.metrics import conventions
from avspatial.progress import show_on_stderr, silent
from avspatial.registry import Registry, discover
from avspatial.runs.directory import Run
from avspatial.settings import Selected
from avspatial.text import counted, split_names

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
"""The default metrics: FAIR-Play's five and the level-difference curves."""
DIRECTIONS = ("left_right", "lateral_gain", "azimuth_error")
"""Further default metrics if a clip has true angles."""


@dataclass(frozen=True)
class Evaluation:
    """Scores of saved predictions.

    Attributes:
        summary: Contents of `summary.json`.
        failures: (clip, reason) of each clip that failed.
        notes: {what was done to the audio, or why a metric was skipped: number of clips}.
    """

    summary: Summary
    failures: Sequence[tuple[str, str]] = ()
    notes: Mapping[str, int] = field(default_factory=dict)


def evaluate(
    outputs: str | Path,
    *,
    reference: str | Path | None = None,
    convention: str | None = None,
    metrics: str | Sequence[str] | None = None,
    scenes: str | Path | None = None,
    jobs: int | None = None,
    trim: bool = False,
    controls: str | Sequence[str] | None = None,
    save: str | Path | None = None,
    progress: Progress = show_on_stderr,
) -> Evaluation:
    """Score saved predictions against their references.

    A clip that cannot be scored is counted as failed.

    Args:
        outputs: A folder of predictions, a csv of pairs or a run directory, see `file_pairs.find_pairs`.
        reference: The folder of the references, if they are not next to the predictions.
        convention: Name of a convention [default: that of the run's recipe, else `fairplay`].
        metrics: Names of metrics, one by one or separated by commas [default: those of the run's recipe, else
            `METRICS`, with `DIRECTIONS` if true angles are known].
        scenes: A `scenes.jsonl` of simulated data, or a csv `clip,azimuth[,time][,energy]`, for the true angles.
        jobs: Clips scored at once; it changes no number [default: the usable cores].
        trim: Cut the longer file of a pair instead of counting the clip as failed.
        controls: Conditions of `CONTROLS` to score too [default: those that `save` has, else none].
        save: A folder that keeps the scores while they grow; the same call again computes only what is missing.
        progress: Shows the progress.

    Returns:
        The summary, and which clips failed.

    Raises:
        AvspatialError: Nothing to score, an unknown name, or a folder that holds another evaluation.
        Interrupted: Ctrl-C; SIGTERM or SIGHUP on the command line.
    """
    registry = discover()
    registry.report_failures()
    outputs, folder = as_path(outputs), None if save is None else as_path(save)
    pairs = find_pairs(outputs, *(None if path is None else as_path(path) for path in (reference, scenes)))
    chosen = conventions.get(convention or _of_run(outputs, "convention") or "fairplay")
    measured = _metrics(None if metrics is None else split_names(metrics), outputs, pairs, chosen, registry)
    if controls is None:
        controls = (folder and saved_controls(folder)) or ()
    scoring = _Scoring(pairs, measured, chosen, trim, _conditions(controls), jobs or usable_cores(), progress)
    if folder is None:
        return scoring.go(None)
    with open_store(folder, scoring.about(), pairs) as saved:
        return scoring.go(saved)


@dataclass(frozen=True)
class _Scoring:
    pairs: Sequence[FilePair]
    metrics: Sequence[NamedMetric]
    convention: Convention
    trim: bool
    controls: Sequence[str]
    jobs: int
    progress: Progress

    def about(self) -> dict[str, Any]:
        """What makes this evaluation the same as another."""
        identities = metric_info(self.metrics)
        return {
            "metrics": sorted(identities),
            "convention": self.convention.name,
            "versions": {**versions(), **{name: f"{info.id}@{info.version}" for name, info in identities.items()}},
            "settings": {name: info.settings for name, info in identities.items()},
            "trim": self.trim,
            "controls": list(self.controls),
        }

    def go(self, saved: ScoreStore | None) -> Evaluation:
        accumulator = Accumulator(pair.recording for pair in self.pairs)
        failures: list[tuple[str, str]] = []
        notes: Counter[str] = Counter()
        try:
            with closing(self._scored(saved)) as results:
                for scored in results:
                    accumulator.add(scored)
                    notes.update([*scored.notes, *_skips(scored)])
                    errors = [score.error for score in scored.scores if score.error is not None]
                    failures += [(scored.scores[0].clip, error) for error in errors[:1]]
        except KeyboardInterrupt as error:
            raise self._interrupted(accumulator.clips, saved, signal_of(error)) from error
        summary = summarize(accumulator, self.metrics, self.convention)
        if saved is not None:
            saved.finish(summary)
        return Evaluation(summary, failures, notes)

    def _scored(self, saved: ScoreStore | None) -> Generator[ClipScores, None, None]:
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
        with closing(new):  # its threads end here, not when and where the garbage is collected
            for pair in self.pairs:
                yield kept.get(pair.clip) or _keep(next(new), saved)
            next(new, None)  # let the progress see its end

    def _interrupted(self, done: int, saved: ScoreStore | None, number: int) -> Interrupted:
        what = f"interrupted; {done} of {counted(len(self.pairs), 'clip')} are scored"
        if saved is None:
            fix = "`--save DIR` keeps them, to go on from."
            return Interrupted(f"{what}, and none is kept", fix=fix, number=number)
        return Interrupted(what, where=saved.folder, fix="Give the same command again to go on.", number=number)


def _keep(scored: ClipScores, saved: ScoreStore | None) -> ClipScores:
    if saved is not None:
        saved.add(scored)
    return scored


def _skips(scored: ClipScores) -> list[str]:
    skipped = (score for score in scored.scores if score.condition == MODEL and score.skipped is not None)
    return [f"{score.metric} not measured: {score.skipped}" for score in skipped]


def _conditions(controls: str | Sequence[str]) -> tuple[str, ...]:
    controls = split_names(controls)
    for control in controls:
        if control not in CONTROLS:
            what = f"unknown control condition {control!r}{did_you_mean(control, CONTROLS)}"
            raise AvspatialError(what, fix=f"There are: {', '.join(CONTROLS)}.")
    return tuple(control for control in CONTROLS if control in controls)


def _metrics(
    names: Sequence[str] | None, outputs: Path, pairs: Sequence[FilePair], convention: Convention, registry: Registry
) -> list[NamedMetric]:
    """Those named, else those of the run's recipe, else the defaults. No two may give one number's name."""
    if names is not None:
        chosen = [_selected({"use": name}, registry) for name in names]
    elif of_run := _of_run(outputs, "metrics"):
        chosen = [_selected(choice, registry) for choice in of_run]
    else:
        angles_known = any(pair.truth is not None for pair in pairs)
        defaults = (*METRICS, *DIRECTIONS) if angles_known else METRICS
        chosen = [_selected({"use": f"avspatial.{name}"}, registry) for name in defaults]
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
    options = {key: item for key, item in choice.items() if key != "use"}
    try:
        settings = entry.settings_class().model_validate(options, context={"registry": registry})
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
