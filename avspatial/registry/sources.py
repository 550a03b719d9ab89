"""Sources of plugins: entry points of the group `avspatial`, installed or in folders that the user names.

No folder is read by default, because the code in it runs: only `--plugins DIR` and AVSPATIAL_PLUGINS name folders.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from avspatial.folders import as_path

GROUP = "avspatial"
VARIABLE = "AVSPATIAL_PLUGINS"


@dataclass(frozen=True)
class Source:
    """One entry point, `name = "value"`, with the file or distribution that declares it.

    `root` is the folder of its modules if it comes from a plugin folder.
    """

    name: str
    value: str
    origin: str
    distribution: str = ""
    version: str = ""
    root: Path | None = None


@dataclass(frozen=True)
class Failure:
    """Why a plugin, or one component of it, cannot be used, in one line."""

    plugin: str
    origin: str
    reason: str
    component: str = ""
    error: BaseException | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        head = f"plugin {self.plugin!r}" if self.plugin else "plugin folder"
        part = f", {self.component}" if self.component else ""
        return f"{head}{part} ({self.origin}): {self.reason}"


def folders_in_environment() -> list[Path]:
    """The folders in AVSPATIAL_PLUGINS, separated as in PATH."""
    return [as_path(part) for part in os.environ.get(VARIABLE, "").split(os.pathsep) if part]


def installed() -> Iterator[Source]:
    """Entry points of installed distributions, in a fixed order."""
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        name, version = (point.dist.name, point.dist.version) if point.dist else ("", "")
        yield Source(point.name, point.value, f"{name} {version}".strip() or "installed", name, version)


def in_folders(folders: Iterable[Path]) -> Iterator[Source | Failure]:
    """Entry points declared by plugin folders; one without a pyproject.toml stands for the plugin folders in it."""
    for path in folders:
        folder = path.expanduser().resolve()
        if not folder.is_dir():
            yield Failure("", str(folder), "no such folder; `--plugins` and AVSPATIAL_PLUGINS must name folders")
            continue
        files = sorted(folder.glob("pyproject.toml")) or sorted(folder.glob("*/pyproject.toml"))
        if not files:
            yield Failure("", str(folder), "neither a plugin folder nor a folder of plugin folders: no pyproject.toml")
        for file in files:
            yield from _declared(file)


def _declared(path: Path) -> Iterator[Source | Failure]:
    folder = path.parent
    try:
        project = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {})
        table: dict[str, Any] = project.get("entry-points", {}).get(GROUP, {})
        pairs = [(name, str(value)) for name, value in table.items()]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, AttributeError) as error:
        yield Failure(folder.name, str(path), f"cannot be read: {error}", error=error)
        return
    if not pairs:
        yield Failure(folder.name, str(path), f"has no table [project.entry-points.{GROUP}] that names the plugin")
        return
    root = folder / "src" if (folder / "src").is_dir() else folder
    for name, value in pairs:
        yield Source(name, value, str(path), str(project.get("name", "")), str(project.get("version", "")), root)


def make_importable(source: Source) -> None:
    """Put a plugin folder first in `sys.path`: the user named it, so it wins over an installed copy of the plugin."""
    if source.root is not None and str(source.root) not in sys.path:
        sys.path.insert(0, str(source.root))
