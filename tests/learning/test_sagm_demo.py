"""What SAGM learns on simulated scenes: the complete shipped recipe, over three seeds.

Minutes per seed, so left out by default: `pytest -m learning`. The bounds are the project's promise, made before any of
these clips was scored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import avspatial
from avspatial.progress import silent

RECIPE = Path(__file__).parents[2] / "recipes" / "sagm_demo.yaml"


@pytest.fixture(scope="module", params=[0, 1, 2], ids="seed {}".format)
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    runs = tmp_path_factory.mktemp("runs")
    summary = avspatial.run(RECIPE, seed=request.param, runs=runs, progress=silent).summary
    assert summary.failed == 0
    return {row: {name: entry.mean for name, entry in entries.items()} for row, entries in summary.conditions.items()}


pytestmark = pytest.mark.learning


def test_half_the_distance_of_mono_at_most(rows: dict[str, Any]) -> None:
    assert rows["model"]["stft_distance"] <= rows["mono"]["stft_distance"] / 2


def test_the_side_is_found(rows: dict[str, Any]) -> None:
    assert rows["model"]["left_right"] >= 0.90


def test_the_side_comes_from_the_picture(rows: dict[str, Any]) -> None:
    assert rows["blank_picture"]["left_right"] <= 0.6


def test_a_mirrored_picture_mirrors_the_sound(rows: dict[str, Any]) -> None:
    assert rows["mirrored_picture"]["flip_consistency"] >= 0.8
