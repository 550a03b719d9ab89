"""Compare systems on the same clips: `avspatial.compare`.

A system is a run directory, a folder of runs that differ in seed and split only, a saved evaluation, a folder or csv of
outputs, which is scored first, or a recipe, which is run first if it has no finished run.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from avspatial.api.evaluate import METRICS
from avspatial.cores import usable_cores
from avspatial.errors import RunError, did_you_mean
from avspatial.evaluation.comparison.compare import Comparison
from avspatial.evaluation.comparison.compare import compare as compare_systems
from avspatial.evaluation.comparison.load import choices, is_evaluation, read_scored, score_outputs
from avspatial.evaluation.comparison.systems import ScoredSystem, make_system
from avspatial.evaluation.scoring.score_schema import MetricInfo
from avspatial.folders import as_path, folders_in
from avspatial.interfaces import Progress
from avspatial.progress import show_on_stderr
from avspatial.recipe import Loaded, load_recipe
from avspatial.recipe.catalogue import locate, shipped
from avspatial.registry import Registry, discover
from avspatial.runs import Run, digest8
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
        splits: Recipes: values of `data.split`.
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
    origins, metrics = [str(as_path(system)) for system in systems], split_names(metrics)
    splits = split_names(splits) if isinstance(splits, str) else splits
    overrides = [overrides] if isinstance(overrides, str) else overrides
    recipes = _Recipes(as_path(runs), seeds or 1, splits, overrides, smoke, device)
    kept = [_found(name, recipes) for name in origins]
    like = next((scored[0] for scored, _ in filter(None, kept)), None)
    found = [
        each or ([_scored_like(like, Path(name), reference, metrics, progress, jobs or usable_cores())], [])
        for name, each in zip(origins, kept, strict=True)
    ]
    if recipes.used == 0 and (seeds or splits or overrides or smoke):
        what = "--seeds, --splits, --set and --smoke say how a recipe is run, and no recipe is among the systems"
        raise RunError(what, fix="Leave them out, or name a recipe.")
    named = [
        make_system(name, origin, scored)
        for name, origin, (scored, _) in zip(_names([scored for scored, _ in found]), origins, found, strict=True)
    ]
    by_origin = {one.origin: one.name for one in reversed(named)}
    baseline = None if baseline is None else by_origin.get(str(as_path(baseline)), baseline)
    comparison = compare_systems(named, baseline, metrics)
    return replace(comparison, notes=(*(note for _, notes in found for note in notes), *comparison.notes))


def _names(found: Sequence[Sequence[ScoredSystem]]) -> list[str]:
    """A name for each system: its runs', numbered where several systems have the same."""
    names = [scored[0].name for scored in found]
    counts, seen = Counter(names), Counter[str]()
    numbered = []
    for name in names:
        seen[name] += 1
        numbered.append(f"{name}-{seen[name]}" if counts[name] > 1 else name)
    return numbered


def _found(given: str, recipes: _Recipes) -> tuple[list[ScoredSystem], list[str]] | None:
    """The scored sets that a name stands for, and what to say about them; None for outputs, which have no scores."""
    path = Path(given)
    if path.is_file() and path.suffix.lower() == ".csv":
        return None
    if not path.is_dir():
        return recipes.scored(given), []
    if Run.at(path) is not None or is_evaluation(path):
        return [read_scored(path)], []
    folders = [folder for folder in folders_in(path) if Run(folder).metadata_file.is_file()]
    return _folder_of_runs(path, folders) if folders else None


def _scored_like(
    like: ScoredSystem | None,
    path: Path,
    reference: str | Path | None,
    names: Sequence[str],
    progress: Progress,
    jobs: int,
) -> ScoredSystem:
    """Score outputs as another system was; where there is none, by the metrics named or `evaluate`'s own."""
    registry = discover()
    facts = like.metrics if like else {name: MetricInfo() for name in names or METRICS}
    wanted = {name: of for name, of in facts.items() if not names or name in names}
    convention = like.convention if like else "fairplay"
    folder = None if reference is None else as_path(reference)
    return score_outputs(path, folder, choices(wanted, registry), convention, registry, progress, jobs)


