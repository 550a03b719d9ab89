"""The registry: finds components by name and builds them.

An id is `plugin.component`; the short form `component` is accepted if it is unique among its kind, and `@version`
may follow either. A component's settings and code are imported on first use.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from avspatial.errors import PluginError, did_you_mean
from avspatial.plugin import KINDS
from avspatial.registry.import_guard import watch_import
from avspatial.registry.loading import Entry, Plugin
from avspatial.registry.sources import Failure

if TYPE_CHECKING:
    from avspatial.settings import Selected

_MOST_LISTED = 8
"""Names that the message about an unknown one lists."""
_NEAR = 0.75
"""Similarity from which on a name counts as a misspelled one."""


class Registry:
    """The plugins of one process, their components, and what failed to load; made by `avspatial.registry.discover`.

    `failures` are plugins and components that cannot be used; `warnings` concern some that can be used nevertheless.
    """

    def __init__(self, plugins: Iterable[Plugin], entries: Iterable[Entry], failures: Iterable[Failure]) -> None:
        self.plugins = tuple(plugins)
        self.failures = tuple(failures)
        self._entries: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.kind, entry.id), []).append(entry)
        self.failures += tuple(_clash(same) for same in self._entries.values() if len(same) > 1)
        self.warnings = tuple(
            Failure(plugin.name, plugin.origin, line) for plugin in self.plugins for line in plugin.warnings
        )
        self._reported: set[str] = set()

    def entries(self, kind: str | None = None) -> list[Entry]:
        """Every usable component, of one kind or of all, in the order of `KINDS` and then of the ids."""
        unique = [same[0] for same in self._entries.values() if len(same) == 1 and kind in (None, same[0].kind)]
        return sorted(unique, key=lambda entry: (KINDS.index(entry.kind), entry.id))

    def get(self, kind: str, name: str) -> Entry:
        """The component of a kind named `component` or `plugin.component`, either with `@version`.

        PluginError for a kind or name that is unknown, ambiguous, declared twice, or of another version.
        """
        if kind not in KINDS:
            raise PluginError(f"unknown kind {kind!r}{did_you_mean(kind, KINDS)}", fix=f"Kinds: {', '.join(KINDS)}.")
        wanted, _, version = name.partition("@")
        matches = [same for (k, id), same in self._entries.items() if k == kind and wanted in _names(id)]
        if not matches:
            raise self._unknown(kind, wanted)
        if len(matches) > 1:
            ids = ", ".join(sorted(same[0].id for same in matches))
            raise PluginError(f"{kind} {wanted!r} is ambiguous: {ids}", fix="Write the full id.")
        if len(matches[0]) > 1:
            raise PluginError(_clash(matches[0]).reason, fix="Remove or rename one of them.")
        entry = matches[0][0]
        if "@" in name and version != entry.version:
            raise PluginError(
                f"{kind} {entry.id!r} is version {entry.version} here, not {version}",
                fix=f"Install the release of plugin {entry.plugin.name!r} that has version {version}, "
                f"or write {entry.id}@{entry.version} and expect other numbers.",
            )
        return entry

    def build(self, selected: Selected, **context: Any) -> Any:
        """Construct the component that a recipe selected, from its settings and the arguments of its kind.

        PluginError if the component cannot be imported or is not a subclass of its kind's class.
        """
        entry = self.get(selected.kind, f"{selected.id}@{selected.version}")
        return entry.target_class()(selected.settings, **context)

    def observe(self, run: str, record: Mapping[str, object]) -> None:
        """Pass a record to every plugin that observes runs. Errors in a plugin are reported once and stop nothing."""
        for plugin in self.plugins:
            if not plugin.observes_runs:
                continue
            try:
                answers = plugin.hooks.hook.avspatial_record(run=run, record=copy.deepcopy(dict(record)))
            except Exception as error:
                self._report(plugin, f"raised {type(error).__name__}: {error}")
            else:
                if answers:
                    self._report(plugin, f"returned {answers[0]!r}, which is ignored: it must return nothing")

    def report_failures(self) -> None:
        """Print one line on stderr for each failure and warning."""
        for failure in (*self.failures, *self.warnings):
            print(f"warning: {failure}", file=sys.stderr)

    def validate(self, entries: Iterable[Entry] | None = None) -> list[Entry]:
        """Import and describe the settings of these components (default: all), and return those that can be used.

        Problems join `failures` and `warnings`.
        """
        usable = []
        for entry in self.entries() if entries is None else entries:
            where = entry.plugin.name, entry.plugin.file
            try:
                with watch_import() as effects:
                    entry.describe()
                usable.append(entry)
            except PluginError as error:
                self.failures += (Failure(*where, error.what, component=entry.label, error=error),)
            self.warnings += tuple(Failure(*where, line, component=entry.label) for line in effects.warnings())
        return usable

    def _report(self, plugin: Plugin, what: str) -> None:
        if plugin.name not in self._reported:
            self._reported.add(plugin.name)
            where = f"plugin {plugin.name!r} ({plugin.file})"
            print(f"warning: {where}: avspatial_record {what} (reported once)", file=sys.stderr)

    def _unknown(self, kind: str, name: str) -> PluginError:
        entries = self.entries()
        short = sorted({entry.component.name for entry in entries if entry.kind == kind})
        ids = [entry.id for entry in entries if entry.kind == kind]
        elsewhere = [entry.kind for entry in entries if name in _names(entry.id)]
        if elsewhere:
            what = f"{name!r} is {_a(elsewhere[0])}, not {_a(kind)}"
        else:
            what = f"unknown {kind} {name!r}{did_you_mean(name, ids if '.' in name else short)}"
        lines = [f"There are: {', '.join(short) or 'none'}."]
        if len(short) > _MOST_LISTED:
            lines = [f"`avspatial plugins list --kind {kind}` lists all {len(short)}."]
        lines += [f"Not loaded: {failure}" for failure in self.failures if _may_hold(failure, name)]
        nearest = get_close_matches(name, ids if "." in name else short, n=1, cutoff=_NEAR)
        return PluginError(what, fix="\n  ".join(lines), nearest="" if elsewhere or not nearest else nearest[0])


def _names(id: str) -> tuple[str, str]:
    return id, id.partition(".")[2]


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _may_hold(failure: Failure, name: str) -> bool:
    """Whether `name` may be a component that could not be loaded because of this failure."""
    plugin, dot, _ = name.partition(".")
    return not failure.plugin or not dot or failure.plugin == plugin


def _clash(same: list[Entry]) -> Failure:
    first, second = same[0], same[1]
    reason = f"{first.kind} {first.id!r} is declared twice: {first.plugin.file} and {second.plugin.file}"
    return Failure(first.plugin.name, second.plugin.origin, reason, component=first.label)
