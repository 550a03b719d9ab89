"""A tiny model that hears and sees, in memory and as a file, and the films of `films`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import films

from avspatial.api.load import Trained
from avspatial.registry import Registry
from avspatial.runs.model_file import write_model_file


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, builtin_registry: Registry) -> Trained:
    return films.tiny(tmp_path_factory.mktemp("recipe"), builtin_registry)


@pytest.fixture(scope="session")
def model(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    write_model_file(path, trained.to_model_file())
    return path


@pytest.fixture(scope="session")
def film() -> Callable[..., Path]:
    return films.write_film


@pytest.fixture(scope="session")
def packets() -> Callable[[Path], list[films.Packet]]:
    return films.picture_packets


@pytest.fixture(scope="session")
def read_track() -> Callable[[Path], Any]:
    return films.read_track
