"""MONO2BINAURAL is the paper's network, layer by layer, and takes the official files."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file
from support.mono2binaural_reference import at_random, decoded, picture_features
from torch import Tensor

from avspatial.errors import RunError
from avspatial.interfaces import Batch, FeatureShape
from avspatial.models.published import load_published
from avspatial.recipe import load_recipe
from avspatial.recipe.catalogue import locate
from avspatial.registry import Registry, discover

PLUGINS = Path(__file__).parents[2]
GOLDEN = Path(__file__).with_name("golden.safetensors")
SMALL = (
    "model.visual_encoder.backbone=test_resnet",
    "model.audio_encoder.width=0.03125",
    "window.picture=[64, 96]",
)


def _official() -> ModuleType:
    spec = importlib.util.spec_from_file_location("official", Path(__file__).with_name("official.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


official = _official()


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([PLUGINS / "mono2binaural", PLUGINS / "resnet"])


def build(registry: Registry, *sets: str) -> Any:
    """The model of the paper's recipe, from scratch."""
    torch.manual_seed(0)
    scratch = ("data.root=nowhere", "model.visual_encoder.pretrained=false")
    recipe = load_recipe(locate("mono2binaural_fairplay"), registry, (*scratch, *sets)).recipe
    return registry.build(recipe.model, framing=recipe.framing, builder=registry).eval()


@pytest.fixture(scope="module")
def paper(registry: Registry) -> Any:
    """At the paper's size. Tests fill it with weights and leave them there."""
    return build(registry)


def save(folder: Path, numbers: Any) -> dict[str, Path]:
    files = {}
    for part in ("visual", "audio"):
        files[part] = folder / f"{part}.pth"
        torch.save(official.state(part, numbers), files[part])
    return files


def hollow(part: str) -> dict[str, Tensor]:
    """A part's names and shapes in a small file: one number, repeated."""
    return {name: torch.zeros(()).expand(shape) for name, shape in official.SHAPES[part].items()}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for part in ("visual", "audio"):
        torch.save(hollow(part), tmp_path / f"{part}.pth")
    return {part: tmp_path / f"{part}.pth" for part in ("visual", "audio")}


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_size_is_the_papers(paper: Any) -> None:
    assert count(paper.audio_encoder) + count(paper.mask_generator) == 23_086_234
    assert count(paper.visual_encoder) == 11_176_512
    assert paper.visual_shape == FeatureShape(512, 1, 7, 14)
    assert paper.mask_generator.fusion.channels == 784
    framing = paper.framing
    assert (framing.samples, framing.bins, framing.stft_frames, paper.valid_samples) == (10_080, 256, 64, 10_080)


def test_every_official_name_has_its_place_and_its_shape(paper: Any) -> None:
    state = paper.state_dict()
    names = paper.published_names()
    assert set(names) == {"visual", "audio"}
    for part, pairs in names.items():
        assert {name: tuple(state[own].shape) for name, own in pairs.items()} == official.SHAPES[part]
    assert state.keys() - {own for pairs in names.values() for own in pairs.values()} == {"mixture_rms"}


def test_official_weights_give_what_the_papers_layers_give(paper: Any, tmp_path: Path) -> None:
    numbers = at_random(3)
    files = save(tmp_path, numbers)
    load_published(paper, files)
    visual, audio = (torch.load(files[part], weights_only=True) for part in ("visual", "audio"))
    generator = torch.Generator().manual_seed(4)
    picture = torch.rand(1, 1, 3, 224, 448, generator=generator)
    mixture = torch.randn(1, 2, 256, 64, generator=generator)
    with torch.no_grad():
        features = picture_features(visual, official.TITLE, picture[:, 0])
        visual = paper.encode_images(picture)
        torch.testing.assert_close(visual[:, :, 0], features, rtol=1e-4, atol=1e-3)
        expected, _ = decoded(audio, features, mixture)
        torch.testing.assert_close(paper.masks(mixture, visual).difference, expected, rtol=1e-4, atol=1e-4)
    assert 0.1 < expected.std() < 0.9


