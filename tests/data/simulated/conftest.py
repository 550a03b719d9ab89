"""Small simulated sets."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from avspatial.data.simulated.dataset import SimulatedScenes
from avspatial.data.simulated.settings import SimulatedSettings


def quiet(items: Any, title: str) -> Any:
    """A progress bar that shows nothing."""
    return items


@pytest.fixture(scope="session")
def scenes() -> Callable[..., SimulatedScenes]:
    """Six scenes of one second in a folder; further settings change the small defaults."""

    def make(root: Path | None, progress: Any = quiet, **settings: Any) -> SimulatedScenes:
        small = {"clips": 6, "seconds": 1.0, "picture": (72, 128), "root": root}
        return SimulatedScenes(SimulatedSettings(**(small | settings)), progress=progress)

    return make


@pytest.fixture(scope="session")
def ready(scenes: Callable[..., SimulatedScenes], tmp_path_factory: pytest.TempPathFactory) -> SimulatedScenes:
    """Six rendered scenes; not to be changed."""
    made = scenes(tmp_path_factory.mktemp("ready") / "set")
    made.prepare()
    return made
