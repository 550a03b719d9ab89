"""Levels of frames and the level difference between the ears."""

import numpy as np
import pytest

from avspatial.signal.level import active_frames, frame_powers, frame_times, level_difference, spl

RATE = 16000


def test_a_full_scale_sine_has_91_dB() -> None:
    # rms 1/sqrt(2); 20 log10(0.70711 / 2e-5) = 90.97 dB, worked by hand
    sine = np.sin(2 * np.pi * 100 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(spl(sine, RATE), 90.969, atol=1e-3)


def test_frames_lie_inside_the_signal_and_their_times_are_their_centres() -> None:
    x = np.random.default_rng(0).standard_normal((2, RATE))
    assert spl(x, RATE).shape == (2, 19)  # 100 ms every 50 ms in 1 s
    np.testing.assert_allclose(frame_times(RATE, RATE), 0.05 + 0.05 * np.arange(19))


@pytest.mark.parametrize("samples", [1, 1599, 1600, 1601, 2399, 2400, 15999])
def test_there_are_as_many_times_as_levels(samples: int) -> None:
    assert spl(np.ones(samples), RATE).shape == frame_times(samples, RATE).shape


def test_each_level_is_that_of_its_own_frame() -> None:
    x = np.random.default_rng(1).standard_normal(5000)
    by_hand = [np.mean(x[start : start + 1600] ** 2) for start in range(0, 5000 - 1600 + 1, 800)]
    np.testing.assert_allclose(frame_powers(x, RATE), by_hand)


def test_the_level_difference_is_positive_on_the_left() -> None:
    mono = np.random.default_rng(2).standard_normal(RATE)
    stereo = np.stack([mono, mono / 2])
    np.testing.assert_allclose(level_difference(stereo, RATE), 20 * np.log10(2))
    np.testing.assert_allclose(level_difference(stereo[::-1], RATE), -20 * np.log10(2))


def test_silence_has_a_finite_level_and_no_active_frame() -> None:
    silence = np.zeros((2, RATE))
    np.testing.assert_allclose(spl(silence, RATE), 10 * np.log10(1e-12 / 4e-10))
    assert not level_difference(silence, RATE).any()
    assert not active_frames(silence, RATE).any()


def test_frames_40_dB_below_the_loudest_are_inactive() -> None:
    x = np.ones((2, RATE))
    x[:, RATE // 2 :] = 10 ** (-41 / 20)
    active = active_frames(x, RATE)
    assert active[:9].all() and not active[10:].any()
    x[:, RATE // 2 :] = 10 ** (-39 / 20)
    assert active_frames(x, RATE).all()


def test_no_samples_no_level() -> None:
    with pytest.raises(ValueError, match="a signal without samples has no level"):
        spl(np.zeros((2, 0)), RATE)
