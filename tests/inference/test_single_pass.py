"""A single pass in chunks equals one long pass; a model optimized for inference equals the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.guided_model import guided_model
from torch import Tensor

from avspatial.errors import DataError
from avspatial.framing import Framing, Stft, Window
from avspatial.inference.optimize import SubpixelUpsample, optimize_for_inference
from avspatial.inference.overlap_add import OverlapAdd
from avspatial.inference.single_pass import SinglePass
from avspatial.inference.visual_features import ClipImages, VisualFeatureCache
from avspatial.interfaces import Spatializer
from avspatial.models.masking import MaskingSpatializer
from avspatial.models.settings import C3dSettings, MaskingSettings, UnetEncoderSettings, UnetMaskSettings
from avspatial.models.unet import up_convolve_constant
from avspatial.recipe.schema import Inference
from avspatial.registry import Registry
from avspatial.settings import Selected

WINDOW = Window(seconds=0.128, rate=8000, fps=10, pictures=4, picture=(32, 32))
FRAMING = Framing(window=WINDOW, stft=Stft(n_fft=64, window=64, hop=16))


@pytest.fixture(scope="module")
def model(builtin_registry: Registry) -> Spatializer:
    made = guided_model(FRAMING, builtin_registry, visual_width=1 / 16, width=1 / 32, louder=10)
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.3)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 2)  # type: ignore[union-attr]
    return made.eval()


@pytest.fixture(scope="module")
def clip() -> tuple[Tensor, np.ndarray]:
    random = np.random.default_rng(0)
    swell = np.linspace(0.02, 0.3, 30011)
    sound = (swell * random.standard_normal((1, 30011))).astype(np.float32)
    return torch.from_numpy(sound), random.integers(0, 256, (38, 32, 32, 3), dtype=np.uint8)


def fed(processor: SinglePass | OverlapAdd, sound: Tensor, length: int) -> Tensor:
    parts = [processor.push(sound[:, start : start + length]) for start in range(0, sound.shape[1], length)]
    return torch.cat((*parts, processor.finish()), 1)


@pytest.mark.parametrize(("core", "length"), [(24, 30011), (6, 1000), (2, 777), (1, 5000)])
def test_chunks_give_the_result_of_one_long_pass(
    model: Spatializer, clip: tuple[Tensor, np.ndarray], core: int, length: int
) -> None:
    def features() -> VisualFeatureCache:
        return VisualFeatureCache(model, ClipImages(clip[1]), 8)

    complete = fed(SinglePass(model, features(), core=1000), clip[0], 30011)
    parts = fed(SinglePass(model, features(), core=core), clip[0], length)
    assert complete.shape == (2, 30011)
    assert (complete[0] - complete[1]).std() > 1e-3
    torch.testing.assert_close(parts, complete, atol=1e-5, rtol=0)


@pytest.mark.parametrize("samples", [1, 15, 500, 512, 1024, 1025])
def test_any_length_comes_out_as_long(model: Spatializer, clip: tuple[Tensor, np.ndarray], samples: int) -> None:
    sound = clip[0][:, :samples]
    out = fed(SinglePass(model, VisualFeatureCache(model, ClipImages(clip[1]), 8)), sound, 100)
    torch.testing.assert_close(out.sum(0), 2 * sound[0], atol=1e-5, rtol=1e-5)


def test_a_long_sound_takes_no_more_memory_than_a_chunk(model: Spatializer, clip: tuple[Tensor, np.ndarray]) -> None:
    processor = SinglePass(model, VisualFeatureCache(model, ClipImages(clip[1]), 8), core=4)
    for _ in range(10):
        processor.push(clip[0][:, :4000])
        assert len(processor._mixture) <= (4 + 2 * 4) * 512 + 2 * 1024 + 4000
        assert len(processor._features) <= 6


def test_the_pictures_of_a_steps_own_time_guide_it(model: Spatializer, clip: tuple[Tensor, np.ndarray]) -> None:
    other = clip[1].copy()
    other[25:] = 255 - other[25:]
    outs = [
        fed(SinglePass(model, VisualFeatureCache(model, ClipImages(pictures), 8)), clip[0], 5000)
        for pictures in (clip[1], other)
    ]
    changed = (outs[0] - outs[1]).abs().amax(0) > 1e-6
    # A step's pictures lie within a window of it, and what it computes within four steps.
    assert not changed[: round(2.5 * 8000) - 4 * 512 - 1024].any()
    assert changed[round(2.7 * 8000) :].float().mean() > 0.9


def test_a_model_of_single_windows_refuses(model: Spatializer) -> None:
    class Other(MaskingSpatializer):
        frame_step = None

    single = object.__new__(Other)
    single.__dict__.update(model.__dict__)
    with pytest.raises(DataError) as caught:
        SinglePass(single, lambda starts: None)
    assert str(caught.value) == (
        "mode continuous: this model can only process single windows\n  Omit --mode: `exact` works with every model."
    )


def test_masks_made_in_another_way_are_not_taken_for_granted(model: Spatializer) -> None:
    class Passes(MaskingSpatializer):
        def masks(self, mixture: Tensor, visual: Tensor | None) -> object:  # type: ignore[override]
            return super().masks(mixture, visual)

    other = object.__new__(Passes)
    other.__dict__.update(model.__dict__)
    assert model.frame_step == 512
    assert other.frame_step is None


def test_the_model_for_inference_is_the_model(model: Spatializer, clip: tuple[Tensor, np.ndarray]) -> None:
    quick = optimize_for_inference(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    outs = [
        fed(OverlapAdd(each, 1, VisualFeatureCache(each, ClipImages(clip[1]), 8), Inference(hop=0.05)), clip[0], 3000)
        for each in (model, quick)
    ]
    assert (outs[0][0] - outs[0][1]).std() > 1e-3
    torch.testing.assert_close(outs[1], outs[0], atol=2e-6, rtol=0)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in quick.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_very_narrow_model_for_inference_is_the_model_too(builtin_registry: Registry) -> None:
    visual, audio = C3dSettings(pretrained=False, width=1 / 32), UnetEncoderSettings(width=1 / 64)
    chosen = {
        "visual_encoder": Selected("visual_encoder", "avspatial.c3d", "1", visual),
        "audio_encoder": Selected("audio_encoder", "avspatial.unet", "1", audio),
        "mask_generator": Selected("mask_generator", "avspatial.unet", "1", UnetMaskSettings()),
    }
    settings = MaskingSettings.model_validate(chosen)
    narrow = MaskingSpatializer(settings, framing=FRAMING, builder=builtin_registry).eval()
    mixture, images = torch.randn(2, FRAMING.samples), torch.rand(2, 4, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(
            optimize_for_inference(narrow)(mixture, images), narrow(mixture, images), atol=2e-6, rtol=0
        )


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (8, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_an_up_convolution_to_few_channels(size: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    up = torch.nn.ConvTranspose2d(5, 2, 4, 2, 1, bias=bias)
    x = torch.randn(3, 5, *size)
    torch.testing.assert_close(SubpixelUpsample(up)(x), up(x))


@pytest.mark.parametrize("size", [(2, 1), (1, 2), (8, 2), (4, 16)])
def test_an_up_convolution_of_maps_that_are_everywhere_the_same(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    weight, vector = torch.randn(6, 4, 4, 4), torch.randn(2, 6, 1, 1)
    complete = torch.nn.functional.conv_transpose2d(vector.expand(-1, -1, *size), weight, None, 2, 1)
    found = up_convolve_constant(vector.expand(-1, -1, 2, 2), weight, [2 * size[0], 2 * size[1]])
    torch.testing.assert_close(found, complete)
