"""The wheel alone, without the repository, brings the package, every bundled plugin, every recipe and its schema."""

from __future__ import annotations

import configparser
import json
import tomllib
import zipfile
from pathlib import Path

import pytest
from support.outside import Outside

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PLUGINS = [path.parent for path in sorted((ROOT / "plugins").glob("*/pyproject.toml"))]
RECIPES = sorted((ROOT / "recipes").rglob("*.yaml"))
SCHEMA = ROOT / "recipes" / "recipe.schema.json"


def entry_points(folder: Path) -> dict[str, str]:
    table: dict[str, str] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"][
        "avspatial"
    ]
    return table


def expected() -> set[str]:
    """Every file that the wheel must hold: all of the package and of the plugins' packages, and the recipes."""
    packages = [ROOT / "avspatial", *(package for folder in PLUGINS for package in (folder / "src").iterdir())]
    files = {
        path.relative_to(package.parent).as_posix()
        for package in packages
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    return files | {
        f"avspatial/shipped_recipes/{path.relative_to(ROOT / 'recipes').as_posix()}" for path in (*RECIPES, SCHEMA)
    }


def test_it_holds_what_it_must_and_nothing_else(outside: Outside) -> None:
    with zipfile.ZipFile(outside.wheel) as wheel:
        held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == expected()


def test_it_declares_every_bundled_plugin(outside: Outside) -> None:
    with zipfile.ZipFile(outside.wheel) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
        declared = configparser.ConfigParser()
        declared.read_string(wheel.read(name).decode())
    assert dict(declared["avspatial"]) == {name: value for f in PLUGINS for name, value in entry_points(f).items()}


def test_every_bundled_plugin_is_there_and_none_fails(outside: Outside) -> None:
    listed = json.loads(outside.run("avspatial", "plugins", "list", "--json"))
    assert {plugin["name"] for plugin in listed["plugins"]} == {
        "avspatial",
        *(n for f in PLUGINS for n in entry_points(f)),
    }
    assert {component["plugin"] for component in listed["components"]} == {
        plugin["name"] for plugin in listed["plugins"]
    }
    assert listed["failures"] == []


def test_every_component_can_be_imported(outside: Outside) -> None:
    program = (
        "from avspatial.registry import discover\nfor e in discover().entries(): e.settings_class(), e.target_class()"
    )
    outside.run("python", "-c", program)


def test_every_recipe_is_there_and_can_be_copied_and_checked(outside: Outside, tmp_path: Path) -> None:
    runnable = [path.relative_to(ROOT / "recipes").with_suffix("") for path in RECIPES if "base" not in path.parts]
    listed = json.loads(outside.run("avspatial", "recipes", "list", "--json"))
    assert [recipe["name"] for recipe in listed] == sorted(path.as_posix() for path in runnable)
    for recipe in listed:
        outside.run("avspatial", "recipes", "copy", recipe["name"], cwd=tmp_path)
    assert sorted(tmp_path.rglob("*.yaml")) == [tmp_path / path.relative_to(ROOT / "recipes") for path in RECIPES]
    for path in (*RECIPES, SCHEMA):
        assert (tmp_path / path.relative_to(ROOT / "recipes")).read_text() == path.read_text()
    outside.run("avspatial", "recipes", "check")
