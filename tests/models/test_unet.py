"""AudioNet and the generator, against the layers of the paper written out."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as f

from avspatial.errors import RecipeError
from avspatial.interfaces import FeatureLevel, FeatureShape
from avspatial.models.settings import UnetEncoderSettings, UnetMaskSettings
from avspatial.models.unet import UnetEncoder, UnetMaskGenerator

VISUAL = FeatureShape(12, 1, 2, 3)


def networks(
    visual: FeatureShape | None = VISUAL, width: float = 1 / 16, **settings: object
) -> tuple[UnetEncoder, UnetMaskGenerator]:
    torch.manual_seed(0)
    encoder = UnetEncoder(UnetEncoderSettings(width=width))
    generator = UnetMaskGenerator(UnetMaskSettings.model_validate(settings), levels=encoder.levels, visual=visual)
    return encoder, generator


def norm(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    return f.batch_norm(x, w[f"{name}.running_mean"], w[f"{name}.running_var"], w[f"{name}.weight"], w[f"{name}.bias"])


def encoded(x: Tensor, w: dict[str, Tensor]) -> list[Tensor]:
    maps = []
    for k in range(5):
        name = f"convolutions.{k}"
        x = f.conv2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], stride=2, padding=1)
        x = f.leaky_relu(norm(x, w, f"{name}.1"), 0.2)
        maps.append(x)
    return maps


def up(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    return f.conv_transpose2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=2, padding=1)


def generated(maps: list[Tensor], visual: Tensor | None, w: dict[str, Tensor]) -> Tensor:
    x = maps[4]
    if visual is not None:
        v = f.conv2d(visual[:, :, 0], w["fusion.reduce.0.weight"], w["fusion.reduce.0.bias"])
        v = f.relu(norm(v, w, "fusion.reduce.1")).reshape(len(x), -1, 1, 1)
        x = torch.cat((v.repeat(1, 1, *x.shape[2:]), x), 1)  # visual first
    for k in range(4):
        x = f.relu(norm(up(x, w, f"convolutions.{k}.0"), w, f"convolutions.{k}.1"))
        x = torch.cat((x, maps[3 - k]), 1)  # decoder first
    return up(x, w, "last")


def stirred(module: torch.nn.Module) -> dict[str, Tensor]:
    """Eval mode with statistics that are not 0 and 1, so that a forgotten normalisation shows."""
    for name, buffer in module.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 2)
    module.eval()
    return module.state_dict()


@pytest.mark.parametrize("visual", [VISUAL, None])
def test_equals_the_layers_written_out(visual: FeatureShape | None) -> None:
    encoder, generator = networks(visual)
    spectrogram = torch.randn(2, 2, 64, 32)
    features = torch.randn(2, 12, 1, 2, 3) if visual else None
    expected = generated(encoded(spectrogram, stirred(encoder)), features, stirred(generator)).tanh()
    with torch.no_grad():
        mask = generator(encoder(spectrogram), features, spectrogram)
    torch.testing.assert_close(mask.difference, expected)
    assert mask.left is None and mask.right is None


def test_audio_network_of_mono2binaural_has_its_parameters() -> None:
    """The official state dict's count, its 1x1 convolution included."""
    encoder, generator = networks(FeatureShape(512, 1, 7, 14), width=1, activation="sigmoid")
    assert sum(p.numel() for net in (encoder, generator) for p in net.parameters()) == 23_086_234
    assert generator.convolutions[0][0].weight.shape == (784 + 512, 512, 4, 4)


def test_levels_of_the_paper() -> None:
    levels = UnetEncoder(UnetEncoderSettings()).levels
    assert [(level.channels, level.reduction) for level in levels] == [
        (64, 2),
        (128, 4),
        (256, 8),
        (512, 16),
        (512, 32),
    ]


