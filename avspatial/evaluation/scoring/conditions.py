"""Scores grouped by condition, metric and clip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from avspatial.evaluation.scoring.score_schema import Score


@dataclass(frozen=True)
class Condition:
    """The scores of one condition, by metric and clip: each clip has a value, an error or a reason for neither."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)
    errors: dict[str, dict[str, str]] = field(default_factory=dict)
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(
        self, metric: str, clip: str, value: float | None = None, error: str | None = None, skipped: str | None = None
    ) -> None:
        """Add the outcome of one clip."""
        if error is not None:
            self.errors.setdefault(metric, {})[clip] = error
        elif skipped is not None:
            self.skipped.setdefault(metric, {})[clip] = skipped
        elif value is not None:
            self.values.setdefault(metric, {})[clip] = value

    @property
    def metrics(self) -> dict[str, None]:
        """The metrics that it has any score of, in order."""
        return dict.fromkeys([*self.values, *self.errors, *self.skipped])

    def outcome(self, metric: str, clip: str) -> dict[str, Any]:
        """{"value" | "error" | "skipped": ...}; a clip without a score has an error, so that nothing is lost."""
        kinds: dict[str, dict[str, Any]] = {"value": self.values, "error": self.errors, "skipped": self.skipped}
        for name, kind in kinds.items():
            if clip in kind.get(metric, {}):
                return {name: kind[metric][clip]}
        return {"error": "it has no score"}


def by_condition(scores: Iterable[Score]) -> dict[str, Condition]:
    """Group scores: {condition: its scores}, in their order."""
    conditions: dict[str, Condition] = {}
    for score in scores:
        condition = conditions.setdefault(score.condition, Condition())
        condition.add(score.metric, score.clip, score.value, score.error, score.skipped)
    return conditions
