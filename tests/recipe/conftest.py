"""Recipes written to disk for one test, in the folder that the test runs in."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from avspatial.errors import RecipeError
from avspatial.recipe import Loaded, load_recipe
from avspatial.registry import Registry, discover

GOOD = """\
schema: 1
name: good
data: {use: fairplay, root: here}
model:
  use: masking
  visual_encoder: {use: c3d, pretrained: false}
  audio_encoder: unet
  mask_generator: unet
trainer:
  use: supervised
  lr: 1e-4
metrics: [snr, spl_distance]
smoke: {trainer: {steps: 2}}
"""


@pytest.fixture(scope="session")
def registry(builtin_registry: Registry) -> Registry:
    return builtin_registry


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """`write("a.yaml", text)` writes a file in the current folder and returns its relative path."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("AVSPATIAL_")]:
        monkeypatch.delenv(name)

    def to_disk(name: str, text: str) -> Path:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    to_disk("good.yaml", GOOD)
    return to_disk


@pytest.fixture
def load(write: Callable[[str, str], Path], registry: Registry) -> Callable[..., Loaded]:
    """`load(text, overrides=[...], smoke=...)` loads a recipe from `r.yaml`."""

    def loaded(text: str = GOOD, overrides: tuple[str, ...] = (), smoke: bool = False) -> Loaded:
        return load_recipe(write("r.yaml", text), registry, overrides, smoke)

    return loaded


@pytest.fixture
def refused(load: Callable[..., Loaded]) -> Callable[..., list[str]]:
    """`refused(text, ...)`: the lines of the RecipeError that loading raises."""

    def lines(*args: object, **kwargs: object) -> list[str]:
        with pytest.raises(RecipeError) as caught:
            load(*args, **kwargs)
        return str(caught.value).splitlines()

    return lines


@pytest.fixture(scope="session")
def plugins_of_the_checkout() -> Registry:
    """The registry with the plugins that the shipped recipes use."""
    return discover([Path(__file__).parents[2] / "plugins"])
