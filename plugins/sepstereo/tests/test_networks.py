"""APNet and AssoConv are the paper's networks, layer by layer, and take the official files."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from avspatial.errors import PluginError, RecipeError, RunError
from avspatial.interfaces import Batch, FeatureLevel, FeatureShape
from avspatial.models.published import load_published
from avspatial.recipe import load_recipe
from avspatial.recipe.catalogue import locate
from avspatial.registry import Registry, discover
from avspatial.signal import stereo
from avspatial.signal.spectrogram import apply_mask

PLUGINS = [Path(__file__).parents[2] / name for name in ("sepstereo", "mono2binaural", "resnet")]
SMALL = (
    "model.visual_encoder.backbone=test_resnet",
    "model.audio_encoder.width=0.03125",
    "window.picture=[64, 96]",
)
PLAIN = "model.visual_encoder={use: resnet, pretrained: false}"
Build = Callable[..., Any]


def _official() -> ModuleType:
    spec = importlib.util.spec_from_file_location("sepstereo_official", Path(__file__).with_name("official.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


official = _official()


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover(PLUGINS)


@pytest.fixture(scope="module")
def build(registry: Registry) -> Build:
    """The model of the paper's recipe, from scratch."""

    def built(*sets: str) -> Any:
        torch.manual_seed(0)
        scratch = ("data.root=nowhere", "model.visual_encoder.pretrained=false")
        recipe = load_recipe(locate("apnet_fairplay"), registry, (*scratch, *sets)).recipe
        return registry.build(recipe.model, framing=recipe.framing, builder=registry).eval()

    return built


@pytest.fixture(scope="module")
def paper(build: Build) -> Any:
    """At the paper's size. Tests fill it with weights and leave them there."""
    return build()


@pytest.fixture(scope="module")
def models(paper: Any, build: Build) -> dict[tuple[str, str], Any]:
    """Both variants at the paper's size, by variant and visual encoder."""
    return {("apnet", "dilated"): paper, ("assoconv", "plain"): build("model.mask_generator.variant=assoconv", PLAIN)}


@pytest.fixture(scope="module")
def small(build: Build) -> Any:
    return build(*SMALL)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_sizes_are_the_papers(paper: Any) -> None:
    head = count(paper.mask_generator.head)
    assert head == 1_274_230
    assert count(paper.audio_encoder) + count(paper.mask_generator) - head == 23_086_234
    assert count(paper.visual_encoder) == 11_176_512
    assert paper.visual_shape == FeatureShape(512, 1, 7, 14)
    files = sum(torch.Size(shape).numel() for shape in official.shapes()["fusion"].values())
    statistics = 3 * (2 * 98 + 1)  # of batch normalisation: no parameters
    assert files - statistics == 1_766_710 == head + 492_480


def test_the_last_layer_is_dilated_where_it_was_strided(paper: Any) -> None:
    seen = {}
    for block in (0, 1):
        for place, layer in paper.visual_encoder.network.layer4[block].named_modules():
            if isinstance(layer, torch.nn.Conv2d):
                seen[block, place] = (layer.kernel_size[0], layer.stride[0], layer.padding[0], layer.dilation[0])
    assert seen == {
        (0, "conv1"): (3, 1, 1, 1),
        (0, "conv2"): (3, 1, 2, 2),
        (0, "downsample.0"): (1, 1, 0, 1),
        (1, "conv1"): (3, 1, 2, 2),
        (1, "conv2"): (3, 1, 2, 2),
    }
    with torch.no_grad():
        before = paper.visual_encoder.network(torch.rand(1, 3, 224, 448))[-1]
        images = torch.rand(1, 1, 3, 224, 448)
        assert paper.encode_images(images).shape == (1, 512, 1, 7, 14)
    assert before.shape == (1, 512, 14, 28)


def test_a_network_that_cannot_be_dilated_is_refused(build: Build) -> None:
    with pytest.raises(PluginError) as error:
        build("model.visual_encoder.backbone=vgg11")
    assert str(error.value).startswith(
        "model.visual_encoder.backbone: vgg11 cannot be built with output_stride 16: "
    ) and str(error.value).endswith("\n  Choose a convolutional network, such as resnet18.")


@pytest.mark.parametrize(("variant", "encoder"), [("apnet", "dilated"), ("assoconv", "plain")])
def test_official_weights_give_what_the_papers_layers_give(
    models: dict[tuple[str, str], Any], tmp_path: Path, variant: str, encoder: str
) -> None:
    model = models[variant, encoder]
    parts = official.shapes(variant, encoder)
    state = {part: official.at_random(shapes, seed) for seed, (part, shapes) in enumerate(parts.items())}
    for part, weights in state.items():
        torch.save(weights, tmp_path / f"{part}.pth")
    load_published(model, {part: tmp_path / f"{part}.pth" for part in parts})
    generator = torch.Generator().manual_seed(4)
    picture = torch.rand(1, 1, 3, 224, 448, generator=generator)
    mixture = torch.randn(1, 2, 256, 64, generator=generator)
    with torch.no_grad():
        features = official.picture_features(state["visual"], picture[:, 0], encoder)
        visual = model.encode_images(picture)
        torch.testing.assert_close(visual[:, :, 0], features, rtol=1e-4, atol=1e-3)
        expected = official.masks(state["audio"] | state["fusion"], features, mixture, variant)
        found = model.masks(mixture, visual)
    for mask, other in zip((found.difference, found.left, found.right), expected, strict=True):
        torch.testing.assert_close(mask, other, rtol=1e-3, atol=1e-3)
        assert 0.05 < other.std() < 0.9
    assert (expected[1] - expected[2]).std() > 0.1


