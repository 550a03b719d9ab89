"""Damaged csv files, splits, checkpoints, scores and saved evaluations are read, or refused with an error."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from support import damaged_documents
from support.damage import LONGEST, TEXTS, Damage, never_longer_than, seeded
from support.damaged_documents import DOCUMENTS, faults

from avspatial.api.load import Trained
from avspatial.registry import Registry

FEW, MANY = 2, 16
"""Damaged files of each kind; with those of `test_mutated`, the many are more than 1,000 in all."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, builtin_registry: Registry) -> Trained:
    return damaged_documents.model(tmp_path_factory.mktemp("model"), builtin_registry)


@pytest.fixture(scope="module")
def intact_folder(tmp_path_factory: pytest.TempPathFactory, model: Trained) -> Callable[[str], Path]:
    """The folder with an intact document; documents that are made together share it."""
    folder, made = tmp_path_factory.mktemp("intact"), {}

    def make(name: str) -> Path:
        document = DOCUMENTS[name]
        if document.make not in made:
            made[document.make] = folder / str(len(made))
            document.make(made[document.make], model)
        return made[document.make]

    return make


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_damaged_document_is_read_or_refused(
    name: str, examples: int, intact_folder: Callable[[str], Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    intact = intact_folder(name)
    DOCUMENTS[name].read(Path(shutil.copytree(intact, tmp_path / "read")))

    @seeded(examples)
    @given(TEXTS)
    def survives(damage: Damage) -> None:
        with never_longer_than(LONGEST):
            assert faults(name, intact, tmp_path / "copy", damage) == ""

    with capfd.disabled():  # what a hang prints last is to be seen
        survives()
