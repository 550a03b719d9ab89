"""The multi-resolution STFT distance against auraloss 0.4.0."""

import numpy as np
import pytest
import torch
from auraloss.freq import MultiResolutionSTFTLoss

from avspatial.metrics import mrstft


def auraloss(prediction: np.ndarray, reference: np.ndarray, **options: float) -> float:
    pair = (torch.from_numpy(np.ascontiguousarray(sound))[None] for sound in (prediction, reference))
    loss = MultiResolutionSTFTLoss(**options)
    for resolution in loss.stft_losses:  # its float32 windows would limit the agreement to 1e-7
        resolution.window = torch.hann_window(resolution.win_length, dtype=torch.float64)
    return float(loss(*pair))


def test_it_is_that_of_auraloss(prediction: np.ndarray, reference: np.ndarray) -> None:
    assert mrstft(prediction, reference) == pytest.approx(auraloss(prediction, reference), rel=1e-9)


def test_with_the_linear_term_it_is_that_of_auraloss(prediction: np.ndarray, reference: np.ndarray) -> None:
    expected = auraloss(prediction, reference, w_lin_mag=1.0)
    assert mrstft(prediction, reference, linear=True) == pytest.approx(expected, rel=1e-9)
    assert expected > mrstft(prediction, reference)


def test_the_order_of_the_arguments_matters(prediction: np.ndarray, reference: np.ndarray) -> None:
    assert mrstft(prediction, reference) != pytest.approx(mrstft(reference, prediction), rel=1e-3)


@pytest.mark.parametrize("samples", [1, 2, 500, 1024])
def test_sounds_shorter_than_a_window_have_a_distance(samples: int) -> None:
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((2, 2, samples))
    assert mrstft(x, x) == 0
    assert 0 < mrstft(y, x) < np.inf


def test_silence_predicted_for_a_sound_converges_to_one(reference: np.ndarray) -> None:
    silence = np.zeros_like(reference)
    assert mrstft(silence, reference) == pytest.approx(auraloss(silence, reference), rel=1e-9)
    assert mrstft(silence, silence) == 0


def test_the_real_clip_agrees_too(real_clip: np.ndarray) -> None:
    mono = np.stack([real_clip.mean(0)] * 2)
    assert mrstft(mono, real_clip) == pytest.approx(auraloss(mono, real_clip), rel=1e-9)
