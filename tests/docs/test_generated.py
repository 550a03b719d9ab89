"""The generated parts of docs/ are current, and the modules that pages name exist."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
from support.pages import ROOT

DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def generator() -> dict[str, Any]:
    return runpy.run_path(str(DOCS / "scripts" / "generate.py"))


def test_the_generated_parts_are_current(generator: dict[str, Any]) -> None:
    stale = [
        path.relative_to(ROOT).as_posix()
        for path, text in generator["generated"]()
        if path.read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run: python docs/scripts/generate.py"


def test_the_picture_shows_every_room_once(generator: dict[str, Any]) -> None:
    inside = {path.stem if path.is_file() else path.name for path in (ROOT / "avspatial").iterdir()}
    rooms = inside - {"__init__", "__main__", "__pycache__", "builtin", "py"}
    shown = re.findall(r'class="name">(\w+)', generator["picture"]())
    assert sorted(shown) == sorted(name for name in rooms if not name.startswith("."))


def test_the_architecture_names_every_module_once(generator: dict[str, Any]) -> None:
    tables = generator["modules"]()
    folders = re.split(r"^### (avspatial[\w/]*)/$", tables, flags=re.M)[1:]
    named = [
        f"{folder}/{name}"
        for folder, table in zip(folders[::2], folders[1::2], strict=True)
        for name in re.findall(r"^\| `(\w+\.py)` \| \S", table, re.M)
    ]
    modules = [path for path in (ROOT / "avspatial").rglob("*.py") if path.name != "__init__.py"]
    assert sorted(named) == sorted(path.relative_to(ROOT).as_posix() for path in modules)


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_file_of_the_project_that_a_page_names_exists(page: Path) -> None:
    rooms = {path.name for path in (ROOT / "avspatial").iterdir() if path.is_dir()}
    named = re.findall(r"`((\w+)/[\w./]+\.(?:py|yaml))`", page.read_text(encoding="utf-8"))
    own = [name for name, folder in named if folder in rooms | {"avspatial", "docs", "plugins", "recipes", "tests"}]
    assert [name for name in own if not ((ROOT / name).exists() or (ROOT / "avspatial" / name).exists())] == []