def test_golden(paper: Any, tmp_path: Path) -> None:
    """`python plugins/mono2binaural/tests/official.py` wrote the file."""
    load_published(paper, save(tmp_path, official.by_formula))
    picture, mixture = official.golden_input()
    with torch.no_grad():
        mask = paper.masks(mixture, paper.encode_images(picture[:, None])).difference
    torch.testing.assert_close(official.golden_view(mask), load_file(GOLDEN)["mask"], rtol=1e-4, atol=1e-4)


def test_left_and_right_add_up_to_the_mixture(registry: Registry) -> None:
    model = build(registry, *SMALL)
    mixture = torch.randn(2, 10_080) * 0.1
    with torch.no_grad():
        stereo = model(mixture, torch.rand(2, 1, 3, 64, 96))
    torch.testing.assert_close(stereo.sum(1), mixture, rtol=0, atol=1e-6)


def test_every_parameter_learns_by_mse(registry: Registry) -> None:
    model = build(registry, *SMALL).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)  # from scratch, timm starts residual branches at zero
    reference = torch.randn(2, 2, 10_080) * 0.1
    terms = model.loss_terms(Batch(reference.sum(1), reference, torch.rand(2, 1, 3, 64, 96)), "mse")
    assert set(terms) == {"difference"}
    terms["difference"].backward()
    still = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert still == []


def test_an_old_file_without_batch_counters(paper: Any, files: dict[str, Path]) -> None:
    for part, path in files.items():
        torch.save({name: x for name, x in hollow(part).items() if not name.endswith("num_batches_tracked")}, path)
    load_published(paper, files)
    assert not paper.audio_encoder.convolutions[0][0].weight.any()


def refusal(model: Any, files: dict[str, Path]) -> str:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(RunError) as error:
        load_published(model, files)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    return str(error.value)


def test_a_missing_a_surplus_and_a_misshapen_key_are_named(paper: Any, files: dict[str, Path]) -> None:
    weights = hollow("audio")
    del weights["audionet_upconvlayer5.0.bias"]
    weights["audionet_upconvlayer6.0.bias"] = torch.zeros(2)
    weights["conv1x1.0.weight"] = torch.zeros(16, 512, 1, 1)
    torch.save(weights, files["audio"])
    assert refusal(paper, files) == (
        f"{files['audio']}: other weights than those of audio: missing: audionet_upconvlayer5.0.bias; "
        "not expected: audionet_upconvlayer6.0.bias; "
        "of another shape: conv1x1.0.weight is (16, 512, 1, 1) instead of (8, 512, 1, 1)\n"
        "  Give the file as its authors published it."
    )


def test_a_shuffled_file(paper: Any, files: dict[str, Path]) -> None:
    """The same tensors under each other's names."""
    weights = hollow("visual")
    names = sorted(weights)
    torch.save(dict(zip(names, [weights[name] for name in reversed(names)], strict=True)), files["visual"])
    assert refusal(paper, files) == (
        f"{files['visual']}: other weights than those of visual: of another shape: "
        "feature_extraction.0.weight is (512, 512, 3, 3) instead of (64, 3, 7, 7), "
        "feature_extraction.1.weight is () instead of (64,), "
        "feature_extraction.1.bias is (512, 512, 3, 3) instead of (64,), "
        "feature_extraction.1.running_mean is (512,) instead of (64,) and 116 more\n"
        "  Give the file as its authors published it."
    )


