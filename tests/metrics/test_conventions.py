"""The four conventions and what they do to a pair of sounds."""

import numpy as np
import pytest
import soxr
import torch

from avspatial.errors import AvspatialError
from avspatial.metrics import CONVENTIONS, prepare, stft_distance


def test_the_four_conventions_and_their_choices() -> None:
    assert {name: (c.rate, c.normalization, c.n_fft, c.window, c.hop, c.pad) for name, c in CONVENTIONS.items()} == {
        "fairplay": (16000, "own_peak", 512, 400, 160, "zeros"),
        "raw": (16000, "none", 512, 400, 160, "zeros"),
        "reference_peak": (16000, "reference_peak", 512, 400, 160, "zeros"),
        "fairplay_reflect": (16000, "own_peak", 512, 400, 160, "reflect"),
    }


@pytest.mark.parametrize(
    ("convention", "peaks"),
    [("fairplay", (1, 1)), ("raw", (0.25, 0.5)), ("reference_peak", (0.5, 1)), ("fairplay_reflect", (1, 1))],
)
def test_a_peak_is_taken_over_both_channels(convention: str, peaks: tuple[float, float]) -> None:
    prediction = np.array([[0.1, -0.25, 0.0], [0.2, 0.0, 0.0]])
    reference = np.array([[0.0, 0.0, 0.1], [0.5, 0.2, -0.1]])
    y, x = prepare(prediction, reference, 16000, convention)
    assert (np.abs(y).max(), np.abs(x).max()) == pytest.approx(peaks)
    np.testing.assert_allclose(y / y[0, 1], prediction / -0.25)  # the balance of the ears stays


def test_silence_stays_silence_under_every_convention() -> None:
    silence = np.zeros((2, 1000))
    for convention in CONVENTIONS:
        assert not any(sound.any() for sound in prepare(silence, silence, 16000, convention))


def test_another_rate_is_resampled_by_soxr(reference: np.ndarray) -> None:
    y, x = prepare(reference, reference, 48000, "raw")
    expected = soxr.resample(reference.T, 48000, 16000, quality="VHQ").T
    np.testing.assert_allclose(x, expected, atol=1e-6)
    np.testing.assert_array_equal(x, y)


def test_the_convention_changes_the_number(prediction: np.ndarray, reference: np.ndarray) -> None:
    values = {name: stft_distance(*prepare(prediction, reference, 16000, name), c) for name, c in CONVENTIONS.items()}
    assert len({round(value, 9) for value in values.values()}) == 4


def test_an_unknown_convention_is_refused_with_those_there_are(reference: np.ndarray) -> None:
    with pytest.raises(AvspatialError) as error:
        prepare(reference, reference, 16000, "fairpaly")
    assert str(error.value) == (
        "unknown convention 'fairpaly' (did you mean 'fairplay'?)\n"
        "  There are: fairplay, raw, reference_peak, fairplay_reflect."
    )


@pytest.mark.parametrize(
    ("prediction", "message"),
    [
        (np.zeros((2, 9)), "the prediction has 9 samples, the reference 10"),
        (np.zeros(10), "the prediction has shape (10,); two channels (2, T) are needed"),
        (np.zeros((1, 10)), "the prediction has shape (1, 10); two channels (2, T) are needed"),
        (np.zeros((2, 0)), "the prediction has no samples"),
        (np.full((2, 10), np.nan), "the prediction holds NaN or infinity"),
    ],
)
def test_sound_that_cannot_be_scored_is_refused(prediction: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError) as error:
        prepare(prediction, np.zeros((2, 10)), 16000)
    assert str(error.value) == message


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, bool, complex])
def test_integers_are_refused_under_every_convention(convention: str, dtype: type) -> None:
    samples = np.ones((2, 100), dtype)
    message = f"the prediction is {samples.dtype}; floating point is needed: divide 16 bit samples by 32768"
    with pytest.raises(ValueError, match=f"^{message}$"):
        prepare(samples, np.ones((2, 100)), 16000, convention)
    with pytest.raises(ValueError, match="the reference is "):
        stft_distance(np.ones((2, 100)), torch.from_numpy(samples))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_tensors_of_every_precision_are_scored(dtype: torch.dtype) -> None:
    audio = torch.linspace(-0.5, 0.5, 200, dtype=dtype, requires_grad=True).reshape(2, 100)
    y, x = prepare(audio, audio, 16000, "raw")
    np.testing.assert_array_equal(y, audio.detach().double().numpy())
    assert y.dtype == x.dtype == np.float64
