"""Metric cards by the metric's name, and as a check: every test case must score a finite value.

`avspatial metrics check` runs this check after those of the kind `metric`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from avspatial.evaluation.cards.card import Card, measure_cards
from avspatial.evaluation.cards.test_cases import Case, make_test_cases
from avspatial.evaluation.scoring.clip_scores import NamedMetric
from avspatial.interfaces import Convention, Progress
from avspatial.metrics import conventions
from avspatial.progress import silent
from avspatial.registry import Entry, Registry, discover
from avspatial.testing.component import FRAMING, ComponentUnderTest
from avspatial.testing.results import NotApplicable, Result, outcome, require
from avspatial.training.random_state import preserve_random_state


def metric_cards(
    component_id: str, *, convention: str = "fairplay", registry: Registry | None = None, progress: Progress = silent
) -> list[Card]:
    """Measure the cards of a metric: its value for each of a set of known distortions.

    Args:
        component_id: Metric, `plugin.component` or its short form, built with the `example` of its settings class.
        convention: Name of the convention to score under.
        registry: Plugins to search [default: the installed ones].
        progress: Called with the progress of rendering and scoring.

    Returns:
        One card for each name of the metric.

    Raises:
        PluginError: Unknown metric.
        AvspatialError: Unknown convention.

    Example:
        >>> from avspatial.testing import metric_cards
        >>> (card,) = metric_cards("spl_rmse")
        >>> "noise" in card.unseen, "narrowed" in card.unseen
        (True, False)
    """
    registry = discover() if registry is None else registry
    entry, chosen = registry.get("metric", component_id), conventions.get(convention)
    return cards_of(entry, registry, make_test_cases(chosen, progress), chosen, progress)


def cards_of(
    entry: Entry, registry: Registry, cases: Iterable[Case], convention: Convention, progress: Progress
) -> list[Card]:
    """Measure the cards of one metric over test cases; errors of its construction pass through."""
    with tempfile.TemporaryDirectory(prefix="avspatial-") as folder, preserve_random_state():
        example = entry.settings_class().example
        component = ComponentUnderTest(entry, registry, example, FRAMING, Path(folder) / "card")
        metric = component.build(convention=convention)
        named = NamedMetric(metric, entry.id, entry.version, component.settings.model_dump(mode="json"))
        return measure_cards(named, cases, convention, progress)


def check_card(
    entry: Entry, registry: Registry, cases: Sequence[Case], convention: Convention, progress: Progress
) -> tuple[Result, list[Card]]:
    """Check that every value is a number; also return the cards, none if the metric cannot be measured."""
    cards: list[Card] = []

    def measure() -> str:
        cards.extend(cards_of(entry, registry, cases, convention, progress))
        lines = list(dict.fromkeys(line for card in cards for lines in card.failures.values() for line in lines))
        require(not lines, f"{len(lines)} of {len(cases)} pairs failed, the first: {(lines or [''])[0]}")
        values = sum(len(scores) for card in cards for scores in card.scores.values())
        if not values:
            raise NotApplicable("it has no value on any of the test scenes")
        return f"values: {values}"

    result = outcome(f"metric {entry.id}", "card", measure, home=Path(entry.plugin.file).parent)
    return result, cards
