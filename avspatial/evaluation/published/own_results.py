"""Own results next to a published table, with every reason why the two cannot be compared directly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.errors import AvspatialError
from avspatial.evaluation.published.tables import PublishedTable
from avspatial.runs.directory import ResolvedRecipe, Run

_SUMMARY = "summary.json"


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
    file = path / _SUMMARY if path.is_dir() else path
    if not file.is_file():
        raise AvspatialError(
            "holds no results",
            where=path,
            fix="Give a finished run, a folder from `avspatial evaluate --save`, or a file with its JSON.",
        )
    try:
        summary = json.loads(file.read_text(encoding="utf-8"))
        return _result(path, summary)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AvspatialError(
            f"is no summary of scores ({type(error).__name__}: {error})",
            where=file,
            fix="Give a finished run, a folder from `avspatial evaluate --save`, or a file with its JSON.",
        ) from error


def _result(path: Path, summary: Mapping[str, Any]) -> OwnResult:
    entries = summary["rows"]["model"] if "rows" in summary else summary["metrics"]
    run = Run.at(path)
    recipe = ResolvedRecipe("", {}) if run is None else run.resolved_recipe
    return OwnResult(
        name=recipe.name or path.stem,
        path=path,
        convention=str(summary["convention"]),
        data=recipe.component("data"),
        split="" if recipe.split is None else f"split {recipe.split}",
        clips=int(summary["clips"]),
        failed=int(summary["failed"]),
        means={metric: float(entry["mean"]) for metric, entry in entries.items() if entry["mean"] is not None},
    )


def differences(own: OwnResult, table: PublishedTable) -> list[str]:
    """What differs between the two or is unknown; never empty, because no paper states everything."""
    phrases = []
    for what, mine, theirs in (("data", own.data, table.data), ("split", own.split, table.split)):
        if mine != theirs or not mine:
            phrases.append(f"{what}: {mine or 'not recorded'}, published: {theirs or 'not known'}")
    phrases.append(f"convention: {own.convention}, published: not known ({', '.join(table.unknown)})")
    if own.failed:
        phrases.append(f"{own.failed} of {own.clips} clips failed and are not in the means")
    return phrases
