"""All checks of plugins: their declaration, their import and the behaviour of their components."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from avspatial.errors import PluginError, did_you_mean
from avspatial.registry import Entry, Failure, Plugin, Registry, discover
from avspatial.registry.sources import folders_in_environment
from avspatial.testing.checks.declaration import static
from avspatial.testing.checks.imports import imports
from avspatial.testing.results import Result
from avspatial.testing.run_checks import check_component

_Selection = tuple[Sequence[Plugin], Sequence[Failure], Sequence[Entry]]
"""The plugins to check, the failures to report, and the components of those plugins to check."""


def check_plugins(which: str | None = None) -> Iterator[Result]:
    """Check a plugin, a component, the plugins of a folder, or every plugin (None); yield the results one by one.

    PluginError for an unknown name. A plugin or component that does not load is a failure and not checked further.
    """
    registry, folder = discover(), None
    if which is not None and Path(which).is_dir() and not _known(registry, which):
        folder = Path(which).resolve()
        registry = discover([folder, *folders_in_environment()])
    registry.validate()
    if folder is not None:
        plugins, failures, entries = _within(registry, folder)
    elif which is not None:
        plugins, failures, entries = _named(registry, which)
    else:
        plugins, failures, entries = registry.plugins, registry.failures, registry.entries()
    for failure in failures:
        subject = f"plugin {failure.plugin}" if failure.plugin else "plugin folder"
        yield Result(subject, "loads", "failed", f"{failure.component}: {failure.reason}".removeprefix(": "))
    broken = {(failure.plugin, failure.component) for failure in failures}
    for plugin in plugins:
        own = [entry for entry in entries if entry.plugin is plugin and (plugin.name, entry.label) not in broken]
        yield from static(plugin, own)
        yield from imports(plugin, own)
        for entry in own:
            yield from check_component(entry, registry)


def _known(registry: Registry, name: str) -> bool:
    plugins = {plugin.name for plugin in registry.plugins} | {failure.plugin for failure in registry.failures}
    return name in plugins or any(name in (entry.id, entry.component.name) for entry in registry.entries())


def _within(registry: Registry, folder: Path) -> _Selection:
    plugins = [plugin for plugin in registry.plugins if Path(plugin.file).resolve().is_relative_to(folder)]
    names = {plugin.name for plugin in plugins}
    failures = [f for f in registry.failures if f.plugin in names or str(f.origin).startswith(str(folder))]
    return plugins, failures, registry.entries()


def _named(registry: Registry, name: str) -> _Selection:
    """What the name of a plugin or component selects; PluginError if nothing."""
    plugins = [plugin for plugin in registry.plugins if plugin.name == name]
    entries = [entry for entry in registry.entries() if name in (entry.id, entry.component.name)]
    labels = {(entry.plugin.name, entry.label) for entry in entries}
    failures = [f for f in registry.failures if f.plugin == name or (f.plugin, f.component) in labels]
    if plugins:
        return plugins, failures, registry.entries()
    if not entries and not failures:
        names = {plugin.name for plugin in registry.plugins} | {entry.id for entry in registry.entries()}
        raise PluginError(
            f"there is no plugin, component or folder {name!r}{did_you_mean(name, sorted(names))}",
            fix="`avspatial plugins list` lists what there is; a folder that holds a plugin will do as well.",
        )
    owners = {entry.plugin.name for entry in entries}
    return [plugin for plugin in registry.plugins if plugin.name in owners], failures, entries
