"""The cards of a metric by its name, and as a check: every value of the battery is a number.

    from avspatial.testing.metric_cards import metric_cards

    (card,) = metric_cards("mine.thing")
    assert "swapped" not in card.unseen

`avspatial metrics check` runs this after the contract of `avspatial.testing`.
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
    id: str, *, convention: str = "fairplay", registry: Registry | None = None, progress: Progress = silent
) -> list[Card]:
    """The cards of the metric `id` (`plugin.component` or its short form), one a name, measured now.

    It is built with the `example` of its settings class. PluginError for an unknown metric, AvspatialError for an
    unknown convention.
    """
    registry = discover() if registry is None else registry
    entry, chosen = registry.get("metric", id), conventions.get(convention)
    return cards_of(entry, registry, make_test_cases(chosen, progress), chosen, progress)


def cards_of(
    entry: Entry, registry: Registry, cases: Iterable[Case], convention: Convention, progress: Progress
) -> list[Card]:
    """The cards of one metric over the cases of a battery; whatever its construction raises passes through."""
    with tempfile.TemporaryDirectory(prefix="avspatial-") as folder, preserve_random_state():
        given = entry.settings_class().example
        component = ComponentUnderTest(entry, registry, given, FRAMING, Path(folder) / "card")
        metric = component.build(convention=convention)
        named = NamedMetric(metric, entry.id, entry.version, component.settings.model_dump(mode="json"))
        return measure_cards(named, cases, convention, progress)


def check_card(
    entry: Entry, registry: Registry, cases: Sequence[Case], convention: Convention, progress: Progress
) -> tuple[Result, list[Card]]:
    """Whether every value of the battery is a number, and the cards; none of a metric that cannot be measured."""
    cards: list[Card] = []

    def card() -> str:
        cards.extend(cards_of(entry, registry, cases, convention, progress))
        lines = list(dict.fromkeys(line for each in cards for lines in each.failures.values() for line in lines))
        require(not lines, f"{len(lines)} of {len(cases)} pairs failed, the first: {(lines or [''])[0]}")
        values = sum(len(found) for each in cards for found in each.scores.values())
        if not values:
            raise NotApplicable("it measures nothing on the scenes of the battery")
        return f"values: {values}"

    result = outcome(f"metric {entry.id}", "card", card, home=Path(entry.plugin.file).parent)
    return result, cards
