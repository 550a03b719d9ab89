"""A training killed at any moment and resumed ends as if nothing had happened: weights, optimizers, log, folders."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("killed_training.py")


def killed(folder: Path, kind: str, *moments: str) -> list[dict[str, Any]]:
    path = os.pathsep.join(entry for entry in sys.path if entry)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    command = [sys.executable, str(PROGRAM), str(folder), kind, *moments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(complete: dict[str, Any], ends: list[dict[str, Any]]) -> None:
    assert len(ends) > 0
    for end in ends:
        assert end["killed"]
        assert end["resumed"] == 0
        assert end["end"] == complete["end"]


# Spread over the entire training, and in and between the steps of a checkpoint's writing; the last two kill the
# resumed training too, at its start and in its first checkpoint.
MOMENTS = ("1", "13", "26", "28", "58", "0.05s", "40+2", "40+14")


@pytest.mark.parametrize(
    ("kind", "moments"), [pytest.param("gan", MOMENTS, marks=pytest.mark.slow), ("supervised", ("9", "27", "70"))]
)
def test_resumed_equals_uninterrupted(tmp_path: Path, kind: str, moments: tuple[str, ...]) -> None:
    complete, *ends = killed(tmp_path, kind, *moments)
    assert len({end["at"] for end in ends}) >= 3  # from the beginning, and from at least two checkpoints
    check(complete, ends)


@pytest.mark.slow
def test_resumed_equals_uninterrupted_at_every_moment(tmp_path: Path) -> None:
    (counting,) = killed(tmp_path, "gan")
    (tmp_path / "all").mkdir()
    complete, *ends = killed(tmp_path / "all", "gan", *(str(moment) for moment in range(1, counting["events"] + 1)))
    check(complete, ends)
