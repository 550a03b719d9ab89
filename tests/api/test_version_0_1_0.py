"""What avspatial 0.1.0 left is still read: a model file, a finished run, a run that was stopped, a recipe.

`version_0_1_0/` was written by `avspatial run` and `avspatial export` of that version, outputs and page left out.
`stereo.safetensors` holds what its model made of the input below.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import avspatial
from avspatial.evaluation.scoring.score_schema import read_summary
from avspatial.recipe import load_recipe
from avspatial.registry import Registry

OLD = Path(__file__).with_name("version_0_1_0")
LEARNING_RATE = 1e-3
"""Of the stopped run, for every group of its parameters."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the old files in the working directory, with a cache of its own."""
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(OLD, tmp_path / "old")
    return tmp_path / "old"


@pytest.mark.parametrize("name", ["model.safetensors", "run"])
def test_a_model_gives_the_same_samples(folder: Path, name: str) -> None:
    samples = torch.arange(16000)
    mixture = (0.1 * torch.sin(samples * samples * 1e-4))[None]
    images = (torch.arange(4 * 3 * 32 * 32) % 97 / 96).reshape(1, 4, 3, 32, 32)
    with torch.inference_mode():
        stereo = avspatial.load(folder / name, "cpu")(mixture, images)
    expected = load_file(folder / "stereo.safetensors")["stereo"]
    assert (expected[0, 0] - expected[0, 1]).abs().max() > 5e-3
    torch.testing.assert_close(stereo, expected, rtol=0, atol=2e-6)


def test_a_recipe_resolves_to_the_same(folder: Path, builtin_registry: Registry) -> None:
    resolved = load_recipe(folder / "run" / "recipe.yaml", builtin_registry).resolved
    assert resolved == (folder / "run" / "recipe.resolved.yaml").read_text(encoding="utf-8")


def test_a_stopped_run_goes_on_to_the_same_weights_and_scores(folder: Path) -> None:
    """In a process of its own: what other tests leave in torch changes rounding errors."""
    command = [sys.executable, "-m", "avspatial", "run", "--resume", str(folder / "stopped"), "--device", "cpu"]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    name = "checkpoints/step-000003/model.safetensors"
    weights, expected = load_file(folder / "stopped" / name), load_file(folder / "run" / name)
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        # A bias in front of a batch norm has a gradient of rounding errors, which differ between kinds of processors;
        # Adam makes steps of the learning rate of them. Other weights follow a little.
        atol = 3 * LEARNING_RATE if _in_front_of_batch_norm(key, expected) else 0.1 * LEARNING_RATE
        torch.testing.assert_close(weights[key], value, rtol=0, atol=atol, msg=lambda text, key=key: f"{key}: {text}")
    old = json.loads((OLD / "run" / "summary.json").read_text())["rows"]
    summary = read_summary(folder / "stopped" / "summary.json")
    for metric, entry in old["model"].items():
        assert summary.conditions["model"][metric].mean == pytest.approx(entry["mean"], rel=1e-3, abs=1e-6)


def _in_front_of_batch_norm(key: str, names: Collection[str]) -> bool:
    norm = f"{key.removesuffix('0.bias')}1.running_var"
    return key == "visual_encoder.conv5b.bias" or (key.endswith(".0.bias") and norm in names)