def test_exchanged_files(paper: Any, files: dict[str, Path]) -> None:
    assert refusal(paper, {"visual": files["audio"], "audio": files["visual"]}) == (
        f"{files['audio']}: other weights than those of visual: missing: feature_extraction.0.weight, "
        "feature_extraction.1.weight, feature_extraction.1.bias, feature_extraction.1.running_mean and 96 more; "
        "not expected: audionet_convlayer1.0.weight, audionet_convlayer1.0.bias, audionet_convlayer1.1.weight, "
        "audionet_convlayer1.1.bias and 68 more\n  These are the keys of audio: are the files exchanged?"
    )


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (("visual",), "audio is missing"),
        ((), "visual is missing; audio is missing"),
        (("visual", "audio", "fusion"), "there is no fusion"),
    ],
)
def test_a_part_too_few_or_too_many(paper: Any, given: tuple[str, ...], wrong: str) -> None:
    assert refusal(paper, {part: Path(f"{part}.pth") for part in given}) == (
        f"the weights are published in parts, one file each: visual, audio; {wrong}\n  Give --visual FILE --audio FILE."
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no such file of pretrained weights"),
        (b"<html>not found</html>", "not a readable torch file of weights alone"),
    ],
)
def test_a_file_that_holds_no_weights(paper: Any, files: dict[str, Path], content: bytes | None, why: str) -> None:
    files["visual"].unlink()
    if content is not None:
        files["visual"].write_bytes(content)
    assert refusal(paper, files) == f"{files['visual']}: {why}\n  Give the file as its authors published it."


def test_code_in_a_file_is_not_run(paper: Any, files: dict[str, Path]) -> None:
    torch.save({"feature_extraction.0.weight": Path("anything that is no tensor")}, files["visual"])
    assert refusal(paper, files) == (
        f"{files['visual']}: not a readable torch file of weights alone\n  Give the file as its authors published it."
    )


def test_files_that_do_not_fill_the_model(registry: Registry, files: dict[str, Path]) -> None:
    """A visual encoder that is no timm network has nothing that the official names could mean."""
    c3d = "model.visual_encoder={use: c3d, pretrained: false, width: 0.03125}"
    model = build(registry, c3d, "window.pictures=4", "model.audio_encoder.width=0.03125", "window.picture=[32, 32]")
    torch.save({}, files["visual"])
    names = model.published_names()["audio"]
    torch.save({name: model.state_dict()[own].clone() for name, own in names.items()}, files["audio"])
    unnamed = [name for name in model.state_dict() if name.startswith("visual_encoder.")]
    assert refusal(model, files) == (
        f"model: the published files do not fill this model: missing: {', '.join(unnamed[:4])} "
        f"and {len(unnamed) - 4} more\n"
        "  Take the recipe that the weights were published for."
    )


def test_all_weights_from_an_imported_file(registry: Registry, tmp_path: Path) -> None:
    first = build(registry, *SMALL)
    path = tmp_path / "mine.safetensors"
    save_file(first.state_dict(), path)
    second = build(registry, *SMALL, f"model.pretrained={path}")
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "there is no such file of pretrained weights"),
        (b"no tensors", "not a readable safetensors file"),
        ({"mixture_rms": torch.tensor(0.1)}, None),
    ],
)
def test_an_imported_file_that_does_not_fit(registry: Registry, tmp_path: Path, content: Any, why: str | None) -> None:
    path = tmp_path / "mine.safetensors"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        save_file(content, path)
        first = list(build(registry, *SMALL).state_dict())
        why = f"other weights than Mono2Binaural's: missing: {', '.join(first[1:5])} and {len(first) - 5} more"
    with pytest.raises(RunError) as error:
        build(registry, *SMALL, f"model.pretrained={path}")
    assert str(error.value) == f"{path}: {why}\n  Name another file, or set pretrained: false to train from scratch."


@pytest.mark.parametrize("wrong", [{"activation": "tanh"}, {"order": "audio_visual"}])
def test_another_function_is_not_mono2binaural(registry: Registry, wrong: dict[str, str]) -> None:
    """A public port joins (audio, visual), and its weights load all the same."""
    settings = registry.get("spatializer", "mono2binaural").settings_class()
    mask = {"use": "unet", "activation": "sigmoid", "order": "visual_audio", **wrong}
    with pytest.raises(ValidationError) as error:
        settings.model_validate(
            {"visual_encoder": None, "audio_encoder": "unet", "mask_generator": mask}, context={"registry": registry}
        )
    assert error.value.errors()[0]["msg"] == (
        "Value error, MONO2BINAURAL's mask_generator is {use: unet, activation: sigmoid, order: visual_audio}"
    )
