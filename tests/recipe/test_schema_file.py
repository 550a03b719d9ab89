"""recipes/recipe.schema.json, as committed, is what the code makes, and every recipe tells its editor to use it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from avspatial.recipe.catalogue import shipped
from avspatial.recipe.json_schema import schema_text
from avspatial.registry import Registry

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "recipes" / "recipe.schema.json"
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))

each_recipe = pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.relative_to(ROOT / "recipes").as_posix())


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_it_is_current_and_knows_the_bundled_components_alone(plugins_of_the_checkout: Registry) -> None:
    bundled = {"avspatial", *(folder.name for folder in (ROOT / "plugins").iterdir() if folder.is_dir())}
    entries = [entry for entry in plugins_of_the_checkout.entries() if entry.plugin.name in bundled]
    assert {entry.plugin.name for entry in entries} == bundled
    written = SCHEMA.read_text(encoding="utf-8")
    assert written == schema_text(entries), (
        "with no other plugin installed, run: avspatial recipes schema > recipes/recipe.schema.json"
    )


def test_the_recipes_are_found() -> None:
    assert len(RECIPES) >= 32


@each_recipe
def test_the_first_line_of_a_recipe_names_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named
    assert (path.parent / named[1]).resolve() == SCHEMA


@each_recipe
def test_a_recipe_is_valid_by_it(path: Path, validator: Draft202012Validator) -> None:
    content = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    # A file in base/ is no run: it need not name a model, data and trainer.
    complete = content if path.parent.name != "base" else {"extends": "", **content}
    assert [error.message for error in validator.iter_errors(complete)] == []


def test_that_line_is_no_recipe_s_summary() -> None:
    assert [one.name for one in shipped() if not one.summary or "yaml-language-server" in one.summary] == []


def test_a_summary_is_the_first_sentence_also_over_several_lines() -> None:
    summaries = {recipe.name: recipe.summary for recipe in shipped()}
    assert summaries["apnet_demo"] == (
        "APNet (Sep-Stereo, ECCV 2020, without its separation) at demo size, on the simulated scenes and with the "
        "training budget of sagm_demo; no download."
    )
    assert [name for name, summary in summaries.items() if not summary.endswith(".")] == []
    assert [name for name, summary in summaries.items() if "avspatial run" in summary] == []
