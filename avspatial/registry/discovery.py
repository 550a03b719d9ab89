"""Which plugins are there: the built-in one, installed ones, and those in folders that the user names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from avspatial.registry.loading import Entry, Plugin, load
from avspatial.registry.lookup import Registry
from avspatial.registry.sources import (
    Failure,
    Source,
    folders_in_environment,
    in_folders,
    installed,
    make_importable,
)
from avspatial.version import __version__

BUILTIN = Source("avspatial", "avspatial.builtin", "built in", "avspatial", __version__)


def discover(folders: Iterable[Path | str] | None = None) -> Registry:
    """Load every plugin: built-in, installed, and in `folders` (None: those of AVSPATIAL_PLUGINS).

    Never raises for a plugin's sake: what cannot be loaded is in `Registry.failures`. An entry (name and value) that
    is found in two places counts once, the folder's before the installed one; found in two folders, it is a failure of
    the second.
    """
    given = folders_in_environment() if folders is None else [Path(folder) for folder in folders]
    found: dict[tuple[str, str], Source] = {(BUILTIN.name, BUILTIN.value): BUILTIN}
    failures: list[Failure] = []
    for source in (*in_folders(given), *installed()):
        if isinstance(source, Failure):
            failures.append(source)
            continue
        first = found.setdefault((source.name, source.value), source)
        if source.root is not None and first.origin != source.origin:
            reason = f"{source.name} = {source.value!r} is declared in {first.origin} as well, which is used"
            failures.append(Failure(source.name, source.origin, reason))
    plugins: list[Plugin] = []
    entries: list[Entry] = []
    for source in found.values():
        make_importable(source)
        plugin, offered, wrong = load(source)
        plugins += [plugin] if plugin else []
        entries += offered
        failures += wrong
    return Registry(plugins, entries, failures)
