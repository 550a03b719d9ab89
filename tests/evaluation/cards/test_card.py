"""The card of a metric says what its values say, whatever the metric."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from avspatial.evaluation.cards.card import Card, measure_cards
from avspatial.evaluation.cards.test_cases import SCENES, Case, distortion_names, make_test_cases
from avspatial.evaluation.scoring.clip_scores import NamedMetric
from avspatial.evaluation.scoring.score_schema import MetricInfo
from avspatial.interfaces import Convention
from avspatial.metrics.direction import LeftRight
from avspatial.metrics.fairplay import Snr, StftDistance
from avspatial.metrics.inputs import as_pair
from avspatial.metrics.mono_compatibility import MonoError
from avspatial.metrics.multiresolution_stft import Mrstft
from avspatial.metrics.scalar import ScalarMetric
from avspatial.metrics.settings import MetricSettings, SplSettings
from avspatial.metrics.spl import SplMagnitude, SplRmse
from avspatial.progress import silent

KEPT = ["late", "quieter", "inverted"]


class LeftEarAlone(ScalarMetric, name="left_ear_alone", higher_is_better=False):
    """Planted: what the right ear hears does not matter."""

    normalized = False

    def measure(self, prediction: Any, reference: Any, rate: int, truth: Any) -> float:
        y, x = as_pair(prediction, reference)
        return float(np.abs(y[0] - x[0]).mean())


class ReferenceAlone(ScalarMetric, name="reference_alone", higher_is_better=True):
    """Planted: ignores the prediction."""

    def measure(self, prediction: Any, reference: Any, rate: int, truth: Any) -> float:
        return float(np.abs(reference).mean())


class Fails(ScalarMetric, name="fails", higher_is_better=False):
    """Planted: does not survive a prediction that is the same at both ears."""

    def measure(self, prediction: Any, reference: Any, rate: int, truth: Any) -> float:
        y, x = as_pair(prediction, reference)
        if np.allclose(y[0], y[1]):
            raise ZeroDivisionError("no difference")
        return float(np.abs(y - x).mean())


class Nowhere(ScalarMetric, name="nowhere", higher_is_better=False):
    """Planted: finds nothing to measure."""

    def measure(self, prediction: Any, reference: Any, rate: int, truth: Any) -> float:
        return float("nan")


@pytest.fixture(scope="module")
def cases() -> Mapping[str, list[Case]]:
    return {name: make_test_cases(Convention(name, normalization=kind), silent) for name, kind in CONVENTIONS.items()}


CONVENTIONS = {"fairplay": "own_peak", "raw": "none"}


@pytest.fixture(scope="module")
def card(cases: Mapping[str, list[Case]]) -> Any:
    def of(metric: type[ScalarMetric], settings: Any = MetricSettings, convention: str = "fairplay") -> Card:
        chosen = Convention(convention, normalization=CONVENTIONS[convention])
        named = NamedMetric(metric(settings(), convention=chosen), "planted.it", "1", {})
        (found,) = measure_cards(named, cases[convention], chosen, silent)
        return found

    return of


def test_stft_distance_prefers_mono_to_exchanged_ears_and_to_both_ears_late(card: Any) -> None:
    found = card(StftDistance)
    assert found.value("reference") == 0 < found.value("mono") < found.value("swapped") < found.value("late")
    assert {"swapped", "late", "inverted"} <= set(found.below_mono)
    assert "narrowed" not in found.below_mono
    assert found.sentences() == [
        "Does not detect: quieter.",
        "Prefers mono in every scene, although all directions are correct, to: late, inverted.",
        "Prefers mono in every scene to: swapped, noise, turned_40.",
        "Gets worse with every step of rotation; 5 degrees cost 6 % of what 40 cost.",
    ]


def test_a_common_gain_is_seen_where_the_convention_does_not_take_it_away(card: Any) -> None:
    assert "quieter" in card(StftDistance).unseen
    found = card(StftDistance, convention="raw")
    assert "quieter" not in found.unseen and found.convention == "raw"
    # The error of half the sound is half the sound: a quarter of the power, under any scene.
    loud, half = found.scores["inverted"], found.scores["quieter"]
    assert all(half[scene] == pytest.approx(loud[scene] / 16) for scene in SCENES)


def test_level_curves_see_neither_time_nor_content(card: Any) -> None:
    found = card(SplRmse, SplSettings)
    assert found.unseen == [*KEPT, "left_late", "right_late", "noise"]
    assert found.share("swapped") == pytest.approx(2)  # the difference has the other sign


def test_magnitudes_do_not_see_one_ear_late(card: Any) -> None:
    assert {"left_late", "right_late"} <= set(card(Mrstft).unseen)


def test_a_metric_that_hears_with_one_ear_is_found_blind_at_the_other(card: Any) -> None:
    unseen = card(LeftEarAlone).unseen
    assert "right_late" in unseen and "left_late" not in unseen
    assert card(LeftEarAlone).share("right_late") == 0


def test_a_metric_that_ignores_the_prediction_is_found(card: Any) -> None:
    found = card(ReferenceAlone)
    assert found.unseen == list(distortion_names()[1:])
    assert found.sentences() == ["Does not react to any distortion: it depends on the reference alone."]


def test_where_mono_is_not_seen_shares_are_of_the_largest_move(card: Any) -> None:
    found = card(MonoError)
    assert not found.sees_mono and found.share("inverted") == 1
    assert found.unseen == ["mono", "level_panned", "swapped", "narrowed", "widened"]
    assert found.sentences()[0] == "Shares are relative to inverted, the distortion with the largest effect."


def test_a_descriptive_number_prefers_nothing(card: Any) -> None:
    found = card(SplMagnitude, SplSettings)
    assert (found.below_mono, found.above_reference, found.turning()) == ([], [], [])
    assert found.sentences() == [
        "Neither higher nor lower is better.",
        "Does not detect: late, quieter, inverted, swapped, left_late, right_late, noise.",
    ]


def test_a_tie_with_mono_is_no_preference(card: Any) -> None:
    """Mono and exchanged ears both have every side wrong."""
    found = card(LeftRight, SplSettings)
    assert found.value("mono") == found.value("swapped") == 0
    assert found.below_mono == []


def test_snr_too_prefers_mono_to_exchanged_ears(card: Any) -> None:
    found = card(Snr)
    assert found.value("reference") > 170 and found.value("mono") < 4
    assert "swapped" in found.below_mono


def test_what_fails_is_kept_with_its_reason_and_counted(card: Any) -> None:
    found = card(Fails)
    assert found.value("mono") is None and found.value("swapped") > 0 and found.share("mono") is None
    assert found.failures["mono"][0] == "mono, voice_left: ZeroDivisionError: no difference"
    facts = found.to_dict()
    assert facts["values"]["mono"] == {"mean": None, "n": 0, "failed": 4, "share": None}
    assert len(facts["failures"]) == sum(each["failed"] for each in facts["values"].values())
    assert found.below_mono == []


def test_where_nothing_can_be_measured_the_card_says_so(card: Any) -> None:
    found = card(Nowhere)
    assert found.n == 0 and found.value("reference") is None
    assert found.sentences() == ["Measures nothing on these scenes."]


def by_hand(higher_is_better: bool | None = False, **values: float) -> Card:
    """A card of one scene: the reference scores 0, mono 1 and the turns 1, 2, 3 and 4, unless given."""
    turns = {"turned_5": 1.0, "turned_10": 2.0, "turned_20": 3.0, "turned_40": 4.0}
    every = {"reference": 0.0, "mono": 1.0, **turns, **values}
    scores = {name: {"scene": value} for name, value in every.items()}
    return Card("it", MetricInfo(higher_is_better=higher_is_better), True, "fairplay", scores, {})


def test_the_limit_of_what_is_seen_is_a_tenth_of_what_mono_moves() -> None:
    assert by_hand(noise=0.1, late=0.101).unseen == ["noise"]
    assert by_hand(noise=-0.1, late=-0.101).unseen == ["noise"]  # better or worse: it moves


def test_what_only_the_reference_and_the_unseen_reach_widens_no_spread() -> None:
    """Four against three is something, where all wrong predictions lie within five, though the right one has 1000."""
    turns = {f"turned_{angle}": 8.0 for angle in (5, 10, 20, 40)}
    found = by_hand(higher_is_better=True, reference=1000.0, quieter=1000.0, mono=4.0, swapped=3.0, noise=3.96, **turns)
    assert found.below_mono == ["swapped"]


def test_better_than_the_reference_is_reported() -> None:
    assert by_hand(widened=-1.0).above_reference == ["widened"]
    assert "Better than the reference itself in every scene: widened." in by_hand(widened=-1.0).sentences()
    assert by_hand(higher_is_better=True, widened=-1.0).above_reference == [
        "mono",
        "turned_5",
        "turned_10",
        "turned_20",
        "turned_40",
    ]


TURNED = [
    ({}, "Gets worse with every step of rotation; 5 degrees cost 25 % of what 40 cost."),
    ({"turned_10": 1.0}, "Never gets better with rotation; 5 degrees cost 25 % of what 40 cost."),
    ({"turned_40": 2.5}, "Not monotonic in the rotation: 40 degrees score better than 20."),
    ({f"turned_{angle}": 0.0 for angle in (5, 10, 20, 40)}, "Does not get worse with rotation."),
]


@pytest.mark.parametrize(("values", "sentence"), TURNED)
def test_the_sentence_about_rotation(values: dict[str, float], sentence: str) -> None:
    assert by_hand(**values).sentences()[-1] == sentence
    upside_down = {name: -value for name, value in {"mono": 1.0, "turned_5": 1.0, **values}.items()}
    mirrored = {"turned_10": -2.0, "turned_20": -3.0, "turned_40": -4.0} | upside_down
    assert by_hand(higher_is_better=True, **mirrored).sentences()[-1] == sentence
