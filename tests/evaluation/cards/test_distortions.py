"""Each distortion does what its name says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avspatial.evaluation.cards.distortions import DISTORTIONS
from avspatial.signal.head import SphericalHead, render

RATE = 16000
everywhere = pytest.mark.parametrize("name", DISTORTIONS)


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """A second of noise from 40 degrees on the left, which swells and fades."""
    time = np.arange(RATE) / RATE
    dry = 0.1 * np.random.default_rng(3).standard_normal(RATE) * (1.1 + np.sin(2 * np.pi * 2 * time))
    return render(dry, 40.0, RATE, SphericalHead())


def distorted(name: str, sound: np.ndarray, rate: int = RATE) -> np.ndarray:
    return DISTORTIONS[name].change(sound, rate)


def assert_close(actual: np.ndarray, expected: np.ndarray) -> None:
    np.testing.assert_allclose(actual, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def decibels(factor: float) -> float:
    return float(20 * np.log10(factor))


def rms(sound: np.ndarray) -> np.ndarray:
    return np.sqrt((sound**2).mean(-1))


def lag(sound: np.ndarray) -> int:
    """By how many samples the left ear leads: the largest cross-correlation within 1.5 ms."""
    left, right = sound
    shifts = range(-24, 25)
    return max(shifts, key=lambda shift: abs(left[50:-50] @ right[50 + shift : len(right) - 50 + shift]))


def test_the_reference_is_the_sound_itself(sound: np.ndarray) -> None:
    assert np.array_equal(distorted("reference", sound), sound)


def test_mono_has_the_mean_of_the_ears_at_both(sound: np.ndarray) -> None:
    assert_close(distorted("mono", sound), np.stack([(sound[0] + sound[1]) / 2] * 2))


def test_swapped_exchanges_the_ears(sound: np.ndarray) -> None:
    assert np.array_equal(distorted("swapped", sound), np.stack([sound[1], sound[0]]))


def test_narrowed_moves_a_quarter_of_the_gap_and_widened_half_of_it(sound: np.ndarray) -> None:
    left, right = sound
    assert_close(distorted("narrowed", sound), np.stack([0.75 * left + 0.25 * right, 0.25 * left + 0.75 * right]))
    assert_close(distorted("widened", sound), np.stack([1.5 * left - 0.5 * right, 1.5 * right - 0.5 * left]))
    assert_close(distorted("widened", distorted("narrowed", sound)), sound)


@pytest.mark.parametrize(("rate", "samples"), [(16000, 16), (48000, 48)])
def test_late_is_one_millisecond_at_both_ears(sound: np.ndarray, rate: int, samples: int) -> None:
    late = distorted("late", sound, rate)
    assert late.shape == sound.shape
    assert not late[:, :samples].any()
    assert np.array_equal(late[:, samples:], sound[:, :-samples])


@pytest.mark.parametrize(("name", "ear", "other", "leads"), [("left_late", 0, 1, -4), ("right_late", 1, 0, 4)])
def test_one_ear_late_is_a_quarter_of_a_millisecond_at_that_ear(
    sound: np.ndarray, name: str, ear: int, other: int, leads: int
) -> None:
    late = distorted(name, sound)
    assert np.array_equal(late[other], sound[other])
    assert np.array_equal(late[ear, 4:], sound[ear, :-4])
    assert lag(late) == lag(sound) + leads


def test_quieter_is_six_decibels_and_inverted_cancels(sound: np.ndarray) -> None:
    assert decibels(rms(distorted("quieter", sound))[0] / rms(sound)[0]) == pytest.approx(-6.02, abs=0.001)
    assert not (distorted("inverted", sound) + sound).any()


def test_level_panned_has_the_level_difference_and_no_time_difference(sound: np.ndarray) -> None:
    panned = distorted("level_panned", sound)
    assert_close(panned[0] / rms(panned)[0], panned[1] / rms(panned)[1])
    assert rms(panned)[0] / rms(panned)[1] == pytest.approx(rms(sound)[0] / rms(sound)[1])
    assert_close(panned.sum(0), sound.sum(0))
    assert lag(sound) in (5, 6) and lag(panned) == 0  # 40 degrees: 342 us by Woodworth's formula, 5.5 samples


def test_noise_keeps_every_level_and_none_of_the_content(sound: np.ndarray) -> None:
    noise = distorted("noise", sound)
    frames = [each.reshape(2, 10, -1) for each in (noise, sound)]
    levels = [20 * np.log10(rms(frame)) for frame in frames]
    assert np.abs(levels[0] - levels[1]).max() < 1.5
    assert np.abs((levels[0][0] - levels[0][1]) - (levels[1][0] - levels[1][1])).max() < 0.6
    assert max(abs(np.corrcoef(noise[ear], sound[ear])[0, 1]) for ear in (0, 1)) < 0.05
    assert np.corrcoef(noise)[0, 1] > 0.98  # one noise at both ears
    assert not distorted("noise", np.zeros((2, 500))).any()


def test_what_keeps_directions_keeps_both_cues_and_what_does_not_changes_one(sound: np.ndarray) -> None:
    """By cross-correlation and level difference of the entire clip; `noise` loses the time difference."""

    def balance(stereo: np.ndarray) -> float:
        left, right = rms(stereo)
        return decibels(left / right)

    found = {name: distorted(name, sound) for name in DISTORTIONS}
    kept = [
        name
        for name, other in found.items()
        if lag(other) == lag(sound) and balance(other) == pytest.approx(balance(sound), abs=0.05)
    ]
    assert kept == [name for name, distortion in DISTORTIONS.items() if distortion.keeps_directions]


@everywhere
@settings(max_examples=20)
@given(gain=st.floats(0.01, 100))
def test_a_louder_sound_is_distorted_assert_close(sound: np.ndarray, name: str, gain: float) -> None:
    assert_close(distorted(name, gain * sound), gain * distorted(name, sound))


@everywhere
def test_a_mirrored_sound_is_distorted_mirrored(sound: np.ndarray, name: str) -> None:
    mirrored = {"left_late": "right_late", "right_late": "left_late"}.get(name, name)
    assert_close(distorted(name, sound[::-1]), distorted(mirrored, sound)[::-1])


@everywhere
def test_the_sound_is_not_written_into_and_keeps_its_length(sound: np.ndarray, name: str) -> None:
    before = sound.copy()
    found = distorted(name, sound)
    assert np.array_equal(sound, before)
    assert found.shape == sound.shape and np.isfinite(found).all()


@everywhere
def test_each_says_what_it_does_in_one_line(name: str) -> None:
    text = DISTORTIONS[name].description
    assert text and "\n" not in text and not text.endswith(".")
