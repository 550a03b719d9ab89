"""The scenes of metric cards: the directions of their sources, before and after a rotation."""

from __future__ import annotations

import numpy as np
import pytest

from avspatial.data.simulated.instruments import INSTRUMENTS
from avspatial.evaluation.cards.test_cases import (
    SCENES,
    TURNS,
    Case,
    description_of,
    distortion_names,
    keeps_directions,
    make_test_cases,
    turned,
)
from avspatial.interfaces import Convention
from avspatial.media.resample import resample
from avspatial.progress import silent
from avspatial.signal.head import SphericalHead, render

CONVENTION = Convention()


@pytest.fixture(scope="module")
def cases() -> dict[tuple[str, str], Case]:
    return {(case.scene, case.distortion): case for case in make_test_cases(CONVENTION, silent)}


def test_every_scene_meets_everything_once(cases: dict[tuple[str, str], Case]) -> None:
    assert len(make_test_cases(CONVENTION, silent)) == len(cases) == len(SCENES) * len(distortion_names())
    assert distortion_names()[0] == "reference" and distortion_names()[-4:] == (
        "turned_5",
        "turned_10",
        "turned_20",
        "turned_40",
    )
    for case in cases.values():
        assert case.prediction.shape == case.reference.shape == (2, 16000)
    assert all(np.array_equal(cases[scene, "reference"].prediction, cases[scene, "mono"].reference) for scene in SCENES)


def test_the_truth_is_of_the_reference_whatever_is_predicted(cases: dict[tuple[str, str], Case]) -> None:
    for name in distortion_names():
        assert cases["voice_left", name].truth.azimuth == pytest.approx(25.0)
        assert cases["plucked_right", name].truth.azimuth == pytest.approx(-45.0)
    azimuth = cases["drum_moving", "turned_40"].truth.azimuth[0]
    assert azimuth[0] == pytest.approx(45, abs=1) and azimuth[-1] == pytest.approx(-45, abs=1)
    assert (np.diff(azimuth) < 0).all()
    assert cases["bar_and_blown", "mono"].truth.azimuth[:, 0] == pytest.approx([40, -20])


@pytest.mark.parametrize("angle", TURNS)
@pytest.mark.parametrize(("scene", "kind", "azimuth", "seed"), [("voice_left", "voice", 25, 0)])
def test_a_turned_scene_is_the_same_sound_from_there(
    cases: dict[tuple[str, str], Case], scene: str, kind: str, azimuth: float, seed: int, angle: int
) -> None:
    """Rendered here from the dry sound: the same factor takes both to the level of the test case."""
    dry = INSTRUMENTS[kind](np.random.default_rng(seed), 48000, 48000)
    head = SphericalHead(distance=1.5)
    straight, other = (resample(render(dry, at, 48000, head), 48000, 16000) for at in (azimuth, azimuth + angle))
    case = cases[scene, turned(angle)]
    factor = case.reference.std() / straight.std()
    np.testing.assert_allclose(case.prediction, factor * other, atol=1e-4 * factor * np.abs(other).max())


def test_rotations_are_described_and_keep_no_direction() -> None:
    assert description_of("turned_20") == "Every source 20 degrees further to the left"
    assert description_of("mono") == "Half the mixture at each ear"
    assert [name for name in distortion_names() if keeps_directions(name)] == [
        "reference",
        "late",
        "quieter",
        "inverted",
    ]
