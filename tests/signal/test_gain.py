"""The level at which a model works."""

import pytest
import torch

from avspatial.signal.gain import window_scale


def test_mixture_gain_brings_every_window_to_the_training_level() -> None:
    mixture = torch.randn(4, 1000) * torch.tensor([[1.0], [0.1], [0.01], [3.0]])
    scaled = mixture * window_scale(mixture, None, "mixture", 0.17)
    torch.testing.assert_close(scaled.square().mean(1).sqrt(), torch.full((4,), 0.17))


def test_mixture_gain_does_not_depend_on_the_answer() -> None:
    mixture, reference = torch.randn(2, 50), torch.randn(2, 2, 50)
    assert torch.equal(window_scale(mixture, reference, "mixture", 0.15), window_scale(mixture, None, "mixture", 0.15))


def test_reference_gain_brings_the_true_stereo_to_a_tenth() -> None:
    reference = torch.randn(3, 2, 1000) * torch.tensor([1.0, 5.0, 0.02])[:, None, None]
    scale = window_scale(reference.sum(1), reference, "reference_stereo", 0.15)
    scaled = reference * scale[:, None]
    torch.testing.assert_close(scaled.square().mean((1, 2)).sqrt(), torch.full((3,), 0.1))


@pytest.mark.parametrize("gain", ["mixture", "reference_stereo"])
def test_silence_has_a_finite_factor(gain: str) -> None:
    scale = window_scale(torch.zeros(1, 10), torch.zeros(1, 2, 10), gain, 0.15)
    assert scale.item() == pytest.approx(1500 if gain == "mixture" else 1000)


def test_reference_gain_needs_the_reference() -> None:
    with pytest.raises(ValueError, match="needs the true stereo window"):
        window_scale(torch.zeros(1, 10), None, "reference_stereo", 0.15)


def test_unknown_gain() -> None:
    with pytest.raises(ValueError, match="not 'peak'"):
        window_scale(torch.zeros(1, 10), None, "peak", 0.15)
