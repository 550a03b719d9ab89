"""Sep-Stereo's training: what a separation sample is, which stage learns what at which rate, and exact resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from rich.console import Console
from safetensors.torch import load_file

from avspatial.errors import Interrupted, PluginError
from avspatial.interfaces import Batch, Spatializer, Trainer
from avspatial.recipe import components, load_recipe
from avspatial.recipe.catalogue import locate
from avspatial.recipe.schema import Recipe
from avspatial.registry import Registry, discover
from avspatial.runs.directory import Run
from avspatial.training.devices import Devices
from avspatial.training.loop import train

PLUGINS = [Path(__file__).parents[2] / name for name in ("sepstereo", "mono2binaural", "resnet")]
SMALL = (
    "model.visual_encoder.backbone=test_resnet",
    "model.audio_encoder.width=0.015625",
    "window={seconds: 0.064, rate: 8000, fps: 10, pictures: 1, picture: [32, 64]}",
    "stft={n_fft: 64, window: 64, hop: 16}",
    "inference.hop=0.05",
    "trainer.batch_size=2",
    "trainer.augmentation={}",
)
PLAN = ("trainer.steps=6", "trainer.separation.steps=3", "trainer.validate_every=2", "trainer.checkpoint_every=2")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover(PLUGINS)


@pytest.fixture(scope="module")
def recipe(registry: Registry) -> Recipe:
    return load_recipe(locate("sepstereo_demo"), registry, (*SMALL, *PLAN)).recipe


def built(recipe: Recipe, registry: Registry) -> Trainer:
    torch.manual_seed(0)
    model = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    return registry.build(recipe.trainer, spatializer=model, builder=registry)


class Noise:
    """Windows of noise; with `mono`, both channels are the same."""

    def __init__(self, recipe: Recipe, clips: int, seed: int, *, mono: bool = False) -> None:
        self.framing, self.clips, self.seed, self.mono = recipe.framing, clips, seed, mono
        self.mixture_rms = 0.2 if mono else 0.15

    def __len__(self) -> int:
        return self.clips

    def order(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(self.seed * 1000 + epoch)
        return torch.randperm(self.clips, generator=generator).tolist()

    def batch(self, epoch: int, indices: Any) -> Batch:
        parts = [self._window(epoch, index) for index in indices]
        return Batch(*(torch.stack([part[name] for part in parts]) for name in range(3)))

    def _window(self, epoch: int, index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed((self.seed * 1000 + epoch) * 1000 + index)
        ears = 0.1 * torch.randn(2, self.framing.samples, generator=generator)
        if self.mono:
            ears = ears[:1].expand(2, -1)
        return ears.sum(0), ears, torch.rand(1, 3, *self.framing.window.picture, generator=generator)


def learn(recipe: Recipe, registry: Registry, folder: Path, resume: bool = False, stop_at: int = 0) -> Run:
    """Train as the recipe says, with Ctrl-C in step `stop_at`."""
    import signal

    def press(record: Any) -> None:
        if record["event"] == "train" and record["step"] == stop_at:
            signal.raise_signal(signal.SIGINT)

    folder.mkdir(exist_ok=True)
    run = Run(folder)
    data, held_out, solos = Noise(recipe, 5, 1), Noise(recipe, 2, 2), Noise(recipe, 7, 3, mono=True)
    plan = {"seed": 0, "auxiliary": {"solos": solos}, "devices": Devices("cpu"), "console": Console(quiet=True)}
    train(built(recipe, registry), data, held_out, run, resume=resume, observe=press, **plan)
    return run


def records(run: Run, event: str) -> list[dict[str, Any]]:
    return [record for record in run.records() if record["event"] == event]


def test_a_separation_sample_is_two_solos_at_the_two_edges(recipe: Recipe, registry: Registry) -> None:
    """The first sound is left, the second right; the picture is empty but for the highest features of either's rows."""
    trainer = built(recipe, registry)
    given: dict[str, torch.Tensor] = {}

    def loss_terms_given(mixture: Any, reference: Any, visual: Any, loss: str) -> dict[str, torch.Tensor]:
        given.update(mixture=mixture, reference=reference, visual=visual)
        return {"difference": mixture.sum()}

    solos = Noise(recipe, 6, 3, mono=True).batch(0, range(6))
    with torch.no_grad():
        visual = trainer.eval().spatializer.encode_images(solos.images)
        trainer.spatializer.loss_terms_given = loss_terms_given
        data = Noise(recipe, 3, 1).batch(0, range(3))
        trainer(Batch(data.mixture, data.reference, data.images, {"solos": solos}), "separation")
    first, second = solos.reference[:3, 0], solos.reference[3:, 0]
    torch.testing.assert_close(given["reference"], torch.stack((first, second), 1))
    torch.testing.assert_close(given["mixture"], first + second)
    expected = torch.zeros_like(visual[:3])
    for row in range(visual.shape[-2]):
        expected[..., row, 0] = visual[:3, ..., row, :].max(-1).values
        expected[..., row, -1] = visual[3:, ..., row, :].max(-1).values
    torch.testing.assert_close(given["visual"], expected)


