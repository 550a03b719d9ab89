"""Write the generated parts of docs/: the picture and tables of architecture.md, the checks of plugins.md and the
types of score_schema.md.

    python docs/scripts/generate.py

The picture and the rooms come from the import contracts in pyproject.toml, the lines of the tables from docstrings.
"""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import get_args

from pydantic import BaseModel

from avspatial.text import markdown_table

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "avspatial"
PICTURE = ROOT / "docs" / "images" / "architecture.svg"
WIDTH, MARGIN, GAP, LINE = 1000, 20, 12, 18

Layers = list[list[str]]
"""Names of modules by layer, the top layer first."""


def contracts() -> dict[str, Layers]:
    """Return the layers of each import contract by the package it orders."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {
        container: [[name.strip(" ()") for name in layer.replace(":", "|").split("|")] for layer in contract["layers"]]
        for contract in configuration["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
        for container in contract["containers"]
    }


def first_line(path: Path) -> str:
    """Return the first paragraph of a module's docstring as one line."""
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.partition("\n\n")[0].split())


def file_of(name: str) -> Path:
    """Return the file of a room: a module, or the `__init__.py` of a package."""
    module = PACKAGE / f"{name}.py"
    return module if module.exists() else PACKAGE / name / "__init__.py"


def shown(name: str) -> str:
    return f"{name}.py" if (PACKAGE / f"{name}.py").exists() else f"{name}/"


def picture() -> str:
    """Return the floors as SVG: one row a layer, and in each box the inner layers of that room, if it has any."""
    layers = contracts()
    parts, top = [], MARGIN
    for layer in layers["avspatial"]:
        texts = {name: [" · ".join(row) for row in layers.get(f"avspatial.{name}", [])] for name in layer}
        height = 34 + LINE * max(map(len, texts.values()))
        width = (WIDTH - 2 * MARGIN - GAP * (len(layer) - 1)) / len(layer)
        for place, (name, inner) in enumerate(texts.items()):
            left = MARGIN + place * (width + GAP)
            parts.append(f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{height}" rx="6"/>')
            parts.append(_text(left + width / 2, top + 22, shown(name), "name"))
            parts += [_text(left + width / 2, top + 40 + LINE * row, line, "inner") for row, line in enumerate(inner)]
        top += height + GAP
    style = (
        "text{font-family:sans-serif;text-anchor:middle;fill:#1f2937}.name{font-size:15px;font-weight:600}"
        ".inner{font-size:12px}rect{fill:#eef2f7;stroke:#64748b}"
    )
    size = f'viewBox="0 0 {WIDTH} {top - GAP + MARGIN}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><title>Rooms of avspatial by floor</title>'
    background = '<rect width="100%" height="100%" style="fill:#fff;stroke:none"/>'
    return "\n".join([head, f"<style>{style}</style>", background, *parts, "</svg>", ""])


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x:.1f}" y="{y}" class="{kind}">{escape(text)}</text>'


def rooms() -> str:
    """Return the table of rooms, the top floor first."""
    layers = contracts()["avspatial"]
    rows = [
        (str(floor), f"`{shown(name)}`", first_line(file_of(name)))
        for floor, layer in zip(range(len(layers) - 1, -1, -1), layers, strict=True)
        for name in layer
    ]
    return markdown_table([("floor", "room", "contents"), *rows])


def modules() -> str:
    """Return the tables of modules, one for each folder of the package, in the order of the floors."""
    named = [name for layer in contracts()["avspatial"] for name in layer]
    files = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")
    order = {name: place for place, name in enumerate(["", *named])}
    folders = sorted({path.parent for path in files}, key=lambda folder: _place(folder, order))
    return "\n\n".join(_folder(folder, [path for path in files if path.parent == folder]) for folder in folders)


def _place(folder: Path, order: dict[str, int]) -> tuple[int, Path]:
    inside = folder.relative_to(PACKAGE)
    return order[inside.parts[0] if inside.parts else ""], inside


def _folder(folder: Path, files: list[Path]) -> str:
    rows = [(f"`{path.name}`", first_line(path)) for path in files]
    return f"### {folder.relative_to(ROOT).as_posix()}/\n\n{markdown_table([('module', 'contents'), *rows])}"


def plugin_checks() -> str:
    """Return the checks of a plugin's declaration and import."""
    from avspatial.testing.checks import declaration, imports

    checks = [*declaration.CHECKS.values(), *imports.CHECKS.values()]
    named = {"metadata": declaration._metadata} | {check.__name__: check for check in checks}
    rows = [(f"`{name}`", _asked(check)) for name, check in named.items()]
    return markdown_table([("check", "what it asks"), *rows])


def component_checks() -> str:
    """Return the checks of components, with the kinds that each applies to."""
    from avspatial.plugin import KINDS
    from avspatial.testing import checks_of

    networks = [kind for kind in KINDS if "bfloat16" in checks_of(kind)]
    kinds: dict[Callable[..., object], list[str]] = {}
    for kind in [*networks, *(kind for kind in KINDS if kind not in networks)]:
        for check in checks_of(kind).values():
            kinds.setdefault(check, []).append(kind)
    rows = []
    for check, of in kinds.items():
        named = "all networks" if sorted(of) == sorted(networks) else ", ".join(f"`{k}`" for k in KINDS if k in of)
        rows.append((f"`{check.__name__}`", named, _asked(check)))
    return markdown_table([("check", "of", "what it asks"), *rows])


def _asked(check: Callable[..., object]) -> str:
    return (inspect.getdoc(check) or "").splitlines()[0]


def score_types() -> str:
    """Return a table for each type of the score schema."""
    from avspatial.evaluation.scoring.score_schema import DOCUMENTS

    return "\n\n".join(map(_type, DOCUMENTS))


def _type(document: type[BaseModel]) -> str:
    fields = document.model_fields.items()
    rows = [
        (f"`{field.alias or name}`", f"`{_kind(field.annotation)}`", field.description or "") for name, field in fields
    ]
    table = markdown_table([("key", "type", "meaning"), *rows])
    return f"### {document.__name__}\n\n{inspect.getdoc(document)}\n\n{table}"


def _kind(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
    return re.sub(r"\b[a-z_.]+\.(?=[A-Z])", "", text).replace("None", "null")


def generated() -> Iterator[tuple[Path, str]]:
    """Yield each file that has a generated part, with the text that it should have."""
    yield PICTURE, picture()
    yield _page("architecture.md", rooms=rooms, modules=modules)
    yield _page("score_schema.md", score_types=score_types)
    yield _page("plugins.md", plugin_checks=plugin_checks, component_checks=component_checks)


def _page(name: str, **parts: Callable[[], str]) -> tuple[Path, str]:
    """Return a page with the text between `<!-- generated: PART -->` and `<!-- end -->` made anew."""
    path = ROOT / "docs" / name
    text = path.read_text(encoding="utf-8")
    for part, make in parts.items():
        before, start, rest = text.partition(f"<!-- generated: {part} -->\n")
        _, end, after = rest.partition("<!-- end -->\n")
        if not end:
            raise ValueError(f"{name} has no lines `<!-- generated: {part} -->` and `<!-- end -->`")
        text = f"{before}{start}\n{make()}\n\n{end}{after}"
    return path, text


if __name__ == "__main__":
    for path, text in generated():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))
