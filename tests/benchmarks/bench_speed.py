"""How fast it is: training, spatializing, scoring, starting. Outside the default suite, because a number that depends
on the machine is nobody's test; run it alone, on an idle machine:

    pytest tests/benchmarks/bench_speed.py --benchmark-columns=min,median,rounds

Rates stand in each benchmark's `extra_info` (`--benchmark-json FILE` keeps them): clips/s for training and scoring,
seconds of sound per second (the real-time factor) for spatializing, the latter also for one window at a time.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import avspatial
from avspatial.api.run import Finished
from avspatial.data.clip_cache import ClipStore, Recording
from avspatial.data.windows import TrainingWindows
from avspatial.evaluation.scoring.clip_scores import build_metrics
from avspatial.evaluation.scoring.summary import evaluate_run
from avspatial.inference.overlap_add import spatialize
from avspatial.interfaces import Trainer
from avspatial.metrics.conventions import CONVENTIONS
from avspatial.progress import silent
from avspatial.recipe.load import load_recipe
from avspatial.recipe.schema import Recipe
from avspatial.registry import Registry, discover
from avspatial.training.batches import Stream

RECIPE = Path(__file__).parents[2] / "recipes" / "sagm_demo.yaml"
SETS = ("data.clips=24", "trainer.steps=1", "trainer.batch_size=2")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    """SAGM at demo size on two dozen scenes of 4 s, hardly trained: speed does not depend on that."""
    folder = tmp_path_factory.mktemp("speed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVSPATIAL_CACHE", str(folder / "cache"))
        yield avspatial.run(RECIPE, overrides=SETS, runs=folder / "runs", device="cpu", progress=silent)


@pytest.fixture(scope="module")
def recipe(registry: Registry, finished: Finished) -> Recipe:
    return load_recipe(RECIPE, registry).recipe


@pytest.fixture(scope="module")
def recordings(finished: Finished, registry: Registry) -> list[Recording]:
    recipe = load_recipe(finished.run.resolved, registry).recipe
    store = ClipStore(recipe.window, silent)
    return [store.load(clip) for clip in registry.build(recipe.data, progress=silent).clips("test")]


def test_training_step(benchmark: Any, recipe: Recipe, registry: Registry, recordings: list[Recording]) -> None:
    """One step of the recipe's own batch size, data included."""
    spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    trainer: Trainer = registry.build(recipe.trainer, spatializer=spatializer, builder=registry)
    size = recipe.trainer.settings.batch_size
    stream = Stream(TrainingWindows(recordings, recipe.framing, 0), size)
    optimizers = {phase: torch.optim.Adam(trainer.parameter_groups(phase)) for phase in trainer.phases}

    def step() -> None:
        batch = stream.batch(1)
        for phase in trainer.phases:
            trainer.zero_grad(set_to_none=True)
            trainer(batch, phase)["total"].backward()
            optimizers[phase].step()

    benchmark.pedantic(step, warmup_rounds=1, rounds=5)
    benchmark.extra_info["clips_per_second"] = size / benchmark.stats.stats.median


@pytest.mark.parametrize("windows", ["batched", "one at a time"])
def test_spatializing_a_clip(
    benchmark: Any, recipe: Recipe, finished: Finished, recordings: list[Recording], windows: str
) -> None:
    """A clip at hop 0.1, batched or one window at a time with images encoded for each, as in the official demos."""
    spatializer, recording = avspatial.load(finished.path, device="cpu"), recordings[0]
    seconds = recording.audio.shape[1] / recipe.window.rate

    def one_at_a_time() -> None:
        window, n = recipe.window, recipe.framing.samples
        for start in range(0, recording.audio.shape[1] - n + 1, round(recipe.inference.hop * window.rate)):
            first = start * len(recording.images) // recording.audio.shape[1]
            picked = torch.tensor(recording.images[[first] * window.pictures]).permute(0, 3, 1, 2)[None] / 255
            mixture = torch.tensor(recording.audio[:, start : start + n]).sum(0, keepdim=True)
            with torch.inference_mode():
                spatializer(mixture, picked)

    def batched() -> None:
        spatialize(spatializer, recording.audio, recording.images, recipe.inference)

    benchmark.pedantic(batched if windows == "batched" else one_at_a_time, warmup_rounds=1, rounds=5)
    benchmark.extra_info["real_time_factor"] = seconds / benchmark.stats.stats.median


def test_scoring_a_clip(
    benchmark: Any, recipe: Recipe, registry: Registry, finished: Finished, recordings: list[Recording]
) -> None:
    """All of the recipe's metrics, all conditions, from the saved files, in one thread."""
    convention = CONVENTIONS[recipe.convention]
    metrics = build_metrics(recipe.metrics, convention, registry)
    arguments = (finished.run, [recordings[0].clip], metrics, convention, silent)
    benchmark.pedantic(evaluate_run, arguments, {"jobs": 1}, warmup_rounds=1, rounds=5)
    benchmark.extra_info["clips_per_second"] = 1 / benchmark.stats.stats.median


@pytest.mark.parametrize("arguments", [["--help"], ["plugins", "list"], ["recipes", "list"]], ids=" ".join)
def test_start(benchmark: Any, arguments: list[str]) -> None:
    """The start of the command line; it must take less than 0.3 s longer than a bare interpreter."""
    program = "import sys; from avspatial.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *arguments]
    benchmark.pedantic(subprocess.run, (command,), {"check": True, "capture_output": True}, warmup_rounds=1, rounds=5)


def test_start_of_a_bare_interpreter(benchmark: Any) -> None:
    command = [sys.executable, "-c", "pass"]
    benchmark.pedantic(subprocess.run, (command,), {"check": True, "capture_output": True}, warmup_rounds=1, rounds=5)
