"""The FAIR-Play family against scipy.signal, librosa, hand-worked numbers, and what is known of the real clip."""

import librosa
import numpy as np
import pytest
from scipy import signal

from avspatial.interfaces import Convention
from avspatial.metrics import (
    envelope_distance,
    magnitude_distance,
    phase_distance,
    prepare,
    snr,
    stft_distance,
    wave_l2,
)


def scipy_spectrogram(x: np.ndarray) -> np.ndarray:
    """scipy's centred zero-padded STFT of n_fft 512, hop 160, Hann 400 in its middle, unscaled."""
    window = np.pad(signal.get_window("hann", 400), 56)
    transform = signal.ShortTimeFFT(window, hop=160, fs=16000, mfft=512, scale_to=None, phase_shift=None)
    return transform.stft(x, p0=0, p1=1 + x.shape[-1] // 160)


def test_stft_distance_is_that_of_scipy(prediction: np.ndarray, reference: np.ndarray) -> None:
    error = scipy_spectrogram(prediction) - scipy_spectrogram(reference)
    expected = sum(np.mean([e.real**2, e.imag**2]) for e in error)
    assert stft_distance(prediction, reference) == pytest.approx(expected, rel=1e-9)
    assert magnitude_distance(prediction, reference) == pytest.approx(2 * expected, rel=1e-9)


@pytest.mark.parametrize(("pad", "mode"), [("zeros", "constant"), ("reflect", "reflect")])
def test_stft_distance_is_that_of_librosa(prediction: np.ndarray, reference: np.ndarray, pad: str, mode: str) -> None:
    error = [
        librosa.stft(y - x, n_fft=512, hop_length=160, win_length=400, pad_mode=mode)
        for y, x in zip(prediction, reference, strict=True)
    ]
    expected = sum(np.mean([e.real**2, e.imag**2]) for e in error)
    assert stft_distance(prediction, reference, Convention(pad=pad)) == pytest.approx(expected, rel=1e-9)


def test_phase_distance_is_that_of_scipy(prediction: np.ndarray, reference: np.ndarray) -> None:
    angles = [np.angle(scipy_spectrogram(s[0] - s[1])) for s in (prediction, reference)]
    expected = np.mean(np.abs(np.angle(np.exp(1j * (angles[0] - angles[1])))))
    assert phase_distance(prediction, reference) == pytest.approx(expected, rel=1e-6)


def test_a_mono_prediction_has_a_phase_distance_of_half_pi(reference: np.ndarray) -> None:
    mono = np.stack([reference.mean(0)] * 2)
    assert phase_distance(mono, reference) == pytest.approx(np.pi / 2, abs=0.02)
    assert phase_distance(reference[::-1], reference) == pytest.approx(np.pi)


def test_envelope_distance_of_two_tones_by_hand() -> None:
    # The envelope of an integer number of periods is its amplitude: left differs by 0.2, right by 0.1.
    tone = np.sin(2 * np.pi * 50 * np.arange(16000) / 16000)
    reference, prediction = np.stack([0.5 * tone, 0.4 * tone]), np.stack([0.3 * tone, 0.5 * tone])
    assert envelope_distance(prediction, reference) == pytest.approx(0.3, rel=1e-9)


@pytest.mark.parametrize("samples", [1, 2, 3, 9999, 16000])
def test_envelope_distance_is_that_of_scipy_hilbert(
    prediction: np.ndarray, reference: np.ndarray, samples: int
) -> None:
    prediction, reference = prediction[:, :samples], reference[:, :samples]
    channels = zip(prediction, reference, strict=True)
    expected = sum(np.sqrt(np.mean((np.abs(signal.hilbert(y)) - np.abs(signal.hilbert(x))) ** 2)) for y, x in channels)
    assert envelope_distance(prediction, reference) == pytest.approx(expected, rel=1e-9)


def test_wave_l2_and_snr_by_hand() -> None:
    reference = np.array([[1.0, -1.0], [0.5, 0.0]])
    prediction = np.array([[0.9, -1.0], [0.5, 0.2]])
    # errors -0.1, 0, 0, 0.2: mean square 0.05 / 4; signal 2.25 / 4
    assert wave_l2(prediction, reference) == pytest.approx(12.5)
    assert snr(prediction, reference) == pytest.approx(10 * np.log10(2.25 / 0.05))
    assert snr(prediction, reference, eps=1e-4) == pytest.approx(10 * np.log10(0.5626 / 0.0126))


def test_snr_is_finite_where_nothing_is_wrong(reference: np.ndarray) -> None:
    assert 150 < snr(reference, reference) < 250
    assert snr(np.zeros((2, 10)), np.zeros((2, 10))) == 0
    assert snr(reference, reference, eps=1e-4) == pytest.approx(10 * np.log10(np.square(reference).mean() / 1e-4 + 1))


def test_the_stft_distance_is_about_150_wave_l2(prediction: np.ndarray, reference: np.ndarray) -> None:
    # Parseval: sum of the squared window (150) over the hop, times n_fft, spread over 257 bins, two planes, two ears
    assert stft_distance(prediction, reference) / (wave_l2(prediction, reference) * 1e-3) == pytest.approx(
        150, rel=0.01
    )


def test_swapped_ears_err_twice_as_much_as_mono(reference: np.ndarray) -> None:
    mono = np.stack([reference.mean(0)] * 2)
    assert stft_distance(reference[::-1], reference) == pytest.approx(4 * stft_distance(mono, reference))
    assert wave_l2(reference[::-1], reference) == pytest.approx(4 * wave_l2(mono, reference))


def test_the_numbers_known_of_the_real_clip(real_clip: np.ndarray) -> None:
    mono = np.stack([real_clip.mean(0)] * 2)
    late = np.roll(real_clip, 16, axis=-1)
    scores = {
        name: stft_distance(*prepare(y, real_clip, 16000))
        for name, y in {"mono": mono, "swapped": real_clip[::-1], "1 ms late": late}.items()
    }
    assert scores == pytest.approx({"mono": 0.664, "swapped": 2.410, "1 ms late": 7.05}, abs=6e-3)
    y, x = prepare(mono, real_clip, 16000)
    assert phase_distance(y, x) == pytest.approx(np.pi / 2, abs=0.01)
    assert stft_distance(y, x) / (wave_l2(y, x) * 1e-3) == pytest.approx(150, rel=0.01)
