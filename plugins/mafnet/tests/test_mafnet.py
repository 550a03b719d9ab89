"""The Main and the Complete network are what README.md says of them, layer by layer and pass by pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from avspatial_mafnet.attention import Attention, Avafm
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional as f

from avspatial.errors import RecipeError
from avspatial.framing import Framing
from avspatial.interfaces import Batch
from avspatial.recipe import load_recipe
from avspatial.recipe.catalogue import locate
from avspatial.registry import Registry, discover
from avspatial.signal import stereo
from avspatial.signal.spectrogram import apply_mask
from avspatial.testing import conformance, run_checks

PLUGINS = Path(__file__).parents[2]
HOMES = [PLUGINS / "mafnet", PLUGINS / "resnet"]
FRAMING = Framing.model_validate({"window": {"pictures": 2, "picture": [64, 96]}})
VISUAL = {"use": "resnet.resnet", "backbone": "test_resnet", "pretrained": False}
UNET = {"use": "unet", "width": 1 / 32}

test_avafm = conformance("mafnet.avafm", plugins=HOMES)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover(HOMES)


def model(registry: Registry, use: str = "complete", **settings: Any) -> Any:
    """Small and awake: weights large enough that pictures and passes matter, the gains not at zero."""
    entry = registry.get("spatializer", use)
    given = {"visual_encoder": VISUAL, "audio_encoder": UNET, "mask_generator": "avafm", **settings}
    if use == "complete":
        given.setdefault("refining_encoder", {**UNET, "planes": 4})
    torch.manual_seed(0)
    chosen = entry.settings_class().model_validate(given, context={"registry": registry})
    built = entry.target_class()(chosen, framing=FRAMING, builder=registry)
    with torch.no_grad():
        for name, parameter in built.named_parameters():
            if name.endswith("gain"):
                parameter.fill_(0.5)
            elif parameter.ndim == 4 and not name.startswith("visual_encoder"):
                parameter.mul_(5)
    return built.eval()


def noise() -> tuple[Tensor, Tensor]:
    """Two mixtures (2, T) and their pictures."""
    generator = torch.Generator().manual_seed(1)
    mixture = 0.2 * torch.randn(2, FRAMING.samples, generator=generator)
    return mixture, torch.rand(2, 2, 3, 64, 96, generator=generator)


def masks(built: Any) -> Tensor:
    mixture, images = noise()
    with torch.no_grad():
        found: Tensor = built.masks(built.spectrogram(mixture), built.encode_images(images)).difference
    return found


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def attended(w: dict[str, Tensor], asking: Tensor, asked: Tensor) -> Tensor:
    """Attention written out: every place's scores, their softmax, the values' mean."""

    def layer(name: str, x: Tensor) -> Tensor:
        return f.conv2d(x, w[f"{name}.weight"], w.get(f"{name}.bias"))

    query, key, value = (layer(n, x).flatten(2) for n, x in (("query", asking), ("key", asked), ("value", asked)))
    scores = torch.einsum("bcq,bck->bqk", query, key) / query.shape[1] ** 0.5
    found = torch.einsum("bqk,bck->bcq", scores.exp() / scores.exp().sum(-1, keepdim=True), value)
    return asking + w["gain"] * norm(w, "found.1", layer("found.0", found.reshape(len(found), -1, *asking.shape[2:])))


def norm(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    mean, variance, weight, bias = (
        w[f"{name}.{each}"][:, None, None] for each in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def part(w: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in w.items() if key.startswith(f"{name}.")}


def test_the_module_is_its_layers_written_out() -> None:
    """Pictures attend to themselves, sound to them at a quarter of its channels; joined, sound second; 3x3."""
    torch.manual_seed(2)
    module = Avafm(8, 12, 4).eval()
    for name, tensor in module.state_dict().items():
        if name.endswith(("gain", "running_var")):
            tensor.uniform_(0.5, 2)
    w = module.state_dict()
    sound, picture = torch.randn(2, 8, 6, 4), torch.randn(2, 12, 2, 3)
    seen = attended(part(w, "pictures"), picture, picture)
    both = torch.cat((attended(part(w, "sound"), sound, seen), sound), 1)
    expected = norm(w, "merge.1", f.conv2d(both, w["merge.0.weight"], w["merge.0.bias"], padding=1)).relu()
    with torch.no_grad():
        torch.testing.assert_close(module(sound, picture), expected)
    assert w["sound.query.weight"].shape == (2, 8, 1, 1) and w["sound.key.weight"].shape == (2, 12, 1, 1)
    assert w["pictures.value.weight"].shape == (3, 12, 1, 1)


def test_at_first_attention_adds_nothing_and_only_its_gain_learns_then_everything() -> None:
    torch.manual_seed(0)
    attention = Attention(4, 6, 2)
    asking, asked = torch.randn(3, 4, 5, 5), torch.randn(3, 6, 2, 2)
    torch.testing.assert_close(attention(asking, asked), asking, rtol=0, atol=0)
    optimizer = torch.optim.SGD(attention.parameters(), lr=0.1)
    moved = []
    for _ in range(2):
        optimizer.zero_grad()
        (attention(asking, asked) - torch.randn(3, 4, 5, 5)).square().sum().backward()
        moved.append({name for name, p in attention.named_parameters() if p.grad is not None and p.grad.any()})
        optimizer.step()
    assert moved == [{"gain"}, {name for name, _ in attention.named_parameters()}]


def test_every_picture_is_attended_to(registry: Registry) -> None:
    """Each of a window's two pictures moves what comes out of the last level."""
    built = model(registry, "masking")
    shape = built.visual_shape
    sound, visual = torch.randn(1, 2, 2, 2), torch.randn(2, shape.channels, 2, shape.height, shape.width)
    with torch.no_grad():
        before = built.mask_generator.refine(3, sound, visual[:1])
        for picture in range(2):
            other = visual[:1].clone()
            other[:, :, picture] = visual[1:, :, picture]
            assert (built.mask_generator.refine(3, sound, other) - before).abs().max() > 1e-4


