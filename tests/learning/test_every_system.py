"""What each system of the papers' tables learns on simulated scenes: the complete shipped recipes, one seed.

Minutes per system, so left out by default: `pytest -m learning`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import avspatial
from avspatial.progress import silent

RECIPES = Path(__file__).parents[2] / "recipes"
SYSTEMS = ("mono2binaural_demo", "apnet_demo", "sepstereo_demo", "main_demo", "complete_demo")

pytestmark = pytest.mark.learning


def _rows(name: str, runs: Path) -> dict[str, Any]:
    summary = avspatial.run(RECIPES / f"{name}.yaml", runs=runs, progress=silent).summary
    assert summary.failed == 0
    return {row: {key: entry.mean for key, entry in entries.items()} for row, entries in summary.conditions.items()}


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_system_beats_mono_and_finds_the_side(name: str, tmp_path: Path) -> None:
    rows = _rows(name, tmp_path)
    assert rows["model"]["stft_distance"] < rows["mono"]["stft_distance"]
    assert rows["model"]["left_right"] >= 0.85


def test_without_pictures_the_side_is_not_found(tmp_path: Path) -> None:
    assert _rows("sagm_demo_no_visual", tmp_path)["model"]["left_right"] <= 0.6
