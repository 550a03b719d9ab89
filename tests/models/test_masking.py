"""The masking spatializer: what it keeps whatever its networks say, what it learns from, what it refuses."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.framing import Framing
from avspatial.interfaces import Batch, FeatureLevel, MaskGenerator, Masks
from avspatial.models.masking import MaskingSpatializer, check_spectrogram
from avspatial.registry import Registry
from avspatial.settings import Selected

Build = Callable[..., MaskingSpatializer]


def pictures(clips: int = 2) -> Tensor:
    return torch.rand(clips, 4, 3, 32, 64)


def batch(clips: int = 2) -> Batch:
    torch.manual_seed(4)
    stereo = torch.randn(clips, 2, 16000) * 0.1
    return Batch(stereo[:, 0] + stereo[:, 1], stereo, pictures(clips))


def awake(model: MaskingSpatializer) -> MaskingSpatializer:
    """In eval mode, with the statistics of a batch, as after training: a fresh network hardly hears its pictures."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    data = batch(4)
    with torch.no_grad():
        model.train()(data.mixture, data.images)
    return model.eval()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(level=st.floats(-6, 1).map(lambda power: 10**power), seed=st.integers(0, 99))
def test_left_plus_right_is_the_mixture(masking: Build, level: float, seed: int) -> None:
    model = masking()
    with torch.no_grad():
        for parameter in model.mask_generator.parameters():  # a network that says anything at all
            parameter.mul_(20)
        mixture = torch.randn(2, 16000, generator=torch.Generator().manual_seed(seed)) * level
        stereo = model(mixture, pictures())
    assert stereo.shape == (2, 2, 16000)
    torch.testing.assert_close(stereo.sum(1), mixture, atol=level * 1e-5, rtol=0)


def test_a_louder_file_gives_the_same_masks(masking: Build) -> None:
    model, mixture, images = awake(masking()), torch.randn(2, 16000) * 0.1, pictures()
    with torch.no_grad():
        torch.testing.assert_close(model(mixture * 5, images), model(mixture, images) * 5, atol=1e-5, rtol=1e-4)


def test_after_the_covered_samples_both_channels_are_half_the_mixture(masking: Build) -> None:
    model, mixture = masking().eval(), torch.randn(1, 16000)
    stereo = model.spatialize(mixture, model.encode_images(pictures(1)))
    assert model.valid_samples == 15120
    assert torch.equal(stereo[:, 0, 15120:], mixture[:, 15120:] / 2)
    assert not torch.equal(stereo[:, 0, :15120], mixture[:, :15120] / 2)


def test_silence_stays_silence(masking: Build) -> None:
    assert not masking().eval()(torch.zeros(2, 16000), torch.zeros(2, 4, 3, 32, 64)).any()


def test_clips_do_not_mix(masking: Build) -> None:
    model, data = awake(masking()), batch(3)
    with torch.no_grad():
        together = model(data.mixture, data.images)
        torch.testing.assert_close(together[1:2], model(data.mixture[1:2], data.images[1:2]))


def test_the_pictures_count(masking: Build) -> None:
    model, data = awake(masking()), batch()
    with torch.no_grad():
        seen, mirrored = (model(data.mixture, images) for images in (data.images, data.images.flip(-1)))
    assert (seen - mirrored).abs().max() > 1e-4


def test_without_pictures(masking: Build) -> None:
    model, data = masking(visual_encoder=None).eval(), batch()
    assert model.encode_images(data.images) is None
    assert model.visual_shape is None
    assert model.visual_parameters() == []
    assert model(data.mixture, data.images).shape == (2, 2, 16000)


@pytest.mark.parametrize("loss", ["l1", "mse"])
def test_loss_is_the_distance_of_difference_spectrograms(masking: Build, loss: str) -> None:
    model, data = masking().eval(), batch()
    terms = model.loss_terms(data, loss)
    assert set(terms) == {"difference"}
    truth = model.spectrogram(data.reference[:, 0]) - model.spectrogram(data.reference[:, 1])
    mixture = model.spectrogram(data.reference[:, 0]) + model.spectrogram(data.reference[:, 1])
    predicted = model.difference_spectrogram(mixture, model.encode_images(data.images))
    error = predicted - truth
    expected = error.abs().mean() if loss == "l1" else error.square().mean()
    torch.testing.assert_close(terms["difference"], expected)


def test_a_perfect_mask_gives_the_true_stereo_back(masking: Build) -> None:
    """A source panned to the left: the true mask is one real number, and the networks are made to say it."""
    model = masking(visual_encoder=None).eval()
    with torch.no_grad():
        model.mask_generator.last.weight.zero_()
        model.mask_generator.last.bias.copy_(torch.atanh(torch.tensor([0.6, 0.0])))
        mixture = torch.sin(torch.arange(16000) * 0.3)[None]
        stereo = model(mixture, pictures(1))
    inner = slice(400, 14700)
    torch.testing.assert_close(stereo[:, 0, inner], 0.8 * mixture[:, inner], atol=1e-3, rtol=0)
    torch.testing.assert_close(stereo[:, 1, inner], 0.2 * mixture[:, inner], atol=1e-3, rtol=0)