def test_the_joint_loss_is_stereo_and_weighted_separation(recipe: Recipe, registry: Registry) -> None:
    trainer = built(recipe, registry).eval()
    solos = Noise(recipe, 4, 3, mono=True).batch(0, range(4))
    data = Noise(recipe, 2, 1).batch(0, range(2))
    batch = Batch(data.mixture, data.reference, data.images, {"solos": solos})
    with torch.no_grad():
        alone, joint, stereo = trainer(batch, "separation"), trainer(batch, "joint"), trainer.validate(batch)
    names = ("difference", "left", "right")
    assert set(alone) == {"total", *(f"separation_{name}" for name in names)}
    for name in names:
        torch.testing.assert_close(joint[f"separation_{name}"], 0.4 * alone[f"separation_{name}"])
        torch.testing.assert_close(joint[name], stereo[name])
    torch.testing.assert_close(joint["total"], stereo["total"] + 0.4 * alone["total"])
    torch.testing.assert_close(stereo["total"], sum(stereo[name] for name in names))


def test_three_groups_at_the_papers_rates(registry: Registry) -> None:
    scratch = ("data.root=x", "model.visual_encoder.pretrained=false")
    paper = load_recipe(locate("sepstereo_fairplay"), registry, scratch).recipe
    recipe = load_recipe(locate("sepstereo_fairplay"), registry, (*scratch, *SMALL)).recipe
    trainer = built(recipe, registry)
    model = trainer.spatializer
    expected = {
        "separation": {"visual": 1e-4, "rest": 1e-3, "fusion": 1e-3},
        "joint": {"visual": 1e-5, "rest": 5e-4, "fusion": 1e-3},
    }
    home = {id(p): "visual" for p in model.visual_encoder.parameters()}
    home |= {id(p): "fusion" for p in model.mask_generator.head.parameters()}
    for phase, rates in expected.items():
        groups = trainer.parameter_groups(phase)
        assert {group["weight_decay"] for group in groups} == {5e-4}
        seen = {id(p): group["lr"] for group in groups for p in group["params"]}
        assert seen.keys() == {id(p) for p in model.parameters()}
        assert all(seen[key] == rates[home.get(key, "rest")] for key in seen)
    settings = paper.trainer.settings
    first = settings.separation
    assert (first.epochs, first.schedule, first.decay, first.decay_every) == (200, "step", 0.94, 2)
    assert (settings.epochs, settings.batch_size, settings.decay, settings.decay_every) == (5 * 100, 144, 0.9, 5 * 5)
    assert (settings.loss, settings.separation_weight) == ("l1", 0.4)


