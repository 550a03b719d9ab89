"""Scaffold of a new plugin: a folder of five small files that works at once."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from avspatial.atomic import atomic_directory
from avspatial.errors import PluginError, did_you_mean
from avspatial.plugin import KINDS
from avspatial.registry import discover

TEMPLATES = Path(__file__).with_name("templates")
SUMMARIES = {
    "visual_encoder": "Two convolutions for each image",
    "audio_encoder": "Five strided convolutions",
    "mask_generator": "A mask from every feature map, shifted by the images",
    "discriminator": "Two convolutions, shifted by the images",
    "metric": "Error of the level difference of the entire clip",
    "spatializer": "Pans the mixture to the side that the images suggest",
    "trainer": "One loss against the reference",
    "dataset": "A folder of wav and mp4 files",
}
"""Summary of the generated component of each kind."""
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def scaffold_plugin(kind: str, name: str, into: Path) -> list[Path]:
    """Write the plugin `name`, with one component of that name, into the folder `into`/`name`; return its files.

    PluginError for an unknown kind, an invalid or existing name, and an existing folder.
    """
    if kind not in KINDS:
        raise PluginError(f"unknown kind {kind!r}{did_you_mean(kind, KINDS)}", fix=f"Kinds: {', '.join(KINDS)}.")
    _check_name(name)
    folder = into / name
    if folder.exists():
        raise PluginError("is there already", where=folder, fix="Give another name, or another folder with --into.")
    texts = _texts(kind, name)
    with atomic_directory(folder) as temporary_path:
        for path, text in texts.items():
            (temporary_path / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary_path / path).write_text(text, encoding="utf-8")
    return [folder / path for path in texts]


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise PluginError(
            f"the name {name!r} must be lower-case words of letters and digits, joined by underscores",
            fix="For instance: room_balance.",
        )
    existing = {plugin.name: plugin.file for plugin in discover().plugins}
    if name in existing:
        raise PluginError(f"there is a plugin {name!r} already", where=existing[name], fix="Give another name.")


def _texts(kind: str, name: str) -> dict[str, str]:
    """Texts of the plugin's files by their path in its folder."""
    package = f"src/avspatial_{name}"
    sources = {
        "pyproject.toml": "pyproject.toml.txt",
        f"{package}/__init__.py": "init.py.txt",
        f"{package}/settings.py": f"{kind}/settings.py.txt",
        f"{package}/{kind}.py": f"{kind}/component.py.txt",
        f"tests/test_{name}.py": "test.py.txt",
    }
    words = kind.replace("_", " ")
    values = {
        "kind": kind,
        "name": name,
        "dashed": name.replace("_", "-"),
        "class_name": "".join(word.capitalize() for word in f"{name}_{kind}".split("_")),
        "kind_word": words,
        "kind_words": f"{'An' if kind[0] in 'aeiou' else 'A'} {words}",
        "summary": SUMMARIES[kind],
    }
    return {
        path: Template((TEMPLATES / source).read_text(encoding="utf-8")).substitute(values)
        for path, source in sources.items()
    }
