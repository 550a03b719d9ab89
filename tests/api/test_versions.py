"""A component of another version than a run used is refused, with the same message, wherever the run is used again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import avspatial
from avspatial.api.load import load_trained
from avspatial.api.run import Finished
from avspatial.errors import AvspatialError, RunError
from avspatial.progress import silent
from avspatial.runs.model_file import write_model_file

DECLARATION = """
from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components():
    return [
        Component("dataset", "scenes", "{dataset}", "{data}.settings:SimulatedSettings",
                  "{data}.dataset:SimulatedScenes", "Scenes."),
        Component("visual_encoder", "eye", "{visual_encoder}", "avspatial.models.settings:C3dSettings",
                  "avspatial.models.c3d:C3d", "An eye."),
        Component("metric", "ratio", "{metric}", "avspatial.metrics.settings:MetricSettings",
                  "avspatial.metrics.fairplay:Snr", "A ratio."),
    ]
"""
KINDS = ("dataset", "visual_encoder", "metric")
NAMES = {"dataset": "scenes", "visual_encoder": "eye", "metric": "ratio"}


class Versioned:
    """The plugin `bumped` in a folder, in versions that can be changed; forgotten by Python at each change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.declaration = folder / "bumped_plugin" / "__init__.py"
        self.declaration.parent.mkdir(parents=True)
        table = (
            '[project]\nname = "bumped"\nversion = "1.0"\n[project.entry-points.avspatial]\nbumped = "bumped_plugin"\n'
        )
        (folder / "pyproject.toml").write_text(table)
        self.change()

    def change(self, **versions: str) -> None:
        known = {**dict.fromkeys(KINDS, "1"), **versions, "data": "avspatial.data.simulated"}
        self.declaration.write_text(DECLARATION.format(**known))
        sys.modules.pop("bumped_plugin", None)


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Versioned]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        patch.setattr(sys, "dont_write_bytecode", True)  # two versions within a second are the same to the cache
        versioned = Versioned(tmp_path_factory.mktemp("bumped"))
        patch.setenv("AVSPATIAL_PLUGINS", str(versioned.folder))
        yield versioned


@pytest.fixture(scope="module")
def finished(plugin: Versioned, workplace: Path) -> Finished:
    """A run that used all three components in their version 1."""
    scenes = (
        f"{{use: scenes, clips: 6, seconds: 1.2, picture: [48, 64], sources: [1, 1], root: {workplace / 'scenes'}}}"
    )
    changes = [
        f"data={scenes}",
        "model.visual_encoder={use: eye, width: 0.03125, pretrained: false}",
        "trainer={use: supervised, steps: 2, batch_size: 2}",
        "metrics=[ratio]",
    ]
    given = {"runs": workplace / "runs", "progress": silent, "device": "cpu", "name": "versioned"}
    return avspatial.run(workplace / "tiny.yaml", overrides=changes, **given)


@pytest.fixture(autouse=True)
def _version_one_afterwards(plugin: Versioned) -> Iterator[None]:
    yield
    plugin.change()


def refused(plugin: str, path: Path, key: str, kind: str, name: str) -> str:
    """The message for a component of version 2 if the resolved recipe names version 1."""
    lines = path.read_text(encoding="utf-8").splitlines()
    line, text = next((n, text) for n, text in enumerate(lines, 1) if text.endswith(f"use: {name}@1"))
    column = text.index("bumped") + 1
    return (
        f"{path}:{line}:{column}: {key}: {kind} {name!r} is version 2 here, not 1. Install the release of plugin "
        f"{plugin!r} that has version 1, or write {name}@2 and expect other numbers"
    )


