"""What a run directory says about itself, read back for the page. Nothing here knows a metric or a row by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.errors import RunError
from avspatial.runs.directory import Run


@dataclass(frozen=True)
class Record:
    """A run's own words: the resolved recipe, run.json, the log, the scores and their summary."""

    run: Run
    recipe: Mapping[str, Any]
    recipe_text: str
    facts: Mapping[str, Any]
    log: tuple[Mapping[str, Any], ...]
    scores: tuple[Mapping[str, Any], ...]
    summary: Mapping[str, Any]

    def events(self, event: str) -> list[Mapping[str, Any]]:
        """The log's records of one kind, in order."""
        return [record for record in self.log if record.get("event") == event]

    def values(self, row: str, metric: str) -> dict[str, float]:
        """Scores by clip."""
        return {
            str(line["clip"]): float(line["value"])
            for line in self.scores
            if line["row"] == row and line["metric"] == metric and line.get("value") is not None
        }

    def errors(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """(clip, message) -> the (row, metric) pairs that failed with it."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for line in self.scores:
            if line.get("error"):
                place = (str(line["clip"]), str(line["error"]))
                found.setdefault(place, []).append((str(line["row"]), str(line["metric"])))
        return found


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise RunError(f"not JSON: {error}", where=path, fix="Restore the file, or run the recipe again.") from error


def read_record(run: Run) -> Record:
    """Read a run. RunError where it has no scores yet, or a file of it is damaged."""
    if not run.summary.is_file():
        raise RunError(
            "this run has no scores yet",
            where=run.path,
            fix=f"Finish it: avspatial run --resume {run.path}",
        )
    scores = run.scores.read_text(encoding="utf-8").splitlines() if run.scores.is_file() else []
    return Record(
        run=run,
        recipe=run.resolved_recipe.values,
        recipe_text=run.resolved_recipe.text,
        facts=run.metadata,
        log=tuple(run.records()),
        scores=tuple(_parsed(run.scores, line) for line in scores),
        summary=_parsed(run.summary, run.summary.read_text(encoding="utf-8")),
    )
