"""Plugins, templates and pages import only public modules of avspatial, and from them only what `__all__` names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from support.pages import ROOT, blocks
from support.public_modules import PUBLIC

from avspatial.plugin import KINDS
from avspatial.testing.scaffold import scaffold_plugin

PLUGIN_FILES = sorted((ROOT / "plugins").glob("*/src/**/*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def names_of(module: str) -> set[str]:
    """What may be imported from a public module: the names in its `__all__`, and public modules inside it."""
    inside = {name.rpartition(".")[2] for name in PUBLIC if name.rpartition(".")[0] == module}
    return inside | set(import_module(module).__all__)


def private_imports(source: str) -> Iterator[str]:
    """The imports from avspatial that are not public, each as `line: module` or `line: module.name`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "avspatial" and alias.name not in PUBLIC:
                    yield f"{node.lineno}: {alias.name}"
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "avspatial":
            module = node.module or ""
            names = {alias.name for alias in node.names} - names_of(module) if module in PUBLIC else set()
            yield from [f"{node.lineno}: {module}"] if module not in PUBLIC else []
            yield from (f"{node.lineno}: {module}.{name}" for name in sorted(names))
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "avspatial":
            yield from [f"{node.lineno}: avspatial.{node.attr}"] if node.attr not in names_of("avspatial") else []


def test_the_page_of_plugins_lists_every_public_module() -> None:
    table = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").partition("## Public modules")[2]
    rows = re.findall(r"^\| `(avspatial[\w.]*)` \|", table.partition("\n## ")[0], re.MULTILINE)
    assert sorted(rows) == sorted(PUBLIC)


def sorted_like_ruff(names: list[str]) -> list[str]:
    """Constants, then classes, then the rest, as ruff's RUF022 sorts `__all__`."""
    return sorted(names, key=lambda name: (0 if name.isupper() else 1 if name[:1].isupper() else 2, name))


@pytest.mark.parametrize("module", PUBLIC)
def test_a_public_module_lists_its_names(module: str) -> None:
    listed = list(import_module(module).__all__)
    assert listed == sorted_like_ruff(listed)
    assert [name for name in listed if not hasattr(import_module(module), name)] == []


@pytest.mark.parametrize("path", PLUGIN_FILES, ids=lambda path: path.relative_to(ROOT / "plugins").as_posix())
def test_a_bundled_plugin_imports_only_what_is_public(path: Path) -> None:
    assert list(private_imports(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_imports_only_what_is_public(kind: str, tmp_path: Path) -> None:
    sources = [path for path in scaffold_plugin(kind, f"public_{kind}", tmp_path) if path.suffix == ".py"]
    assert len(sources) == 4
    for path in sources:
        assert list(private_imports(path.read_text(encoding="utf-8"))) == [], path.name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_imports_only_what_is_public(page: Path) -> None:
    code = [block for block in blocks(page) if block.language == "python"]
    assert [f"{block.line} + {line}" for block in code for line in private_imports(block.text)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from avspatial.metrics import snr", []),
        ("from avspatial import metrics, run", []),
        ("import avspatial.metrics as metrics", []),
        ("from avspatial_balance.settings import BalanceSettings", []),
        ("from avspatial.metrics.fairplay import snr", ["1: avspatial.metrics.fairplay"]),
        ("import numpy, avspatial.media.audio", ["1: avspatial.media.audio"]),
        ("from avspatial.metrics import snr, resampled", ["1: avspatial.metrics.resampled"]),
        ("from avspatial import registry", ["1: avspatial.registry"]),
        ("import avspatial\navspatial.run, avspatial.registry", ["2: avspatial.registry"]),
        ("def late():\n    from avspatial.signal.sofa import MeasuredHead", ["2: avspatial.signal.sofa"]),
    ],
)
def test_a_private_import_is_found(source: str, found: list[str]) -> None:
    assert list(private_imports(source)) == found
