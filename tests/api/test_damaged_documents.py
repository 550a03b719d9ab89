"""Damaged csv files, splits, checkpoints, scores and saved evaluations are read, or refused with an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from support import damaged_documents
from support.damage import TEXTS, Damage, seeded
from support.damaged_documents import DOCUMENTS, faults

from avspatial.api.load import Trained
from avspatial.registry import Registry

FEW, MANY = 2, 16
"""Damaged files of each kind; with those of `test_mutated`, the many are more than 1,000 in all."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, builtin_registry: Registry) -> Trained:
    return damaged_documents.model(tmp_path_factory.mktemp("model"), builtin_registry)


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("examples", [FEW, pytest.param(MANY, marks=pytest.mark.slow)], ids=["few", "many"])
def test_a_damaged_document_is_read_or_refused(name: str, examples: int, model: Trained, tmp_path: Path) -> None:
    intact = tmp_path / "intact"
    DOCUMENTS[name].make(intact, model)
    DOCUMENTS[name].read(intact)

    @seeded(examples)
    @given(TEXTS)
    def survives(damage: Damage) -> None:
        assert faults(name, intact, tmp_path / "copy", damage) == ""

    survives()