KEYS = {"dataset": "data", "visual_encoder": "model.visual_encoder", "metric": "metrics[0]"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_not_taken_up_with_another_version(kind: str, plugin: Versioned, finished: Finished) -> None:
    resolved = finished.path / "recipe.resolved.yaml"
    before = sorted(finished.path.parent.iterdir())
    plugin.change(**{kind: "2"})
    expected = refused("bumped", resolved, KEYS[kind], kind, f"bumped.{NAMES[kind]}")
    for take_up in (
        lambda: avspatial.run(resume=finished.path, progress=silent),
        lambda: avspatial.run(resolved, runs=finished.path.parent, progress=silent),
    ):
        with pytest.raises(AvspatialError) as caught:
            take_up()
        assert str(caught.value) == expected
    assert sorted(finished.path.parent.iterdir()) == before


def exported(run: Path, folder: Path) -> Path:
    write_model_file(folder / "model.safetensors", load_trained(run, "cpu").to_model_file())
    return folder / "model.safetensors"


@pytest.mark.parametrize("what", ["run", "exported file"])
def test_a_model_with_another_version_of_a_part_is_refused(
    what: str, plugin: Versioned, finished: Finished, tmp_path: Path
) -> None:
    place = finished.path if what == "run" else exported(finished.path, tmp_path)
    plugin.change(visual_encoder="2")
    expected = r"model\.visual_encoder: visual_encoder 'bumped\.eye' is version 2 here, not 1"
    with pytest.raises(AvspatialError, match=expected) as caught:
        avspatial.load(place)
    assert str(caught.value).startswith(str(place))


@pytest.mark.parametrize("what", ["run", "exported file"])
def test_a_model_outlives_what_it_learned_from_and_was_scored_with(
    what: str, plugin: Versioned, finished: Finished, tmp_path: Path
) -> None:
    place = finished.path if what == "run" else exported(finished.path, tmp_path)
    before = avspatial.load(place).state_dict()
    plugin.change(metric="2", dataset="2")
    after = avspatial.load(place).state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert load_trained(place, "cpu").to_model_file().recipe == (finished.path / "recipe.resolved.yaml").read_text()


def test_an_error_in_the_recipe_of_a_model_is_reported_with_its_place(finished: Finished, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    resolved = copy / "recipe.resolved.yaml"
    text = resolved.read_text()
    resolved.write_text(text.replace("  n_fft: 448\n", "  n_fft: 200\n"))
    line = 1 + resolved.read_text().splitlines().index("  window: 400")
    with pytest.raises(AvspatialError) as caught:
        avspatial.load(copy)
    assert str(caught.value) == f"{resolved}:{line}:11: stft.window: must be at most stft.n_fft (200 samples), not 400"
    resolved.write_text(text.replace("hop: 240", "hup: 240"))
    with pytest.raises(AvspatialError, match=r"stft\.hup: no such key"):
        avspatial.load(copy)
    resolved.unlink()
    with pytest.raises(AvspatialError, match=r"recipe\.resolved\.yaml"):
        avspatial.load(copy)


def test_a_checkpoint_of_another_version_is_refused_though_the_recipe_agrees(
    plugin: Versioned, finished: Finished, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished.path, copy)
    resolved = copy / "recipe.resolved.yaml"
    resolved.write_text(resolved.read_text().replace("bumped.eye@1", "bumped.eye@2"))
    plugin.change(visual_encoder="2")
    with pytest.raises(RunError) as caught:
        avspatial.load(copy)
    assert str(caught.value) == (
        f"{copy / 'checkpoints' / 'step-000002'}: a checkpoint of other components, or other versions of them: "
        "model.visual_encoder is bumped.eye@1 in the checkpoint, bumped.eye@2 in the recipe\n"
        "  Load it with the recipe that made it: recipe.resolved.yaml of its run."
    )


def test_a_run_and_its_checkpoints_say_which_versions_they_used(finished: Finished) -> None:
    resolved = (finished.path / "recipe.resolved.yaml").read_text()
    assert [name for name in NAMES.values() if f"use: bumped.{name}@1\n" not in resolved] == []
    state = json.loads((finished.path / "checkpoints" / "step-000002" / "state.json").read_text())
    assert state["components"]["model.visual_encoder"] == "bumped.eye@1"
