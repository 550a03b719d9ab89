"""Own results next to a published table, with every reason why the two cannot be compared directly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from avspatial.errors import AvspatialError
from avspatial.evaluation.published.tables import PublishedTable
from avspatial.evaluation.scoring.controls import MODEL
from avspatial.evaluation.scoring.score_schema import SUMMARY, read_summary
from avspatial.runs.directory import ResolvedRecipe, Run
from avspatial.text import counted


@dataclass(frozen=True)
class OwnResult:
    """Means of a run or an evaluation; `data` and `split` are empty if unknown."""

    name: str
    path: Path
    convention: str
    data: str
    split: str
    clips: int
    failed: int
    means: Mapping[str, float]


def read_result(path: Path) -> OwnResult:
    """A run directory, a folder that `evaluate --save` wrote, or what `evaluate --json` printed, in a file.

    AvspatialError where there is no result to be read.
    """
    file = path / SUMMARY if path.is_dir() else path
    fix = "Give a finished run, a folder from `avspatial evaluate --save`, or a file with its JSON."
    if not file.is_file():
        raise AvspatialError("holds no results", where=path, fix=fix)
    summary = read_summary(file, fix=fix)
    run = Run.at(path)
    recipe = ResolvedRecipe("", {}) if run is None else run.resolved_recipe
    return OwnResult(
        name=recipe.name or path.stem,
        path=path,
        convention=summary.convention,
        data=recipe.component("data"),
        split="" if recipe.split is None else f"split {recipe.split}",
        clips=summary.clips,
        failed=summary.failed,
        means={name: mean.mean for name, mean in summary.conditions[MODEL].items() if mean.mean is not None},
    )


def refuse_incomparable(tables: Sequence[PublishedTable]) -> None:
    """AvspatialError, with the reason, if own results may stand next to none of the tables."""
    if all(table.incomparable for table in tables):
        raise AvspatialError(
            f"your results cannot be compared with it: {tables[0].incomparable}",
            where=tables[0].name,
            fix="Leave out `--with`, or choose another table. Systems that you run on one rendering can be compared: "
            "avspatial compare RUN RUN.",
        )


def differences(own: OwnResult, table: PublishedTable) -> list[str]:
    """What differs between the two or is unknown; never empty, because no paper states everything."""
    phrases = []
    for what, mine, theirs in (("data", own.data, table.data), ("split", own.split, table.split)):
        if mine != theirs or not mine:
            phrases.append(f"{what}: {mine or 'not recorded'}, published: {theirs or 'not known'}")
    phrases.append(f"convention: {own.convention}, published: not known ({', '.join(table.unknown)})")
    if own.failed:
        phrases.append(f"{own.failed} of {counted(own.clips, 'clip')} failed and are not in the means")
    return phrases
