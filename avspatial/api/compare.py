"""Compare systems on the same clips: `avspatial.compare`.

A system is a run directory, a folder of runs that differ in seed and split only, a saved evaluation, a folder or csv of
outputs, which is scored first, or a recipe, which is run first if it has no finished run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path

from avspatial.api.evaluate import METRICS
from avspatial.cores import usable_cores
from avspatial.errors import RunError, did_you_mean
from avspatial.evaluation.comparison.compare import Comparison
from avspatial.evaluation.comparison.compare import compare as compare_systems
from avspatial.evaluation.comparison.load import choices, is_evaluation, read_scored, score_outputs
from avspatial.evaluation.comparison.systems import ScoredSystem, make_system
from avspatial.evaluation.scoring.score_schema import MetricInfo
from avspatial.folders import as_path
from avspatial.interfaces import Progress
from avspatial.progress import show_on_stderr
from avspatial.recipe import Loaded, load_recipe
from avspatial.recipe.catalogue import locate, shipped
from avspatial.registry import Registry, discover
from avspatial.runs import Run, digest8, runs_in
from avspatial.text import differences, split_names

_KINDS = (
    "Name a run directory, a folder of runs, what `avspatial evaluate --save DIR` saved, outputs, or a recipe "
    "(`avspatial recipes list` lists the shipped ones)."
)


def compare(
    systems: str | Path | Iterable[str | Path],
    *,
    baseline: str | None = None,
    metrics: str | Iterable[str] = (),
    seeds: int | None = None,
    splits: str | Sequence[str | int] = (),
    runs: str | Path = "runs",
    overrides: str | Sequence[str] = (),
    smoke: bool = False,
    device: str | None = None,
    reference: str | Path | None = None,
    jobs: int | None = None,
    progress: Progress = show_on_stderr,
) -> Comparison:
    """Compare systems on the same clips.

    Outputs are scored by the metrics and under the convention of the first system that has scores, else by
    `evaluate`'s own metrics under `fairplay`.

    Args:
        systems: Run directories, folders of runs, saved evaluations, outputs (a folder or csv, as `evaluate` takes
            them) or recipes (a file or a shipped name).
        baseline: The system that the others are compared with: its path, or its name in the tables [default: all
            pairs].
        metrics: Metrics to compare, one by one or separated by commas [default: all].
        seeds: Recipes: number of training seeds, counted up from the recipe's own.
        splits: Recipes: values of `data.split`, or of `data.splits` if that is the data set's key.
        runs: Recipes: folder of the runs; a recipe runs only if it has no finished run there.
        overrides: Recipes: as `avspatial.run` takes them.
        smoke: Recipes: as `avspatial.run` takes it.
        device: Recipes: as `avspatial.run` takes it.
        reference: Outputs: folder of the references, if they are not next to the predictions.
        jobs: Outputs: clips scored at once [default: the usable cores].
        progress: Shows the progress.

    Returns:
        Means, paired differences and verdicts.

    Raises:
        AvspatialError: An error that the caller can fix, such as systems scored on different clips.
    """
    systems = [systems] if isinstance(systems, str | Path) else systems
    splits = split_names(splits) if isinstance(splits, str) else splits
    overrides = [overrides] if isinstance(overrides, str) else overrides
    recipes = _Recipes(as_path(runs), seeds, splits, overrides, smoke, device)
    outputs = _Outputs(None if reference is None else as_path(reference), split_names(metrics), jobs, progress)
    return _compare([str(as_path(system)) for system in systems], baseline, recipes, outputs)


def _compare(origins: Sequence[str], baseline: str | None, recipes: _Recipes, outputs: _Outputs) -> Comparison:
    notes: list[str] = []
    saved = {origin: _saved(origin, recipes, notes) for origin in origins}
    recipes.refuse_unused()
    first = next((runs[0] for runs in saved.values() if runs), None)
    sets = [saved[origin] or [outputs.score(Path(origin), first)] for origin in origins]
    systems = [make_system(name, origin, runs) for name, origin, runs in zip(_names(sets), origins, sets, strict=True)]
    by_origin = {system.origin: system.name for system in reversed(systems)}
    baseline = None if baseline is None else by_origin.get(str(as_path(baseline)), baseline)
    comparison = compare_systems(systems, baseline, outputs.metrics)
    return replace(comparison, notes=(*notes, *comparison.notes))


def _names(sets: Sequence[Sequence[ScoredSystem]]) -> list[str]:
    """A name for each system: its runs', numbered where several systems have the same."""
    names = [runs[0].name for runs in sets]
    unique: list[str] = []
    for name in names:
        numbered = (f"{name}-{number}" for number in count(1))
        taken = {*names, *unique}
        unique.append(next(text for text in numbered if text not in taken) if names.count(name) > 1 else name)
    return unique


def _saved(origin: str, recipes: _Recipes, notes: list[str]) -> list[ScoredSystem]:
    """The scored runs that a name stands for; none for outputs, which have no scores yet."""
    path = Path(origin)
    if path.is_file() and path.suffix.lower() == ".csv":
        return []
    if not path.is_dir():
        return recipes.score(origin)
    if Run.at(path) is not None or is_evaluation(path):
        return [read_scored(path)]
    runs = runs_in(path)
    return _folder_of_runs(path, runs, notes) if runs else []


