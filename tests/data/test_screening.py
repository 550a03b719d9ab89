"""Screening: what no direction can be learned from is named; what is only quiet, lateral or slow is not."""

from __future__ import annotations

import numpy as np
import pytest

from avspatial.data.screening import FLOOR, LevelMeter, audio_levels, image_change, screen
from avspatial.data.settings import Screening

MOVING = 50.0
NOISE = np.random.default_rng(0).standard_normal((2, 48_000)) * 0.1


def reason(stereo: np.ndarray, change: float = MOVING, **limits: float) -> str | None:
    return screen(audio_levels(stereo), change, Screening(**limits))


def with_side(decibels: float) -> np.ndarray:
    """Noise whose left - right is this many dB below its left + right."""
    mixture, difference = NOISE / np.sqrt((NOISE**2).mean(1, keepdims=True))
    difference = difference * 10 ** (-decibels / 20)
    return 0.1 * np.stack([mixture + difference, mixture - difference])


def test_levels_are_those_of_the_signals() -> None:
    levels = audio_levels(np.array([[0.5, -0.5], [0.0, 0.0]]))
    assert levels.left == pytest.approx(-6.02, abs=0.01) and levels.right == FLOOR
    assert levels.mixture == levels.difference == levels.left
    assert levels.both == pytest.approx(-9.03, abs=0.01)


def test_blocks_have_the_levels_of_the_signal() -> None:
    meter = LevelMeter()
    assert meter.levels.both == FLOOR
    for start in range(0, 48_000, 7_000):
        meter.add(NOISE[:, start : start + 7_000].astype(np.float32))
    assert vars(meter.levels) == pytest.approx(vars(audio_levels(NOISE)), abs=1e-4)


@pytest.mark.parametrize(
    ("stereo", "expected"),
    [
        (NOISE, None),
        (NOISE * [[1.0], [0.02]], None),  # far to the side: 34 dB
        (NOISE * [[1.0], [0.005]], "its right channel is dead"),
        (NOISE * [[0.0], [1.0]], "its left channel is dead"),
        (np.zeros((2, 99)), "silent: below -60 dBFS"),
        (NOISE * 0.009, "silent: below -60 dBFS"),
        (NOISE * 0.011, None),
        (NOISE[[0, 0]], "mono: left and right are equal"),
        (NOISE[[0, 0]] * [[1], [-1]], "left and right cancel each other"),
        (with_side(29.5), None),
        (with_side(30.5), "mono: left - right is more than 30 dB below left + right"),
    ],
)
def test_a_sound_and_its_reason(stereo: np.ndarray, expected: str | None) -> None:
    assert reason(stereo) == expected


def test_the_thresholds_are_settings() -> None:
    assert reason(with_side(29.5), side=20) == "mono: left - right is more than 20 dB below left + right"
    assert reason(NOISE, silence=-10) == "silent: below -10 dBFS"
    assert reason(NOISE * [[1.0], [0.2]], dead=10) == "its right channel is dead"
    assert reason(NOISE, change=9.0, still=10) == "its images stand still"


def test_images_that_do_not_change() -> None:
    image = np.random.default_rng(1).integers(0, 250, (36, 64, 3), np.uint8)
    assert image_change(image[None]) == 0
    still = np.repeat(image[None], 5, 0)
    assert reason(NOISE, image_change(still)) == "its images stand still"
    still[2] += np.random.default_rng(2).integers(0, 4, image.shape, np.uint8)  # noise of a codec
    assert reason(NOISE, image_change(still)) == "its images stand still"
    still[3, 10, 20] = 255 - still[3, 10, 20]  # a finger moves
    assert reason(NOISE, image_change(still)) is None
