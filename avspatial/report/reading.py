"""What a run directory says about itself, read back for the page. Nothing here knows a metric or a row by name."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from avspatial.errors import RunError
from avspatial.runs.directory import Run


@dataclass(frozen=True)
class Record:
    """A run's own words: the resolved recipe, run.json, the log, the scores and their summary."""

    path: Path
    recipe: Mapping[str, Any]
    recipe_text: str
    facts: Mapping[str, Any]
    log: tuple[Mapping[str, Any], ...]
    scores: tuple[Mapping[str, Any], ...]
    summary: Mapping[str, Any]

    def events(self, event: str) -> list[Mapping[str, Any]]:
        """The log's records of one kind, in order; a step logged again after a resume counts once, the last time."""
        found = [record for record in self.log if record.get("event") == event]
        return list({record.get("step", place): record for place, record in enumerate(found)}.values())

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


def _json_lines(path: Path) -> tuple[Mapping[str, Any], ...]:
    """Every whole line; the last one may be torn where the run was killed while writing it."""
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8").splitlines()
    read = []
    for number, line in enumerate(lines, 1):
        try:
            read.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise RunError(f"line {number} is not JSON: {error}", where=path) from error
    return tuple(read)


def _json_map(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise RunError(f"not JSON: {error}", where=path) from error
    return found


def read_record(run: Run) -> Record:
    """Read a run. RunError where it has no scores yet, or a file of it is damaged."""
    path = run.path
    if not (path / "summary.json").is_file():
        raise RunError(
            "this run has no scores yet",
            where=path,
            fix=f"Finish it: avspatial run {path / 'recipe.yaml'} --resume {path}",
        )
    resolved = path / "recipe.resolved.yaml"
    text = resolved.read_text(encoding="utf-8") if resolved.is_file() else ""
    return Record(
        path=path,
        recipe=YAML(typ="safe").load(text) or {},
        recipe_text=text,
        facts=_json_map(path / "run.json"),
        log=_json_lines(path / "log.jsonl"),
        scores=_json_lines(path / "scores.jsonl"),
        summary=_json_map(path / "summary.json"),
    )
