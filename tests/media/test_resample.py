"""Changing the rate: lengths are exact, tones stay, and what lies above the new band is gone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avspatial.media.resample import resample


def tone(frequency: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return np.sin(2 * np.pi * frequency * time).astype(np.float32)[None]


@pytest.mark.parametrize(("old", "new"), [(48000, 16000), (44100, 16000), (16000, 48000), (22050, 16000)])
def test_a_tone_stays_the_same_tone(old: int, new: int) -> None:
    out = resample(tone(1000, old), old, new)
    middle = slice(new // 10, -new // 10)
    np.testing.assert_allclose(out[:, middle], tone(1000, new)[:, middle], atol=1e-4)


def test_what_the_new_rate_cannot_hold_does_not_fold_back() -> None:
    out = resample(tone(12000, 48000), 48000, 16000)
    assert np.abs(out[:, 1600:-1600]).max() < 1e-5


def test_channels_stay_apart() -> None:
    out = resample(np.concatenate([tone(500, 48000), np.zeros((1, 48000), np.float32)]), 48000, 16000)
    assert np.abs(out[0]).max() > 0.99
    assert np.abs(out[1]).max() == 0


def test_the_same_rate_changes_nothing() -> None:
    sound = tone(440, 16000)
    np.testing.assert_array_equal(resample(sound, 16000, 16000), sound)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 3000), st.sampled_from([8000, 16000, 22050, 44100, 48000]), st.sampled_from([16000, 48000]))
def test_the_length_is_the_old_one_times_the_ratio(samples: int, old: int, new: int) -> None:
    out = resample(np.ones((2, samples), np.float32), old, new)
    assert out.shape == (2, round(samples * new / old))
    assert out.dtype == np.float32