def test_every_parameter_learns(masking: Build) -> None:
    model = masking()
    model.loss_terms(batch(), "l1")["difference"].backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.ndim == 1 or parameter.grad.any(), name


def test_visual_parameters_are_the_visual_encoders(masking: Build) -> None:
    model = masking()
    assert {id(p) for p in model.visual_parameters()} == {id(p) for p in model.visual_encoder.parameters()}


class Sides(MaskGenerator):
    """Says constant masks for the difference and for both sides."""

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        real = torch.tensor([1.0, 0.0]).view(1, 2, 1, 1).expand_as(mixture)
        return Masks(difference=0.2 * real, left=0.7 * real, right=0.1 * real)


def test_left_and_right_masks_have_terms_of_their_own(masking: Build) -> None:
    """APNet's loss: crit(D) + w crit(2 L - M) + w crit(M - 2 R), each against the true difference."""
    model, data = masking(visual_encoder=None, side_weight=0.25), batch()
    model.mask_generator = Sides(None, levels=(), visual=None)
    terms = model.loss_terms(data, "mse")
    mixture = model.spectrogram(data.mixture)
    truth = model.spectrogram(data.reference[:, 0] - data.reference[:, 1])
    torch.testing.assert_close(terms["difference"], (0.2 * mixture - truth).square().mean())
    torch.testing.assert_close(terms["left"], 0.25 * (1.4 * mixture - mixture - truth).square().mean())
    torch.testing.assert_close(terms["right"], 0.25 * (mixture - 0.2 * mixture - truth).square().mean())


def refusal(build: Callable[[], Any]) -> str:
    with pytest.raises(RecipeError) as error:
        build()
    return str(error.value)


def test_too_few_pictures(masking: Build, small_framing: Callable[..., Framing]) -> None:
    assert refusal(lambda: masking(small_framing(pictures=3))) == (
        "window: nothing is left of 3 pictures of 32 x 64: the visual encoder divides their number by 4 and their size "
        "by 32 x 32\n  Make window.pictures at least 4 and window.picture at least [32, 32]."
    )


def test_too_small_pictures(masking: Build, small_framing: Callable[..., Framing]) -> None:
    assert refusal(lambda: masking(small_framing(picture=(64, 31)))).startswith(
        "window: nothing is left of 4 pictures of 64 x 31"
    )


def test_an_audio_encoder_for_more_than_the_mixture(masking: Build) -> None:
    assert refusal(lambda: masking(audio_encoder={"use": "unet", "planes": 4})) == (
        "model.audio_encoder: 2 planes of spectrograms go into this audio encoder, and it takes 4\n"
        "  Set its planes to 2, or take an encoder made for 2."
    )


def test_bins_that_cannot_be_halved(masking: Build) -> None:
    framing = Framing.model_validate({"stft": {"n_fft": 480}})
    assert refusal(lambda: masking(framing)) == (
        "stft.n_fft: n_fft 480 gives 240 bins, which the audio encoder cannot divide by 32\n"
        "  Take a multiple of 64: 448 or 512."
    )


def test_an_audio_encoder_of_more_levels_than_the_frames_allow() -> None:
    """96 frames can be halved five times, not six."""
    levels = tuple(FeatureLevel(4, 2**k) for k in range(1, 7))
    framing = Framing.model_validate({"window": {"seconds": 1.5}, "stft": {"n_fft": 512}})
    assert framing.stft_frames == 96
    assert refusal(lambda: check_spectrogram(levels, framing)) == (
        "window.seconds: the window's 96 spectrogram frames cannot be divided by 64 as the audio encoder does\n"
        "  Take a window of 1.92 s."
    )


def test_settings_say_whether_there_are_pictures(registry: Registry) -> None:
    settings_class = registry.get("spatializer", "masking").settings_class()
    with pytest.raises(ValueError, match="visual_encoder"):
        settings_class.model_validate(
            {"audio_encoder": "unet", "mask_generator": "unet"}, context={"registry": registry}
        )


@pytest.mark.slow
def test_the_paper_size_network_runs(masking: Build) -> None:
    model = masking(
        Framing(),
        visual_encoder={"use": "c3d", "pretrained": False},
        audio_encoder={"use": "unet"},
    ).eval()
    assert isinstance(model.settings.visual_encoder, Selected)
    with torch.no_grad():
        stereo = model(torch.randn(1, 16000) * 0.1, torch.rand(1, 4, 3, 224, 224))
    assert stereo.shape == (1, 2, 16000) and stereo.isfinite().all()