def test_the_sizes_that_the_readme_says(registry: Registry) -> None:
    sizes = {}
    for name in ("main_fairplay", "complete_fairplay"):
        recipe = load_recipe(locate(name), registry, ("data.root=x", "model.visual_encoder.pretrained=false")).recipe
        built = registry.build(recipe.model, framing=recipe.framing, builder=registry)
        sizes[name] = count(built)
        assert count(built.mask_generator.attention) == 7_748_712
        assert count(built.audio_encoder) + count(built.mask_generator) == 23_086_234 + 7_748_712
    assert sizes == {"main_fairplay": 42_011_458, "complete_fairplay": 72_848_452}
    text = (PLUGINS / "mafnet" / "README.md").read_text(encoding="utf-8")
    assert all(f"{size:,}" in text for size in (7_748_712, *sizes.values()))


def test_one_pass_is_the_main_network(registry: Registry) -> None:
    main, complete = model(registry, "masking"), model(registry, passes=1, refining_encoder=None)
    assert main.state_dict().keys() == complete.state_dict().keys()
    torch.testing.assert_close(masks(complete), masks(main), rtol=0, atol=0)


def test_a_later_pass_sees_mixture_and_difference_and_adds_a_residual(registry: Registry) -> None:
    built = model(registry)
    mixture, images = noise()
    with torch.no_grad():
        spectrogram, visual = built.spectrogram(mixture), built.encode_images(images)
        first = built.mask_generator(built.audio_encoder(spectrogram), visual, spectrogram).difference
        shown = torch.cat((spectrogram, apply_mask(first, spectrogram)), 1)
        maps = built.refining_encoders[0](shown)
        residual = built.refining_generators[0](maps, visual, spectrogram).difference
        after = [each.difference for each in built.refined(spectrogram, visual)]
    torch.testing.assert_close(after, [first, first + residual])
    assert residual.abs().mean() > 1e-3
    torch.testing.assert_close(built(mixture, images).sum(1), mixture, rtol=0, atol=1e-5)


def test_the_loss_is_summed_over_the_passes(registry: Registry) -> None:
    built = model(registry, passes=3)
    mixture, images = noise()
    difference = 0.3 * mixture
    with torch.no_grad():
        terms = built.loss_terms(Batch(mixture, stereo.stereo(mixture, difference), images), "mse")
        spectrogram = built.spectrogram(mixture)
        for number, after in enumerate(built.refined(spectrogram, built.encode_images(images)), 1):
            expected = (apply_mask(after.difference, spectrogram) - 0.3 * spectrogram).square().mean()
            torch.testing.assert_close(terms[f"difference_{number}"], expected)
    assert len(terms) == 3


def test_a_trainer_that_shows_it_features_of_its_own_gets_the_same_loss(registry: Registry) -> None:
    """As sepstereo's does for its solos: every pass is taught there too, not the last alone."""
    built = model(registry)
    mixture, images = noise()
    reference = stereo.stereo(mixture, 0.3 * mixture)
    with torch.no_grad():
        terms = built.loss_terms(Batch(mixture, reference, images), "l1")
        seeing = built.loss_terms_given(mixture, reference, built.encode_images(images), "l1")
    assert list(seeing) == ["difference_1", "difference_2"]
    torch.testing.assert_close(seeing, terms, rtol=0, atol=0)


