"""The metrics that no library has, against their definitions written out, scipy.stats and numpy.linalg."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from support.written_out import RATE, WrittenOut, active, level_curve

from avspatial.interfaces import Truth
from avspatial.metrics import (
    azimuth_error,
    lateral_gain,
    left_right,
    spl_correlation,
    spl_direction,
    spl_distance,
    spl_magnitude,
    spl_rmse,
    true_peak,
)
from avspatial.signal.head import SphericalHead, render

TRACK = np.linspace(-60, 60, 40)
"""The true azimuth, 20 times a second, for two seconds."""


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Two seconds of a noise that moves from right to left, and falls silent in between: stereo (2, T)."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(2 * RATE)
    noise[RATE : RATE + RATE // 2] *= 1e-4
    return render(noise, TRACK, RATE, SphericalHead())


@pytest.fixture(scope="module")
def predicted(scene: np.ndarray) -> np.ndarray:
    """It, narrower, with noise of its own at each ear, and for a quarter of a second on the wrong side."""
    narrow = np.stack([0.8 * scene[0] + 0.2 * scene[1], 0.7 * scene[1] + 0.3 * scene[0]])
    narrow[:, 4000:8000] = narrow[::-1, 4000:8000]
    return narrow + 0.005 * np.random.default_rng(1).standard_normal(scene.shape)


def sides(curve: np.ndarray) -> list[str]:
    return ["left" if p > 1 else "right" if p < -1 else "middle" for p in curve]


def test_the_spl_family(predicted: np.ndarray, scene: np.ndarray) -> None:
    y, x = level_curve(predicted), level_curve(scene)
    assert len(x) == 39 and 0 < active(scene).sum() < 39
    assert spl_distance(predicted, scene, RATE) == pytest.approx(math.dist(y, x), rel=1e-6)
    assert spl_rmse(predicted, scene, RATE) == pytest.approx(math.dist(y, x) / math.sqrt(39), rel=1e-6)
    assert spl_correlation(predicted, scene, RATE) == pytest.approx(stats.pearsonr(y, x).statistic, rel=1e-6)
    magnitude = np.linalg.norm(y) / np.linalg.norm(x)
    assert spl_magnitude(predicted, scene, RATE) == pytest.approx(magnitude, rel=1e-6)
    agreeing = [a == b for a, b, counts in zip(sides(y), sides(x), active(scene), strict=True) if counts]
    assert spl_direction(predicted, scene, RATE) == pytest.approx(sum(agreeing) / len(agreeing), rel=1e-6)
    assert 0.5 < sum(agreeing) / len(agreeing) < 1


def test_the_lateral_gain_is_a_least_squares_slope(predicted: np.ndarray, scene: np.ndarray) -> None:
    counted = active(scene)
    slope = np.linalg.lstsq(level_curve(scene)[counted, None], level_curve(predicted)[counted], rcond=None)[0][0]
    assert lateral_gain(predicted, scene, RATE) == pytest.approx(slope, rel=1e-6)


def test_left_right_counts_the_lateral_frames_on_the_true_side(predicted: np.ndarray, scene: np.ndarray) -> None:
    truth = Truth(20.0, TRACK[None], np.ones((1, 40)))
    right = []
    for k, (p, counts) in enumerate(zip(level_curve(predicted), active(scene), strict=True)):
        # columns of truth are 50 ms long: a frame of 100 ms every 50 ms holds the middles of columns k and k + 1
        sideways = np.mean(np.sin(np.radians(TRACK[k : k + 2])))
        if counts and abs(sideways) > np.sin(np.radians(10)):
            right.append(p * sideways > 0 and abs(p) > 0.5)
    assert len(right) > 15 and not all(right)
    assert left_right(predicted, scene, RATE, truth) == pytest.approx(np.mean(right), rel=1e-6)


@pytest.fixture(scope="module")
def templates() -> tuple[np.ndarray, list[WrittenOut]]:
    """Candidate azimuths, and the cues (J, 1) of the head's response to each."""
    azimuths = np.arange(-90, 91, 2.5)
    responses = SphericalHead().responses(azimuths, RATE, 256)
    return azimuths, [WrittenOut(response, hop=256) for response in responses]


def test_the_azimuth_error(templates: tuple[np.ndarray, list[WrittenOut]]) -> None:
    azimuths, heads = templates
    noise = 0.1 * np.random.default_rng(2).standard_normal(round(0.3 * RATE))  # one block
    reference = render(noise, 30.0, RATE, SphericalHead())
    prediction = np.stack([0.6 * reference[0] + 0.4 * reference[1], reference[1]])
    cues, power = WrittenOut(prediction), WrittenOut(reference).power
    votes = np.zeros(len(azimuths))
    for candidate, head in enumerate(heads):
        time, level = (cues.itd - head.itd) / 60e-6, (cues.ild - head.ild) / 3
        voting = 10 * np.log10(power.max() / power) < 35
        votes[candidate] = np.exp(-(time**2 + level**2) / 2)[voting].sum()
    best = int(votes.argmax())
    before, top, after = votes[best - 1 : best + 2]
    expected = azimuths[best] + 2.5 * 0.5 * (before - after) / (before - 2 * top + after)
    assert expected < 25
    truth = Truth(20.0, np.full((1, 6), 30.0), np.ones((1, 6)))
    assert 30 - azimuth_error(prediction, reference, RATE, truth) == pytest.approx(expected, rel=1e-6)


def test_the_true_peak_is_the_largest_value_of_the_interpolated_sound() -> None:
    sound = 0.1 * np.random.default_rng(3).standard_normal((2, 2000))
    between = np.arange(-16 * 12, 16 * 12 + 1) / 12  # 12 places a sample: 192 kHz
    interpolator = np.sinc(between) * np.kaiser(len(between), 8.0)
    stuffed = np.zeros((2, 2000 * 12))
    stuffed[:, ::12] = sound
    largest = max(np.abs(np.convolve(ear, interpolator)).max() for ear in stuffed)
    assert largest > np.abs(sound).max()
    assert true_peak(sound, sound, RATE) == pytest.approx(20 * np.log10(largest), rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), seconds=st.sampled_from([0.05, 0.3, 1.0]), left=st.floats(0.01, 10))
def test_exchanged_ears_err_exactly_twice_as_much_as_mono_in_level(seed: int, seconds: float, left: float) -> None:
    # mono's curve is 0, that of exchanged ears -P: the errors are P and 2 P in every frame
    noise = 0.1 * np.random.default_rng(seed).standard_normal((2, round(seconds * RATE))) * [[left], [1.0]]
    mono = np.stack([noise.mean(0)] * 2)
    for error in (spl_rmse, spl_distance):
        assert error(noise[::-1], noise, RATE) == pytest.approx(2 * error(mono, noise, RATE), rel=1e-9)