@pytest.mark.parametrize(("variant", "encoder"), [("apnet", "dilated"), ("assoconv", "plain")])
def test_every_official_name_has_its_place_and_its_shape(
    models: dict[tuple[str, str], Any], variant: str, encoder: str
) -> None:
    model = models[variant, encoder]
    state, names = model.state_dict(), model.published_names()
    for part, shapes in official.shapes(variant, encoder).items():
        assert names[part].keys() == shapes.keys()
        for name, own in names[part].items():
            assert own is None or tuple(state[own].shape) == shapes[name]
    unused = {name for pairs in names.values() for name, own in pairs.items() if own is None}
    assert unused == {name for name in unused if "channel_mapping_conv_b" in name or name.startswith("fc.")}
    assert state.keys() - {own for pairs in names.values() for own in pairs.values()} == {"mixture_rms"}


def hollow(part: str) -> dict[str, Tensor]:
    """A part's names and shapes in a small file: one number, repeated."""
    return {name: torch.zeros(()).expand(shape) for name, shape in official.shapes()[part].items()}


def refusal(model: Any, folder: Path, **changed: dict[str, Tensor]) -> str:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    files = {part: folder / f"{part}.pth" for part in ("visual", "audio", "fusion")}
    for part, path in files.items():
        torch.save(changed.get(part, hollow(part)), path)
    with pytest.raises(RunError) as error:
        load_published(model, files)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return str(error.value).replace(f"{folder}/", "")


def test_a_missing_a_surplus_and_a_misshapen_key_are_named(paper: Any, tmp_path: Path) -> None:
    weights = hollow("fusion")
    del weights["fusion2.channel_mapping_conv_b.bias"]
    weights["fusion5.channel_mapping_conv_w.bias"] = torch.zeros(2)
    weights["lastconv_left.0.weight"] = torch.zeros(98, 2, 4, 4)
    assert refusal(paper, tmp_path, fusion=weights) == (
        "fusion.pth: other weights than those of fusion: missing: fusion2.channel_mapping_conv_b.bias; "
        "not expected: fusion5.channel_mapping_conv_w.bias; "
        "of another shape: lastconv_left.0.weight is (98, 2, 4, 4) instead of (196, 2, 4, 4)\n"
        "  Give the file as its authors published it."
    )


def test_a_shuffled_file(paper: Any, tmp_path: Path) -> None:
    """The same tensors under each other's names."""
    weights = hollow("fusion")
    names = sorted(weights)
    shuffled = dict(zip(names, [weights[name] for name in reversed(names)], strict=True))
    assert refusal(paper, tmp_path, fusion=shuffled) == (
        "fusion.pth: other weights than those of fusion: of another shape: "
        "fusion1.channel_mapping_conv_w.weight is (2,) instead of (512, 512, 1), "
        "fusion1.channel_mapping_conv_w.bias is (196, 2, 4, 4) instead of (512,), "
        "fusion2.channel_mapping_conv_w.weight is () instead of (256, 512, 1), "
        "fusion2.channel_mapping_conv_w.bias is (98,) instead of (256,) and 26 more\n"
        "  Give the file as its authors published it."
    )


def test_the_plain_encoders_file_for_the_dilated_one(paper: Any, tmp_path: Path) -> None:
    """The very same weights, under other names: another function."""
    plain = {name: torch.zeros(()).expand(shape) for name, shape in official.shapes("apnet", "plain")["visual"].items()}
    assert refusal(paper, tmp_path, visual=plain) == (
        "visual.pth: other weights than those of visual: missing: features.0.weight, features.1.weight, "
        "features.1.bias, features.1.running_mean and 98 more; not expected: feature_extraction.0.weight, "
        "feature_extraction.1.weight, feature_extraction.1.bias, feature_extraction.1.running_mean and 116 more\n"
        "  Give the file as its authors published it."
    )


def test_associative_fusion_by_hand(small: Any) -> None:
    """W = ReLU(a 1x1 convolution of the places); the sum over the sound's channels, weighted by W, at each place."""
    fusion = small.mask_generator.head.fusions[0]
    sound = torch.randn(2, fusion.weights.out_channels, 3, 4)
    places = torch.randn(2, fusion.weights.in_channels, 5)
    with torch.no_grad():
        found = fusion(sound, places)
        linear = torch.einsum("ac,bcp->bap", fusion.weights.weight[..., 0], places)
        weights = (linear + fusion.weights.bias[:, None]).clamp_min(0)
    for place in range(5):
        expected = (weights[:, :, place, None, None] * sound).sum(1)
        torch.testing.assert_close(found[:, place], expected)