def _folder_of_runs(path: Path, folders: Sequence[Path]) -> tuple[list[ScoredSystem], list[str]]:
    """The finished runs of a folder: one method, each seed and split once, the newest of those made twice."""
    notes, newest = [], dict[tuple[int | None, str | None], ScoredSystem]()
    for folder in folders:
        if not Run(folder).finished:
            notes.append(f"{folder} is left out: it is not finished.")
            continue
        scored = read_scored(folder)
        older = newest.pop((scored.seed, scored.split), None)
        if older is not None:
            notes.append(f"{older.path} is left out: {folder.name} is newer, with the same seed and split.")
        newest[scored.seed, scored.split] = scored
    found = sorted(newest.values(), key=lambda one: (_order(one.split), one.seed or 0))
    if not found:
        raise RunError("none of its runs is finished", where=path, fix=_KINDS)
    for other in found[1:]:
        if other.method != found[0].method:
            keys = ", ".join(key for key, _, _ in differences(found[0].method or {}, other.method or {}))
            what = f"{found[0].path.name} and {other.path.name} differ in more than seed and split: {keys}"
            raise RunError(what, where=path, fix="Name the runs one by one.")
    return found, notes


def _order(split: str | None) -> tuple[int, str]:
    return (int(split), "") if split is not None and split.isdigit() else (0, split or "")


class _Recipes:
    """Recipes as systems: their finished runs, made where they are missing."""

    def __init__(
        self,
        runs: Path,
        seeds: int,
        splits: Sequence[str | int],
        overrides: Sequence[str],
        smoke: bool,
        device: str | None,
    ) -> None:
        self.runs, self.seeds, self.splits, self.overrides = runs, seeds, splits, tuple(overrides)
        self.smoke, self.device = smoke, device
        self.used = 0
        self._registry: Registry | None = None

    @property
    def registry(self) -> Registry:
        if self._registry is None:
            self._registry = discover()
        return self._registry

    def scored(self, given: str) -> list[ScoredSystem]:
        """One scored set a split and seed. RunError for an unknown recipe, RecipeError for an invalid one."""
        self.used += 1
        known = [one.name for one in shipped()]
        if not Path(given).is_file() and given not in known:
            what = f"there is no such folder or file, and no shipped recipe of that name{did_you_mean(given, known)}"
            raise RunError(what, where=given, fix=_KINDS)
        file = locate(given)
        first = load_recipe(file, self.registry, self.overrides, smoke=self.smoke).recipe.seed
        wanted = []
        for split in self.splits or (None,):
            for seed in range(first, first + self.seeds):
                sets = [*self.overrides, f"seed={seed}", *([] if split is None else [f"data.split={split}"])]
                wanted.append((sets, load_recipe(file, self.registry, sets, smoke=self.smoke)))
        return [self._run(file, sets, loaded, f"{at} of {len(wanted)}") for at, (sets, loaded) in enumerate(wanted, 1)]

    def _run(self, file: Path, sets: list[str], loaded: Loaded, place: str) -> ScoredSystem:
        """The newest finished run of this resolved recipe; else an interrupted run, resumed; else a new run."""
        folder = self.runs / loaded.recipe.name
        same = [Run(path) for path in sorted(folder.glob(f"*-{digest8(loaded.resolved)}"), reverse=True)]
        same = [run for run in same if run.resolved.read_text(encoding="utf-8") == loaded.resolved]
        finished = next((run for run in same if run.finished), None)
        if finished is None:
            from avspatial.api.run import run as run_recipe  # torch and all networks, which reading scores needs not

            what = ", ".join(text for text in sets if text.startswith(("seed=", "data.split=")))
            print(f"Running {loaded.recipe.name} ({what}), {place} ...", file=sys.stderr)
            if same:
                finished = run_recipe(resume=same[0].path, device=self.device).run
            else:
                finished = run_recipe(file, overrides=sets, runs=self.runs, device=self.device, smoke=self.smoke).run
        return read_scored(finished.path)