@pytest.fixture(scope="module")
def complete(recipe: Recipe, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A training that nothing stopped."""
    return learn(recipe, registry, tmp_path_factory.mktemp("complete"))


def test_first_separation_then_both(complete: Run) -> None:
    steps = records(complete, "train")
    phases = [{name.partition("/")[0] for name in record["terms"]} for record in steps]
    assert phases == [{"separation"}] * 3 + [{"joint"}] * 3
    # 2 windows a step: of 7 solos in the first stage, of 5 clips from the second one's beginning
    assert [record["epoch"] for record in steps] == [0, 0, 0, 0, 0, 1]
    assert {name for record in records(complete, "validate") for name in record["terms"]} == {
        *("difference", "left", "right", "total")
    }


@pytest.mark.parametrize("stop_at", [2, 3, 5])
def test_resumed_equals_uninterrupted(
    recipe: Recipe, registry: Registry, complete: Run, tmp_path: Path, stop_at: int
) -> None:
    """Stopped in the first stage, at its end, and in the second."""
    with pytest.raises(Interrupted):
        learn(recipe, registry, tmp_path / "stopped", stop_at=stop_at)
    resumed = learn(recipe, registry, tmp_path / "stopped", resume=True)
    for name in ("model", "optimizer"):
        ends = [run.path / "checkpoints" / "step-000006" / f"{name}.safetensors" for run in (complete, resumed)]
        assert ends[0].read_bytes() == ends[1].read_bytes()
    kept = {key.split("/")[1] for key in load_file(ends[0]) if key.startswith("optimizer/")}
    assert kept == {"separation", "joint"}
    terms = [[record["terms"] for record in records(run, "train")] for run in (complete, resumed)]
    assert terms[0] == terms[1]


def test_without_a_first_stage(recipe: Recipe, registry: Registry) -> None:
    settings = recipe.trainer.settings.model_copy(update={"separation": None})
    model = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    trainer = type(built(recipe, registry))(settings, spatializer=model, builder=registry)
    assert trainer.phases == ("joint",)
    assert [stage.phases for stage in trainer.stages()] == [("joint",)]


def test_the_solos_are_no_part_of_what_was_learned(recipe: Recipe) -> None:
    assert set(components.auxiliary_datasets(recipe)) == {"solos"}
    assert not any("solos" in key for key in components.components(recipe))


def test_stages_that_leave_nothing(registry: Registry) -> None:
    settings = registry.get("trainer", "sepstereo").settings_class()
    plain = {**settings.example, "steps": 5, "separation": {"steps": 5}}
    with pytest.raises(ValidationError) as error:
        settings.model_validate(plain, context={"registry": registry})
    assert error.value.errors()[0]["msg"] == (
        "Value error, steps counts both stages; separation.steps 5 of 5 leave nothing for the second"
    )


class Deaf(Spatializer):
    def spatialize(self, mixture: torch.Tensor, visual: torch.Tensor | None) -> torch.Tensor:
        return torch.stack([mixture, mixture], 1)


def test_a_spatializer_that_cannot_be_taught_so(recipe: Recipe, registry: Registry) -> None:
    deaf = Deaf(None, framing=recipe.framing, builder=registry)
    with pytest.raises(PluginError) as error:
        registry.build(recipe.trainer, spatializer=deaf, builder=registry)
    fix = "\n  Use the spatializer sepstereo, with larger pictures if need be, or the trainer supervised."
    assert str(error.value) == (
        "trainer: the trainer sepstereo needs visual features to be put side by side, and Deaf has none" + fix
    )
    narrow = recipe.framing.window.model_copy(update={"picture": (32, 32)})
    framing = recipe.framing.model_copy(update={"window": narrow})
    model = registry.build(recipe.model, framing=framing, builder=registry)
    with pytest.raises(PluginError) as error:
        registry.build(recipe.trainer, spatializer=model, builder=registry)
    assert str(error.value) == (
        "trainer: the trainer sepstereo needs visual features at least 2 wide, one for each side; these are 1 wide"
        + fix
    )
