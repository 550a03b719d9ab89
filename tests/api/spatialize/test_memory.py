"""Memory does not grow with a film's length."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.long_films import cost, long_film

from avspatial.media.probe import media_info


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
@pytest.mark.parametrize("mode", ["exact", "continuous"])
def test_three_minutes_take_the_memory_of_twenty_seconds(model: Path, tmp_path: Path, mode: str) -> None:
    short = cost(long_film(tmp_path / "short.mp4", 20), model, "--mode", mode)
    film = long_film(tmp_path / "long.mp4", 180)
    long = cost(film, model, "--mode", mode)
    after = media_info(tmp_path / "long_binaural.mp4").audio
    assert after is not None and after.seconds == pytest.approx(180, abs=5)
    assert long.memory < 1.1 * short.memory
