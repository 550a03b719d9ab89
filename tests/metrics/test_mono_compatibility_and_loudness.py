"""Mono compatibility, loudness and true peak: hand-worked numbers and the standard's own."""

import numpy as np
import pytest

from avspatial.metrics import loudness_change, mono_error, true_peak

RATE = 16000


def test_mono_error_by_hand() -> None:
    reference = np.array([[1.0, -1.0], [0.5, 0.0]])  # mixture 1.5, -1: 3.25
    prediction = np.array([[1.0, -1.0], [0.7, 0.1]])  # mixture 1.7, -0.9: error 0.2, 0.1: 0.05
    assert mono_error(prediction, reference) == pytest.approx(10 * np.log10(0.05 / 3.25), rel=1e-9)


def test_what_keeps_the_mixture_is_perfect_and_silence_has_0_dB(reference: np.ndarray) -> None:
    for kept in (reference, reference[::-1], np.stack([reference.mean(0)] * 2)):
        assert mono_error(kept, reference) == -100
    assert mono_error(np.zeros_like(reference), reference) == pytest.approx(0, abs=1e-9)


def test_a_gain_is_an_error_of_the_mono_sound(reference: np.ndarray) -> None:
    assert mono_error(0.5 * reference, reference) == pytest.approx(20 * np.log10(0.5), rel=1e-9)
    assert mono_error(-reference, reference) == pytest.approx(20 * np.log10(2), rel=1e-9)


def test_one_ear_in_opposite_phase_cancels_in_mono() -> None:
    tone = np.sin(np.arange(RATE))
    assert mono_error(np.stack([tone, -tone]), np.stack([tone, tone])) == pytest.approx(0, abs=1e-9)
    assert np.isnan(mono_error(np.stack([tone, tone]), np.stack([tone, -tone])))


@pytest.mark.parametrize("gain", [0.25, 1.0, 2.0])
def test_loudness_changes_by_the_gain(reference: np.ndarray, gain: float) -> None:
    assert loudness_change(gain * reference, reference, RATE) == pytest.approx(20 * np.log10(gain), abs=1e-9)


def test_a_doubled_ear_is_3_lu_louder() -> None:
    # BS.1770 adds the powers of the channels: sound in both ears has twice that of one
    noise = 0.1 * np.random.default_rng(0).standard_normal((1, RATE))
    one, both = noise * [[1.0], [0.0]], noise * [[1.0], [1.0]]
    assert loudness_change(both, one, RATE) == pytest.approx(10 * np.log10(2), rel=1e-9)


def test_silence_counts_as_minus_70_lufs_and_has_nothing_to_be_compared_with(reference: np.ndarray) -> None:
    silence = np.zeros_like(reference)
    loud = loudness_change(silence, reference, RATE)
    assert -70 < loud < -30
    assert np.isnan(loudness_change(reference, silence, RATE))
    assert np.isnan(loudness_change(reference[:, :6399], reference[:, :6399], RATE))
    assert true_peak(silence, reference, RATE) == -120


def test_the_true_peak_of_a_tone_between_its_samples() -> None:
    # EBU Tech 3341, case 16: a quarter of the rate, 45 degrees off, amplitude 0.5: -6 dBTP, -9 at the samples
    time = np.arange(RATE)
    edges = np.minimum(1, np.minimum(time, time[::-1]) / 2000)
    tone = np.stack([0.5 * edges * np.sin(np.pi / 2 * time + np.pi / 4)] * 2)
    assert true_peak(tone, tone, RATE) == pytest.approx(20 * np.log10(0.5), abs=0.01)
    assert np.abs(tone).max() < 0.36
