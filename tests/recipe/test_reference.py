"""The reference, the JSON Schema and the catalogue say what the settings classes and the shipped files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from avspatial.errors import RecipeError
from avspatial.framing import Stft, Window
from avspatial.recipe.catalogue import folder, locate, shipped, with_parents
from avspatial.recipe.json_schema import json_schema
from avspatial.recipe.reference import reference, settings_rows
from avspatial.recipe.schema import Recipe
from avspatial.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def validator(plugins_of_the_checkout) -> Draft202012Validator:
    schema = json_schema(plugins_of_the_checkout.entries())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def errors(validator: Draft202012Validator, text: str) -> list[Any]:
    return [list(error.absolute_path) for error in validator.iter_errors(YAML(typ="safe", pure=True).load(text))]


def test_the_page_in_docs_is_up_to_date(registry) -> None:
    own = [entry for entry in registry.entries() if entry.plugin.name == "avspatial"]
    written = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    assert written == reference(own), "run: avspatial recipes reference > docs/recipes.md"


def test_a_row_says_key_values_default_and_meaning() -> None:
    rows = {row[0]: row[1:] for row in settings_rows(Window)}
    assert rows["seconds"] == ("number s, more than 0, at most 60", "1.0", "Length of the excerpt.")
    assert rows["picture"][:2] == ("[integer, integer] pixels", "[224, 224]")
    assert rows["gain"][:2] == ("mixture | reference_stereo", "mixture")
    rows = {row[0]: row[1:] for row in settings_rows(Recipe)}
    assert rows["schema"][:2] == ("1", "1")
    assert rows["data"][:2] == ("dataset", "required")
    assert rows["metrics"][:2] == ("list of metric, at least 1 of them", "required")
    assert rows["stft"][:2] == ("map", "see below")


def test_every_setting_of_every_component_is_documented(registry) -> None:
    classes: list[type[Settings]] = [Recipe, Window, Stft, *(entry.settings_class() for entry in registry.entries())]
    for model in classes:
        assert [row[0] for row in settings_rows(model) if not row[3]] == [], model


def test_the_schema_accepts_every_shipped_recipe_and_its_resolved_form(validator, plugins_of_the_checkout) -> None:
    from avspatial.recipe import load_recipe

    for one in shipped():
        assert errors(validator, one.path.read_text(encoding="utf-8")) == [], one.name
    resolved = load_recipe(locate("sagm_demo"), plugins_of_the_checkout).resolved
    assert errors(validator, resolved) == []


WRONG = {
    "sed: 3": [],
    "window: {secs: 1}": ["window"],
    "window: {seconds: 61}": ["window", "seconds"],
    "trainer: {use: supervised, lrr: 1}": ["trainer"],
    "trainer: masking": ["trainer"],
    "metrics: [snr, snrr]": ["metrics", 1],
    "model: {use: masking, visual_encoder: {use: c3d, width: wide}}": ["model"],
}


@pytest.mark.parametrize("text", WRONG)
def test_the_schema_refuses(validator, text: str) -> None:
    assert errors(validator, f"extends: base/demo.yaml\n{text}\n") == [WRONG[text]]


def test_the_schema_leaves_to_a_parent_what_a_parent_may_say(validator) -> None:
    assert errors(validator, "extends: base/demo.yaml\nmodel: {visual_encoder: {width: 0.5}}\n") == []
    assert errors(validator, "schema: 1\n") == [[]] * 5  # name, data, model, trainer, metrics


def test_every_shipped_recipe_starts_with_what_it_is_and_its_commands() -> None:
    for one in shipped():
        head = [line for line in one.path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
        assert one.summary, one.name
        assert any(f"avspatial run {one.name}" in line or f"{one.name}.yaml" in line for line in head), one.name


def test_a_recipe_is_given_by_file_or_shipped_name(tmp_path: Path) -> None:
    assert locate("sagm_demo") == folder() / "sagm_demo.yaml"
    mine = tmp_path / "mine.yaml"
    mine.write_text("")
    assert locate(mine) == mine
    with pytest.raises(RecipeError) as caught:
        locate("sagm_dmo")
    assert str(caught.value) == (
        "sagm_dmo: there is no such file, and no shipped recipe of that name (did you mean 'sagm_demo'?)\n"
        "  `avspatial recipes list` lists the shipped ones."
    )


def test_a_recipe_s_files_are_it_and_its_parents() -> None:
    names = [path.relative_to(folder().resolve()).as_posix() for path in with_parents(locate("sagm_demo").resolve())]
    assert names == ["sagm_demo.yaml", "base/demo.yaml"]