def windows() -> Batch:
    reference = torch.randn(2, 2, 10_080, generator=torch.Generator().manual_seed(1)) * 0.1
    return Batch(reference.sum(1), reference, torch.rand(2, 1, 3, 64, 96))


def test_three_terms_of_the_loss(small: Any) -> None:
    """crit(D', D) + 0.5 crit(2 L' - M, D) + 0.5 crit(M - 2 R', D)."""
    batch = windows()
    with torch.no_grad():
        terms = small.loss_terms(batch, "l1")
        spectrogram, truth = small.spectrogram(batch.mixture), small.spectrogram(stereo.difference(batch.reference))
        masks = small.masks(spectrogram, small.encode_images(batch.images))
        made = [apply_mask(mask, spectrogram) for mask in (masks.difference, masks.left, masks.right)]
    torch.testing.assert_close(terms["difference"], (made[0] - truth).abs().mean())
    torch.testing.assert_close(terms["left"], 0.5 * (2 * made[1] - spectrogram - truth).abs().mean())
    torch.testing.assert_close(terms["right"], 0.5 * (spectrogram - 2 * made[2] - truth).abs().mean())


def test_it_works_on_single_windows_alone(small: Any) -> None:
    """`--mode continuous` is refused: the head has one set of positions for all frames."""
    assert small.frame_step is None


def test_the_backbones_stereo_adds_up_and_the_fused_does_not(build: Build, small: Any) -> None:
    backbone = build(*SMALL, "model.output=backbone")
    backbone.load_state_dict(small.state_dict())
    batch = windows()
    with torch.no_grad():
        fused, added = (
            model.spatialize(batch.mixture, model.encode_images(batch.images)) for model in (small, backbone)
        )
    assert (small.preserves_mixture, backbone.preserves_mixture) == (False, True)
    torch.testing.assert_close(added.sum(1), batch.mixture, rtol=0, atol=1e-6)
    assert (fused.sum(1) - batch.mixture).abs().max() > 0.01


def test_fused_stereo_is_made_of_the_sides_masks(small: Any) -> None:
    batch = windows()
    with torch.no_grad():
        visual = small.encode_images(batch.images)
        found = small.spatialize(batch.mixture, visual)
        spectrogram = small.spectrogram(batch.mixture)
        masks = small.masks(spectrogram, visual)
        for side, mask in enumerate((masks.left, masks.right)):
            expected = small.spectrogram.inverse(apply_mask(mask, spectrogram), 10_080)
            torch.testing.assert_close(found[:, side], expected)


def test_fused_stereo_ends_in_the_middle_where_no_frame_reaches(build: Build) -> None:
    model = build(*SMALL, "window.seconds=1.0", "stft.n_fft=448", "stft.hop=240")
    mixture = torch.randn(1, 16_000)
    with torch.no_grad():
        made = model.spatialize(mixture, model.encode_images(torch.rand(1, 1, 3, 64, 96)))
    assert model.valid_samples == 15_120
    torch.testing.assert_close(made[:, :, 15_120:], mixture[:, None, 15_120:].expand(-1, 2, -1) / 2)
    assert not torch.equal(made[:, 0, :15_120], mixture[:, :15_120] / 2)


@pytest.mark.parametrize("wrong", ["activation: tanh", "order: audio_visual"])
def test_another_function_is_not_sep_stereo(registry: Registry, wrong: str) -> None:
    key, value = wrong.split(": ")
    settings = registry.get("spatializer", "sepstereo").settings_class()
    plain = {**settings.example, "mask_generator": {"use": "apnet", key: value}}
    with pytest.raises(ValidationError) as error:
        settings.model_validate(plain, context={"registry": registry})
    assert error.value.errors()[0]["msg"] == (
        "Value error, Sep-Stereo's mask_generator is {use: apnet, activation: sigmoid, order: visual_audio}"
    )


def test_without_pictures_there_are_no_places(registry: Registry) -> None:
    settings = registry.get("spatializer", "sepstereo").settings_class()
    with pytest.raises(ValidationError) as error:
        settings.model_validate({**settings.example, "visual_encoder": None}, context={"registry": registry})
    assert error.value.errors()[0]["msg"] == (
        "Value error, Sep-Stereo needs a visual_encoder: it joins audio and images position by position"
    )
    masking = registry.get("spatializer", "masking").settings_class()
    plain = {"visual_encoder": None, "audio_encoder": "unet", "mask_generator": "apnet"}
    chosen = masking.model_validate(plain, context={"registry": registry}).mask_generator
    with pytest.raises(RecipeError) as refused:
        registry.build(chosen, levels=[FeatureLevel(4, 2), FeatureLevel(8, 4)], visual=None)
    assert str(refused.value) == (
        "model.mask_generator: APNet joins audio and images position by position, and the model has no visual encoder\n"
        "  Give the model a visual_encoder, or take the mask generator unet."
    )
