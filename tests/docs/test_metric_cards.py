"""docs/metric_cards.md agrees with the measurement: every value and every sentence."""

from __future__ import annotations

from typing import Any

import pytest
from support.pages import ROOT

from avspatial.evaluation.cards.card import Card
from avspatial.evaluation.cards.test_cases import description_of, distortion_names, make_test_cases
from avspatial.interfaces import Convention
from avspatial.progress import silent
from avspatial.registry import Registry
from avspatial.report.metric_cards import page
from avspatial.testing.card_check import cards_of

PAGE = (ROOT / "docs" / "metric_cards.md").read_text(encoding="utf-8")
SECONDS_EACH = {"azimuth_error", "coherence_error", "ild_error", "itd_error", "mrstft", "mrstft_linear"}
"""Metrics that take seconds: measured with the slow tests."""


@pytest.fixture(scope="module")
def cases() -> Any:
    return make_test_cases(Convention(), silent)


def rows(text: str) -> dict[str, list[str]]:
    """The table of values: heading -> cells."""
    table = text.split("## Values")[1].split("## In words")[0]
    split = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in split[2:]}


def sentences(text: str) -> dict[str, str]:
    parts = (line[2:].partition(": ") for line in text.splitlines() if line.startswith("- `"))
    return {heading: sentence for heading, _, sentence in parts}


def agrees(cards: list[Card]) -> None:
    measured = page(cards)
    for heading, cells in rows(measured).items():
        assert rows(PAGE)[heading][:3] == cells[:3], heading  # unit, sound, n
        values, printed = ([float(cell) for cell in row[3:]] for row in (cells, rows(PAGE)[heading]))
        assert printed == pytest.approx(values, rel=0.01, abs=0.0021), heading
        assert sentences(PAGE)[heading] == sentences(measured)[heading]


def test_the_page_holds_what_the_quick_metrics_measure_now(builtin_registry: Registry, cases: Any) -> None:
    quick = [e for e in builtin_registry.entries("metric") if e.component.name not in SECONDS_EACH]
    assert len(quick) > 15
    for entry in quick:
        agrees(cards_of(entry, builtin_registry, cases, Convention(), silent))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SECONDS_EACH))
def test_the_page_holds_what_a_slower_metric_measures_now(builtin_registry: Registry, cases: Any, name: str) -> None:
    agrees(cards_of(builtin_registry.get("metric", name), builtin_registry, cases, Convention(), silent))


def test_the_page_has_every_number_of_every_metric_once_and_every_error(builtin_registry: Registry) -> None:
    numbers = [name for entry in builtin_registry.entries("metric") for name in entry.target_class().names]
    assert [heading.split("`")[1] for heading in rows(PAGE)] == numbers
    assert [heading.split("`")[1] for heading in sentences(PAGE)] == numbers
    assert all(len(cells) == 3 + len(distortion_names()) for cells in rows(PAGE).values())
    assert all(f"| `{name}` | {description_of(name)}. |" in PAGE for name in distortion_names())


def test_the_page_states_that_stft_distance_prefers_mono_to_a_mirrored_image() -> None:
    assert "Prefers mono in every scene to: swapped, " in sentences(PAGE)["`stft_distance` ↓"]
    cells = dict(zip(distortion_names(), map(float, rows(PAGE)["`stft_distance` ↓"][3:]), strict=True))
    assert cells["swapped"] > 2.5 * cells["mono"] > cells["mono"] > cells["narrowed"] > cells["reference"] == 0