@pytest.mark.parametrize("spatializer", ["masking", "complete"])
def test_it_works_on_single_windows_alone(registry: Registry, spatializer: str) -> None:
    """`--mode continuous` is refused: attention reaches every frame of a window."""
    assert model(registry, spatializer).frame_step is None


def test_what_is_shared(registry: Registry) -> None:
    """A pass of its own costs an encoder and a mask generator; where all is shared, no pass after the first costs."""
    own = {
        shared: count(model(registry, passes=3, shared=shared)) - count(model(registry, "masking"))
        for shared in ("none", "later")
    }
    assert own["none"] == 2 * own["later"] > 0
    together = {"shared": "all", "refining_encoder": None, "audio_encoder": {**UNET, "planes": 4}}
    assert count(model(registry, passes=2, **together)) == count(model(registry, passes=5, **together))


def test_where_all_is_shared_the_first_pass_is_shown_a_difference_of_zeros(registry: Registry) -> None:
    built = model(registry, passes=3, shared="all", refining_encoder=None, audio_encoder={**UNET, "planes": 4})
    mixture, images = noise()
    shown: list[Tensor] = []
    built.audio_encoder.register_forward_pre_hook(lambda module, inputs: shown.append(inputs[0]))
    with torch.no_grad():
        spectrogram = built.spectrogram(mixture)
        after = built.refined(spectrogram, built.encode_images(images))
    so_far = [torch.zeros_like(spectrogram), *(apply_mask(each.difference, spectrogram) for each in after[:-1])]
    torch.testing.assert_close(shown, [torch.cat((spectrogram, each), 1) for each in so_far])


def test_without_feedback_a_later_pass_sees_the_mixture_alone(registry: Registry) -> None:
    built = model(registry, feedback="none", refining_encoder=UNET)
    shown: list[Tensor] = []
    built.refining_encoders[0].register_forward_pre_hook(lambda module, inputs: shown.append(inputs[0]))
    masks(built)
    torch.testing.assert_close(shown, [built.spectrogram(noise()[0])])


@pytest.mark.parametrize(
    "settings",
    [
        {"passes": 3, "shared": "all", "refining_encoder": None, "audio_encoder": {**UNET, "planes": 4}},
        {"passes": 3, "shared": "none", "feedback": "none", "refining_encoder": UNET},
    ],
    ids=["all shared", "nothing shared, no feedback"],
)
def test_the_other_settings_keep_a_spatializers_promises(registry: Registry, settings: dict[str, Any]) -> None:
    given = {"visual_encoder": VISUAL, "audio_encoder": UNET, "mask_generator": "avafm", **settings}
    only = ("shapes", "learns", "pictures_matter", "items_independent", "state_survives", "mixture_kept")
    results = run_checks("mafnet.complete", settings=given, only=only, registry=registry)
    assert [str(result) for result in results if result.status != "passed"] == []
    assert len(results) == 1 + len(only)


def refusal(build: Callable[[], Any]) -> str:
    with pytest.raises(RecipeError) as error:
        build()
    return str(error.value)


def test_a_model_without_pictures(registry: Registry) -> None:
    assert refusal(lambda: model(registry, "masking", visual_encoder=None)) == (
        "model.mask_generator: "
        "attention between sound and picture needs pictures, and the model has no visual encoder\n"
        "  Give the model a visual encoder, or take the mask generator unet."
    )


def test_encoders_of_another_number_of_planes(registry: Registry) -> None:
    assert refusal(lambda: model(registry, refining_encoder=UNET)) == (
        "model.refining_encoder: 4 planes of spectrograms go into this audio encoder, and it takes 2\n"
        "  Set its planes to 4, or take an encoder made for 4."
    )
    assert refusal(lambda: model(registry, shared="all", refining_encoder=None)).startswith(
        "model.audio_encoder: 4 planes of spectrograms go into this audio encoder, and it takes 2\n"
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"refining_encoder": None}, "the passes after the first need a refining_encoder, or `shared: all`"),
        ({"passes": 1}, "with one pass no pass would use refining_encoder: set it to null"),
        ({"shared": "all"}, "with `shared: all` no pass would use refining_encoder: set it to null"),
        (
            {"shared": "all", "feedback": "none", "refining_encoder": None},
            "with `shared: all` and `feedback: none` every pass would compute the same",
        ),
    ],
)
def test_settings_that_contradict_each_other(registry: Registry, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        model(registry, **settings)
    assert [each["msg"] for each in error.value.errors()] == [f"Value error, {message}"]
