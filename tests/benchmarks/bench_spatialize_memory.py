"""Whether an hour of video takes more memory than a minute, and more than sixty times as long.

    pytest -s tests/benchmarks/bench_spatialize_memory.py

Networks of demo size with random weights: neither memory nor time depends on what was learned. Each film is
spatialized by a program of its own.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from support.long_films import Cost, cost, long_film

from avspatial.api.load import Trained
from avspatial.recipe.load import load_recipe
from avspatial.registry import discover
from avspatial.runs.model_file import write_model_file

RECIPES = Path(__file__).parents[2] / "recipes"
MINUTES = (1, 10, 60)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    registry = discover()
    loaded = load_recipe(RECIPES / "sagm_demo.yaml", registry)
    torch.manual_seed(0)
    recipe = loaded.recipe
    spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
    path = tmp_path_factory.mktemp("model") / "demo.safetensors"
    write_model_file(path, Trained(spatializer.eval(), loaded.recipe, loaded.resolved).to_model_file())
    return path


@pytest.mark.parametrize("mode", ["exact", "continuous"])
def test_an_hour_takes_the_memory_of_a_minute(model: Path, tmp_path: Path, mode: str) -> None:
    costs: dict[int, Cost] = {}
    for minutes in MINUTES:
        film = long_film(tmp_path / f"{minutes}.mp4", 60 * minutes)
        costs[minutes] = cost(film, model, "--mode", mode)
        measured = costs[minutes]
        print(f"\n{mode}, {minutes} min: {measured.memory / 1024:.0f} MiB, {measured.seconds:.1f} s", end="")
    # What a program needs to start is the same for all of them.
    slopes = [(costs[b].seconds - costs[a].seconds) / (b - a) for a, b in pairwise(MINUTES)]
    print(f"\n{slopes[0]:.2f} s a minute from 1 to 10, {slopes[1]:.2f} from 10 to 60")
    assert costs[60].memory < 1.1 * costs[1].memory
    assert slopes[1] < 1.25 * slopes[0]