def test_declared_levels_are_the_maps() -> None:
    encoder, _ = networks()
    for level, features in zip(encoder.levels, encoder(torch.randn(2, 2, 96, 64)), strict=True):
        assert features.shape == (2, level.channels, 96 // level.reduction, 64 // level.reduction)


def test_an_encoder_of_more_planes_sees_each_of_them() -> None:
    torch.manual_seed(0)
    encoder = UnetEncoder(UnetEncoderSettings(width=1 / 16, planes=4)).eval()
    assert encoder.planes == 4
    assert encoder.convolutions[0][0].weight.shape == (4, 4, 4, 4)
    spectrograms = torch.randn(1, 4, 32, 32)
    for plane in range(4):
        other = spectrograms.clone()
        other[:, plane] = 0
        assert not torch.equal(encoder(other)[0], encoder(spectrograms)[0])


class Doubled(UnetMaskGenerator):
    """Doubles the decoder's second map."""

    def refine(self, place: int, decoded: Tensor, visual: Tensor | None) -> Tensor:
        return decoded * 2 if place == 1 else decoded


def test_a_subclass_reads_and_refines_the_decoders_maps() -> None:
    """up1 to up4, before a skip is joined; what is refined goes on to the next up-convolution."""
    encoder, plain = networks()
    refined = Doubled(UnetMaskSettings(), levels=encoder.levels, visual=VISUAL)
    refined.load_state_dict(plain.state_dict())
    spectrogram, visual = torch.randn(2, 2, 64, 32), torch.randn(2, 12, 1, 2, 3)
    for network in (encoder, plain, refined):
        network.eval()
    with torch.no_grad():
        maps = encoder(spectrogram)
        first, second = plain.decode(maps, visual), refined.decode(maps, visual)
        assert [tuple(x.shape[1:]) for x in first] == [(32, 4, 2), (16, 8, 4), (8, 16, 8), (4, 32, 16)]
        torch.testing.assert_close(second[:2], [first[0], 2 * first[1]])
        torch.testing.assert_close(second[2], plain.convolutions[2](torch.cat((2 * first[1], maps[2]), 1)))
        assert not torch.equal(
            refined(maps, visual, spectrogram).difference, plain(maps, visual, spectrogram).difference
        )


def test_sigmoid_mask_is_twice_the_sigmoid_minus_one() -> None:
    masks = []
    for activation in ("tanh", "sigmoid"):
        encoder, generator = networks(activation=activation)
        spectrogram = torch.ones(2, 2, 64, 32)
        masks.append(generator(encoder(spectrogram), torch.ones(2, 12, 1, 2, 3), spectrogram).difference)
    torch.testing.assert_close(torch.atanh(masks[1]), torch.atanh(masks[0]) / 2)


def test_order_of_picture_and_sound_at_the_bottleneck() -> None:
    """Swapping the order and the weights' rows accordingly changes nothing."""
    encoder, first = networks()
    _, second = networks(order="audio_visual")
    joined = first.convolutions[0][0].weight
    sound = encoder.levels[-1].channels
    with torch.no_grad():
        second.convolutions[0][0].weight.copy_(torch.cat((joined[-sound:], joined[:-sound])))
    spectrogram, visual = torch.randn(2, 2, 64, 32), torch.randn(2, 12, 1, 2, 3)
    masks = [net(encoder(spectrogram), visual, spectrogram).difference for net in (first, second)]
    torch.testing.assert_close(*masks)


def test_several_feature_pictures_each_keep_their_place() -> None:
    visual = FeatureShape(12, 3, 2, 2)
    _, generator = networks(visual)
    assert generator.fusion is not None
    assert generator.fusion.channels == 8 * 3 * 2 * 2
    generator.eval()
    features = torch.randn(1, 12, 3, 2, 2)
    fused = generator.fusion(features, (1, 1)).reshape(8, 3, 2, 2)
    alone = generator.fusion(features[:, :, 1:2], (1, 1)).reshape(8, 2, 2)
    torch.testing.assert_close(fused[:, 1], alone)


def test_masks_are_bounded_and_silence_is_finite() -> None:
    encoder, generator = networks()
    for scale in (0.0, 1e3):
        spectrogram = torch.randn(2, 2, 64, 32) * scale
        mask = generator(encoder(spectrogram), torch.zeros(2, 12, 1, 2, 3), spectrogram).difference
        assert mask.isfinite().all() and mask.abs().max() <= 1


def test_an_encoder_that_does_not_halve_step_by_step() -> None:
    with pytest.raises(RecipeError) as error:
        UnetMaskGenerator(UnetMaskSettings(), levels=[FeatureLevel(8, 2), FeatureLevel(8, 8)], visual=None)
    assert str(error.value) == (
        "model.mask_generator: the U-Net's up-convolutions undo halvings (2, 4, 8, ...); this audio encoder reduces by "
        "[2, 8]\n  Choose another audio encoder, or a mask generator made for it."
    )
