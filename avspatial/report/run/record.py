"""The contents of a run directory, read for the page. Nothing here knows a metric or a condition by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avspatial.errors import RunError
from avspatial.evaluation.scoring.conditions import Condition, by_condition
from avspatial.evaluation.scoring.score_schema import Score, Summary, read_scores, read_summary
from avspatial.runs.directory import Run


@dataclass(frozen=True)
class Record:
    """What a run recorded: the resolved recipe, run.json, the log, the scores and their summary."""

    run: Run
    recipe: Mapping[str, Any]
    recipe_text: str
    facts: Mapping[str, Any]
    log: tuple[Mapping[str, Any], ...]
    scores: tuple[Score, ...]
    conditions: Mapping[str, Condition]
    summary: Summary

    def events(self, event: str) -> list[Mapping[str, Any]]:
        """The log's records of one kind, in order."""
        return [record for record in self.log if record.get("event") == event]

    def values(self, condition: str, metric: str) -> Mapping[str, float]:
        """Scores by clip."""
        return self.conditions[condition].values.get(metric, {}) if condition in self.conditions else {}

    def errors(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """(clip, message) -> the (condition, metric) pairs that failed with it."""
        failures: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for score in self.scores:
            if score.error:
                failures.setdefault((score.clip, score.error), []).append((score.condition, score.metric))
        return failures


def read_record(run: Run) -> Record:
    """Read a run. RunError if it has no scores yet, or a file of it is damaged."""
    if not run.summary.is_file():
        fix = f"Finish it: {run.resume_command}"
        raise RunError("this run has no scores yet", where=run.path, fix=fix)
    fix = "Restore the file, or run the recipe again."
    scores = tuple(read_scores(run.scores, fix=fix))
    return Record(
        run=run,
        recipe=run.resolved_recipe.values,
        recipe_text=run.resolved_recipe.text,
        facts=run.metadata,
        log=tuple(run.records()),
        scores=scores,
        conditions=by_condition(scores),
        summary=read_summary(run.summary, fix=fix),
    )
