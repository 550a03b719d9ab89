"""All checks of plugins: their declaration, their import and the behaviour of their components."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from avspatial.errors import PluginError, did_you_mean
from avspatial.registry import Entry, Failure, Plugin, Registry, discover
from avspatial.registry.sources import folders_in_environment
from avspatial.testing.checks.declaration import static
from avspatial.testing.checks.imports import imports
from avspatial.testing.results import Result
from avspatial.testing.run_checks import check_component


def check_plugins(which: str | None = None) -> Iterator[Result]:
    """Check a plugin, a component, the plugins of a folder, or every plugin (None); yield the results one by one.

    PluginError for an unknown name. A plugin or component that does not load is a failure and not checked further.
    """
    registry, folder = discover(), None
    if which is not None and Path(which).is_dir() and not _known(registry, which):
        folder = Path(which)
        registry = discover([folder, *folders_in_environment()])
    registry.validate()
    selection = _Selection(registry, None if folder else which, folder)
    for failure in selection.failures:
        subject = f"plugin {failure.plugin}" if failure.plugin else "plugin folder"
        yield Result(subject, "loads", "failed", f"{failure.component}: {failure.reason}".removeprefix(": "))
    for plugin in selection.plugins:
        entries = [entry for entry in registry.entries() if entry.plugin is plugin and selection.includes(entry)]
        yield from static(plugin, entries)
        yield from imports(plugin, entries)
        for entry in entries:
            yield from check_component(entry, registry)


def _known(registry: Registry, name: str) -> bool:
    plugins = {plugin.name for plugin in registry.plugins} | {failure.plugin for failure in registry.failures}
    return name in plugins or any(name in (entry.id, entry.component.name) for entry in registry.entries())


class _Selection:
    """The plugins, failures and components that a name or a folder selects."""

    def __init__(self, registry: Registry, name: str | None, folder: Path | None) -> None:
        self.component: str | None = None
        self.plugins = list(registry.plugins)
        self.failures = list(registry.failures)
        if folder is not None:
            self._within(folder.resolve())
        elif name is not None:
            self._named(registry, name)

    def includes(self, entry: Entry) -> bool:
        broken = {(failure.plugin, failure.component) for failure in self.failures}
        return self.component in (None, entry.component.name) and (entry.plugin.name, entry.label) not in broken

    def _within(self, folder: Path) -> None:
        self.plugins = [plugin for plugin in self.plugins if Path(plugin.file).resolve().is_relative_to(folder)]
        here = {plugin.name for plugin in self.plugins}
        self.failures = [failure for failure in self.failures if self._of(failure, here, folder)]

    @staticmethod
    def _of(failure: Failure, names: set[str], folder: Path) -> bool:
        return failure.plugin in names or str(failure.origin).startswith(str(folder))

    def _named(self, registry: Registry, name: str) -> None:
        entries = [entry for entry in registry.entries() if name in (entry.id, entry.component.name)]
        owners: list[Plugin] = [plugin for plugin in self.plugins if plugin.name == name]
        if not owners and entries:
            owners = list({id(entry.plugin): entry.plugin for entry in entries}.values())
            self.component = entries[0].component.name
        self.plugins = owners
        selected = {(entry.plugin.name, entry.label) for entry in entries}
        self.failures = [f for f in self.failures if f.plugin == name or (f.plugin, f.component) in selected]
        if not self.plugins and not self.failures:
            known = {plugin.name for plugin in registry.plugins} | {entry.id for entry in registry.entries()}
            raise PluginError(
                f"there is no plugin, component or folder {name!r}{did_you_mean(name, sorted(known))}",
                fix="`avspatial plugins list` lists what there is; a folder that holds a plugin will do as well.",
            )