def _folder_of_runs(path: Path, runs: Sequence[Run], notes: list[str]) -> list[ScoredSystem]:
    """The finished runs of a folder: one method, each seed and split once, the newest of those made twice."""
    newest: dict[tuple[int | None, str | None], ScoredSystem] = {}
    for run in runs:
        if not run.finished:
            notes.append(f"{run.path} is left out: it is not finished.")
            continue
        scored = read_scored(run.path)
        older = newest.pop((scored.seed, scored.split), None)
        if older is not None:
            notes.append(f"{older.path} is left out: {run.path.name} is newer, with the same seed and split.")
        newest[scored.seed, scored.split] = scored
    if not newest:
        raise RunError("none of its runs is finished", where=path, fix=_KINDS)
    first, *others = sorted(newest.values(), key=lambda scored: (_order(scored.split), scored.seed or 0))
    for other in others:
        if other.method != first.method:
            keys = ", ".join(key for key, _, _ in differences(first.method or {}, other.method or {}))
            what = f"{first.path.name} and {other.path.name} differ in more than seed and split: {keys}"
            raise RunError(what, where=path, fix="Name the runs one by one.")
    return [first, *others]


def _order(split: str | None) -> tuple[int, str]:
    return (int(split), "") if split is not None and split.isdigit() else (0, split or "")


@dataclass(frozen=True)
class _Outputs:
    """How outputs are scored."""

    reference: Path | None
    metrics: Sequence[str]
    jobs: int | None
    progress: Progress

    def score(self, path: Path, like: ScoredSystem | None) -> ScoredSystem:
        """As another system was scored; without one, by the metrics named or `evaluate`'s own."""
        registry = discover()
        infos = like.metrics if like else {name: MetricInfo() for name in self.metrics or METRICS}
        selected = choices({name: infos[name] for name in infos if name in (self.metrics or infos)}, registry)
        convention = like.convention if like else "fairplay"
        jobs = self.jobs or usable_cores()
        return score_outputs(path, self.reference, selected, convention, registry, self.progress, jobs)


@dataclass
class _Recipes:
    """Recipes as systems: their finished runs, made where they are missing."""

    runs: Path
    seeds: int | None
    splits: Sequence[str | int]
    overrides: Sequence[str]
    smoke: bool
    device: str | None
    used: bool = False

    @cached_property
    def registry(self) -> Registry:
        return discover()

    def refuse_unused(self) -> None:
        if not self.used and (self.seeds or self.splits or self.overrides or self.smoke):
            what = "--seeds, --splits, --set and --smoke say how a recipe is run, and no recipe is among the systems"
            raise RunError(what, fix="Leave them out, or name a recipe.")

    def score(self, name: str) -> list[ScoredSystem]:
        """One scored set a split and seed. RunError for an unknown recipe, RecipeError for an invalid one."""
        self.used = True
        names = [recipe.name for recipe in shipped()]
        if not Path(name).is_file() and name not in names:
            what = f"there is no such folder or file, and no shipped recipe of that name{did_you_mean(name, names)}"
            raise RunError(what, where=name, fix=_KINDS)
        file = locate(name)
        recipe = self._load(file, self.overrides).recipe
        first, keys = recipe.seed, type(recipe.data.settings).model_fields
        key = "splits" if "splits" in keys and "split" not in keys else "split"
        wanted = [
            (changes, self._load(file, [*self.overrides, *changes]))
            for split in self.splits or (None,)
            for seed in range(first, first + (self.seeds or 1))
            for changes in [[f"seed={seed}", *([] if split is None else [f"data.{key}={split}"])]]
        ]
        return [
            self._run(file, changes, loaded, f"{place} of {len(wanted)}")
            for place, (changes, loaded) in enumerate(wanted, 1)
        ]

    def _load(self, file: Path, changes: Sequence[str]) -> Loaded:
        return load_recipe(file, self.registry, changes, smoke=self.smoke)

    def _run(self, file: Path, changes: list[str], loaded: Loaded, place: str) -> ScoredSystem:
        """The newest finished run of this resolved recipe; else an interrupted run, resumed; else a new run."""
        folder = self.runs / loaded.recipe.name
        same = [Run(path) for path in sorted(folder.glob(f"*-{digest8(loaded.resolved)}"), reverse=True)]
        same = [run for run in same if run.resolved.read_text(encoding="utf-8") == loaded.resolved]
        finished = next((run for run in same if run.finished), None)
        if finished is None:
            from avspatial.api.run import run as run_recipe  # torch and all networks, which reading scores needs not

            print(f"Running {loaded.recipe.name} ({', '.join(changes)}), {place} ...", file=sys.stderr)
            if same:
                finished = run_recipe(resume=same[0].path, device=self.device).run
            else:
                overrides = [*self.overrides, *changes]
                finished = run_recipe(
                    file, overrides=overrides, runs=self.runs, device=self.device, smoke=self.smoke
                ).run
        return read_scored(finished.path)
