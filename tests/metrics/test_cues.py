"""Binaural cues of sounds whose time and level differences are known."""

import numpy as np
import pytest

from avspatial.metrics.cues import centres, cues, gammatone

RATE = 16000


def test_25_bands_at_16_kHz_one_erb_apart() -> None:
    centre = centres(RATE)
    assert len(centre) == 25 and centre[0] == pytest.approx(200) and centre[-1] < 6000
    # Glasberg and Moore (1990): number of ERBs = 21.4 log10(1 + 0.00437 f)
    np.testing.assert_allclose(np.diff(21.4 * np.log10(1 + 0.00437 * centre)), 1)
    assert centres(8000)[-1] <= 3600


def test_a_band_passes_its_centre_as_it_is_and_is_3_dB_down_at_its_edge() -> None:
    centre = centres(RATE)[10]
    # |1 + j d / b|^-4 falls to half power at d = b sqrt(2^(1/4) - 1), b = 1.019 ERB
    edge = 1.019 * 24.7 * (1 + 0.00437 * centre) * np.sqrt(2**0.25 - 1)
    time = np.arange(RATE) / RATE
    for frequency, power in [(centre, 1.0), (centre + edge, 0.5), (centre - edge, 0.5)]:
        band = list(gammatone(np.sin(2 * np.pi * frequency * time), RATE))[10][4000:12000]
        assert np.mean(np.abs(band) ** 2) == pytest.approx(power, rel=0.01)


@pytest.mark.parametrize("shift", [-6, -1, 0, 3, 9])
def test_a_delay_of_k_samples_is_a_time_difference_of_k_over_the_rate(shift: int) -> None:
    noise = np.random.default_rng(0).standard_normal(RATE + 100)
    stereo = np.stack([noise[50 + shift : 50 + shift + RATE], noise[50 : 50 + RATE]])  # left leads by `shift`
    measured = cues(stereo, RATE)
    low = centres(RATE) < 700  # no second peak within 1 ms
    assert np.median(measured.itd[low]) == pytest.approx(shift / RATE, abs=5e-6)
    assert np.median(np.abs(measured.ild)) < 1


def test_a_gain_is_a_level_difference_in_every_band() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE)
    measured = cues(np.stack([noise, noise / 2]), RATE)
    np.testing.assert_allclose(measured.ild, 20 * np.log10(2), atol=1e-3)
    assert np.median(np.abs(measured.itd)) < 1e-6 and np.abs(measured.itd).max() < 3e-5
    np.testing.assert_allclose(measured.coherence, 1, atol=1e-4)
    assert cues(np.stack([noise, noise / 1e4]), RATE).ild.max() == pytest.approx(30)


def test_independent_ears_are_incoherent() -> None:
    noise = np.random.default_rng(0).standard_normal((2, RATE))
    assert np.median(cues(noise, RATE).coherence[centres(RATE) < 1500]) < 0.8


@pytest.mark.parametrize("stereo", [np.zeros((2, RATE)), np.eye(2)[:, :1] * np.ones(RATE), np.ones((2, 1))])
def test_silence_one_silent_ear_and_one_sample_are_finite(stereo: np.ndarray) -> None:
    measured = cues(stereo, RATE)
    assert all(np.isfinite(part).all() for part in vars(measured).values())
