"""Discovery of plugins: the built-in one, installed ones, and those in folders that the user names."""

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
    """Load every plugin.

    Args:
        folders: Plugin folders, or folders of them, to load in addition to the built-in and the installed plugins;
            None for those that AVSPATIAL_PLUGINS names.

    Returns:
        The registry. A plugin that cannot be loaded is in its `failures` and raises nothing. An entry point (name and
        value) both in a folder and installed counts once, the folder's; of two folders, the second's is a failure.
    """
    chosen = folders_in_environment() if folders is None else [Path(folder) for folder in folders]
    sources: dict[tuple[str, str], Source] = {(BUILTIN.name, BUILTIN.value): BUILTIN}
    failures: list[Failure] = []
    for source in (*in_folders(chosen), *installed()):
        if isinstance(source, Failure):
            failures.append(source)
            continue
        first = sources.setdefault((source.name, source.value), source)
        if source.root is not None and first.origin != source.origin:
            reason = f"{source.name} = {source.value!r} is declared in {first.origin} as well, which is used"
            failures.append(Failure(source.name, source.origin, reason))
    plugins: list[Plugin] = []
    entries: list[Entry] = []
    for source in sources.values():
        make_importable(source)
        plugin, loaded, failed = load(source)
        plugins += [plugin] if plugin else []
        entries += loaded
        failures += failed
    return Registry(plugins, entries, failures)
