"""Direction, on sounds rendered at known angles."""

import numpy as np
import pytest

from avspatial.interfaces import Truth
from avspatial.metrics import azimuth_error, lateral_gain, left_right
from avspatial.metrics.azimuth_estimator import AzimuthEstimator
from avspatial.metrics.direction import lateral_position
from avspatial.signal.head import SphericalHead, render

RATE = 16000


@pytest.fixture(scope="module")
def estimator() -> AzimuthEstimator:
    return AzimuthEstimator(SphericalHead(), RATE)


def plucks(seconds: float = 2.0) -> np.ndarray:
    """Decaying harmonic tones, four a second."""
    generator, time = np.random.default_rng(3), np.arange(int(seconds * RATE)) / RATE
    sound = np.zeros_like(time)
    for onset, pitch in zip(np.arange(0, seconds, 0.25), generator.uniform(110, 500, 40), strict=False):
        after = np.clip(time - onset, 0, None)
        sound += sum(np.sin(2 * np.pi * pitch * k * after) / k for k in range(1, 9)) * np.exp(-8 * after) * (after > 0)
    return 0.1 * sound


def still(azimuth: float, seconds: float = 2.0) -> Truth:
    return Truth(20.0, np.full((1, int(20 * seconds)), azimuth), np.ones((1, int(20 * seconds))))


def mono(stereo: np.ndarray) -> np.ndarray:
    return np.stack([stereo.mean(0)] * 2)


@pytest.mark.parametrize("azimuth", [-75.0, -30.0, 0.0, 11.0, 45.0, 80.0])
@pytest.mark.parametrize("sound", ["plucks", "noise"])
def test_a_source_is_localised_where_it_was_rendered(azimuth: float, sound: str, estimator: AzimuthEstimator) -> None:
    dry = plucks() if sound == "plucks" else 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    reference, truth = render(dry, azimuth, RATE, SphericalHead()), still(azimuth)
    assert azimuth_error(reference, reference, RATE, truth, estimator) < 3
    assert azimuth_error(mono(reference), reference, RATE, truth, estimator) == pytest.approx(abs(azimuth), abs=3)
    assert azimuth_error(reference[::-1], reference, RATE, truth, estimator) == pytest.approx(2 * abs(azimuth), abs=3)


def test_a_moving_source_is_followed(estimator: AzimuthEstimator) -> None:
    track = np.linspace(-60, 60, 80)
    reference = render(0.1 * np.random.default_rng(0).standard_normal(4 * RATE), track, RATE, SphericalHead())
    truth = Truth(20.0, track[None], np.ones((1, 80)))
    assert azimuth_error(reference, reference, RATE, truth, estimator) < 3
    assert left_right(reference, reference, RATE, truth) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("azimuth", [-25.0, 65.0])
def test_a_source_behind_counts_as_its_mirror_image_in_front(azimuth: float, estimator: AzimuthEstimator) -> None:
    """Their cues are equal on a sphere. Straight behind, the true angle may swing between 180 and -180."""
    dry = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    reference = render(dry, azimuth, RATE, SphericalHead())
    behind = still(np.copysign(180, azimuth) - azimuth)
    assert azimuth_error(reference, reference, RATE, behind, estimator) == pytest.approx(
        azimuth_error(reference, reference, RATE, still(azimuth), estimator)
    )
    swinging = Truth(20.0, np.where(np.arange(40) % 2, 179.0, -179.0)[None], np.ones((1, 40)))
    centred = np.stack([dry, dry])
    assert azimuth_error(centred, centred, RATE, swinging, estimator) < 1.5


def test_a_measured_head_is_localised_with_its_own_templates() -> None:
    class Wide(SphericalHead):
        """A head of 12 cm radius."""

        def __init__(self) -> None:
            super().__init__(radius=0.12)

    reference = render(plucks(), 40, RATE, Wide())
    own = azimuth_error(reference, reference, RATE, still(40), AzimuthEstimator(Wide(), RATE))
    other = azimuth_error(reference, reference, RATE, still(40))
    assert own < 3 < other


def test_blocks_with_two_sources_do_not_count(estimator: AzimuthEstimator) -> None:
    left, right = (render(plucks(), azimuth, RATE, SphericalHead()) for azimuth in (50, -50))
    both = Truth(20.0, np.array([[50.0] * 40, [-50.0] * 40]), np.ones((2, 40)))
    assert np.isnan(azimuth_error(left + right, left + right, RATE, both, estimator))
    turns = Truth(20.0, both.azimuth, np.repeat([[1.0, 0.0], [0.0, 1.0]], 20, axis=1))
    one_after_the_other = np.concatenate([left[:, :RATE], right[:, RATE:]], axis=1)
    assert azimuth_error(one_after_the_other, one_after_the_other, RATE, turns, estimator) < 3


def test_a_silent_prediction_is_localised_straight_ahead_and_a_silent_reference_nowhere(
    estimator: AzimuthEstimator,
) -> None:
    reference = render(plucks(), 40, RATE, SphericalHead())
    silence = np.zeros_like(reference)
    assert azimuth_error(silence, reference, RATE, still(40), estimator) == pytest.approx(40, abs=1)
    assert np.isnan(azimuth_error(reference, silence, RATE, still(40), estimator))


@pytest.mark.parametrize("azimuth", [-70.0, -20.0, 20.0, 70.0])
def test_left_right_is_1_for_the_truth_0_for_mono_and_0_for_swapped_ears(azimuth: float) -> None:
    reference = render(plucks(), azimuth, RATE, SphericalHead())
    assert left_right(reference, reference, RATE, still(azimuth)) == 1
    assert left_right(mono(reference), reference, RATE, still(azimuth)) == 0
    assert left_right(reference[::-1], reference, RATE, still(azimuth)) == 0


def test_left_right_does_not_judge_the_middle() -> None:
    reference = render(plucks(), 9, RATE, SphericalHead())
    assert np.isnan(left_right(reference, reference, RATE, still(9)))


def test_the_lateral_position_weighs_sources_by_their_energy() -> None:
    truth = Truth(10.0, np.array([[90.0, 90.0], [-30.0, -30.0]]), np.array([[1.0, 0.0], [1.0, 0.0]]))
    position = lateral_position(truth, np.array([0.0, 0.1]), np.array([0.1, 0.2]))
    np.testing.assert_allclose(position, [0.25, 0.0])  # (1 - 0.5) / 2; then nothing sounds


def test_the_lateral_position_of_a_span_between_two_truth_columns_is_the_nearest() -> None:
    truth = Truth(2.0, np.array([[90.0, -90.0]]), np.ones((1, 2)))  # columns at 0.25 s and 0.75 s
    position = lateral_position(truth, np.array([0.0, 0.9, 0.2]), np.array([0.1, 1.0, 0.8]))
    np.testing.assert_allclose(position, [1, -1, 0], atol=1e-12)


def test_lateral_gain_is_the_slope_of_the_level_difference() -> None:
    track = np.repeat([6.0, -2.0, 4.0, -6.0], RATE // 2)
    reference, narrow = (np.stack([10 ** (t / 40), 10 ** (-t / 40)]) for t in (track, track / 2))
    assert lateral_gain(reference, reference, RATE) == pytest.approx(1)
    assert lateral_gain(narrow, reference, RATE) == pytest.approx(0.5, rel=0.01)
    assert lateral_gain(mono(reference), reference, RATE) == 0
    assert lateral_gain(reference[::-1], reference, RATE) == pytest.approx(-1)
    assert np.isnan(lateral_gain(reference, mono(reference), RATE))
