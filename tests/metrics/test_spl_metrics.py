"""The level-difference family, on curves that are known by construction."""

import numpy as np
import pytest

from avspatial.metrics import spl_correlation, spl_direction, spl_distance, spl_magnitude, spl_rmse

RATE = 16000


def panned(*differences: float, floor: float = 1.0) -> np.ndarray:
    """Steps of half a second with these level differences in dB, positive left."""
    track = np.repeat(differences, RATE // 2)
    return floor * np.stack([10 ** (track / 40), 10 ** (-track / 40)])


def test_a_constant_error_of_2_dB_over_19_frames() -> None:
    prediction, reference = panned(5, 5), panned(3, 3)
    assert spl_rmse(prediction, reference, RATE) == pytest.approx(2)
    assert spl_distance(prediction, reference, RATE) == pytest.approx(2 * np.sqrt(19))


def test_the_wrong_side_is_off_by_twice_the_difference() -> None:
    assert spl_rmse(panned(-3, -3), panned(3, 3), RATE) == pytest.approx(6)


def test_correlation_follows_the_sign_of_the_movement() -> None:
    reference = panned(6, -6, 3, 0)
    assert spl_correlation(panned(3, -3, 1.5, 0), reference, RATE) == pytest.approx(1, abs=1e-3)
    assert spl_correlation(reference[::-1], reference, RATE) == pytest.approx(-1)
    assert spl_correlation(np.ones_like(reference), reference, RATE) == 0
    assert np.isnan(spl_correlation(reference, np.ones_like(reference), RATE))


def test_direction_has_three_classes_with_a_dead_zone_of_1_dB() -> None:
    reference = panned(6, 6, 0.9, 0.9)
    assert spl_direction(panned(1.1, 1.1, -0.9, -0.9), reference, RATE) == pytest.approx(1, abs=0.03)
    assert spl_direction(panned(-2, -2, 2, 2), reference, RATE) == pytest.approx(0, abs=0.03)
    assert spl_direction(np.ones_like(reference), reference, RATE) == pytest.approx(0.5, abs=0.03)


def test_direction_counts_active_frames_only() -> None:
    reference = panned(6, 6, -6, -6) * np.repeat([1, 1, 1e-3, 1e-3], RATE // 2)
    assert spl_direction(panned(6, 6, 6, 6), reference, RATE) == 1
    assert np.isnan(spl_direction(reference, np.zeros_like(reference), RATE))


def test_magnitude_is_the_width_of_the_prediction() -> None:
    reference = panned(6, 6, -6, -6)
    assert spl_magnitude(panned(3, 3, -3, -3), reference, RATE) == pytest.approx(0.5, rel=1e-3)
    assert spl_magnitude(np.ones_like(reference), reference, RATE) == 0
    assert np.isnan(spl_magnitude(reference, np.ones_like(reference), RATE))


def test_a_common_gain_and_common_sound_change_nothing() -> None:
    prediction, reference = panned(4, -1), panned(3, -3)
    assert spl_rmse(0.1 * prediction, 0.01 * reference, RATE) == pytest.approx(spl_rmse(prediction, reference, RATE))


def test_the_framing_is_a_setting() -> None:
    prediction, reference = panned(5, 5), panned(3, 3)
    assert spl_distance(prediction, reference, RATE, frame=0.5, hop=0.25) == pytest.approx(2 * np.sqrt(3))
