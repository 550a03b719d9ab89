"""The time-difference curve: delays that are known, and silence."""

from __future__ import annotations

import numpy as np
import pytest

from avspatial.metrics.itd_curve import time_difference
from avspatial.signal.level import level_difference

RATE = 16000


def noise(samples: int = RATE) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(samples)


@pytest.mark.parametrize("delay", [-8, 0, 5])
def test_a_delayed_ear_reads_as_its_delay(delay: int) -> None:
    sound = noise()
    late = np.roll(sound, abs(delay))
    stereo = np.stack([sound, late] if delay >= 0 else [late, sound])
    curve = time_difference(stereo, RATE)
    assert curve[1:-1] == pytest.approx(np.full(len(curve) - 2, delay / RATE), abs=3e-6)


def test_its_frames_are_those_of_the_level_curve() -> None:
    stereo = np.stack([noise(12345), noise(12345)])
    assert len(time_difference(stereo, RATE)) == len(level_difference(stereo, RATE))


def test_a_few_loudless_bands_do_not_move_it() -> None:
    """A loud sound from the left and a soft one from the right: the loud one's delay."""
    loud, soft = noise(), 0.05 * np.random.default_rng(1).standard_normal(RATE) * 0.3
    stereo = np.stack([loud + np.roll(soft, 9), np.roll(loud, 6) + soft])
    assert np.median(time_difference(stereo, RATE)) == pytest.approx(6 / RATE, abs=1e-5)


def test_silence_has_none() -> None:
    assert np.isnan(time_difference(np.zeros((2, RATE)), RATE)).all()


def test_moving_sound_moves_it() -> None:
    sound = noise(2 * RATE)
    stereo = np.stack([sound, np.concatenate([np.roll(sound, 7)[:RATE], np.roll(sound, -7)[RATE:]])])
    curve = time_difference(stereo, RATE)
    assert np.median(curve[:15]) > 4e-4 and np.median(curve[-15:]) < -4e-4
