"""Loads one plugin: imports it, checks its hooks and reads its components. Errors become a `Failure`.

Every plugin has its own plugin manager, so that an error in one cannot affect the hooks of another.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import traceback
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from avspatial.errors import PluginError, did_you_mean
from avspatial.plugin import KINDS, PROJECT, Component, Hooks
from avspatial.registry.import_guard import watch_import
from avspatial.registry.sources import Failure, Source

if TYPE_CHECKING:
    from avspatial.settings import Settings

HOOKS = tuple(name for name in vars(Hooks) if name.startswith(f"{PROJECT}_"))
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_TARGET = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class _InvalidPlugin(Exception):
    """Why a plugin cannot be used; becomes the reason of a `Failure`."""


@dataclass(frozen=True)
class Plugin:
    """A loaded plugin. `file` defines its hooks; `warnings` are the side effects of its import, one line each."""

    name: str
    version: str
    origin: str
    file: str
    hooks: pluggy.PluginManager
    observes_runs: bool
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, str]:
        return {"name": self.name, "version": self.version, "origin": self.origin}


@dataclass(frozen=True)
class Entry:
    """One component of one plugin."""

    plugin: Plugin
    component: Component

    @property
    def kind(self) -> str:
        return self.component.kind

    @property
    def id(self) -> str:
        return f"{self.plugin.name}.{self.component.name}"

    @property
    def version(self) -> str:
        return self.component.version

    @property
    def label(self) -> str:
        """Kind and name, as `Failure.component` names the component."""
        return _label(self.component)

    def settings_class(self) -> type[Settings]:
        """The class of its settings; PluginError if it cannot be imported or is not a `Settings`."""
        from avspatial.settings import Settings

        return self._class(self.component.config, Settings, "avspatial.settings.Settings")

    def describe(self) -> dict[str, Any]:
        """The JSON Schema of its settings; PluginError as `settings_class`, and if pydantic cannot describe them."""
        settings = self.settings_class()
        try:
            return settings.model_json_schema()
        except Exception as error:
            why = "".join(str(error).splitlines()[:1])
            raise PluginError(
                f"{self.component.config} cannot be described: {type(error).__name__}: {why}",
                where=f"{self.kind} {self.id!r} ({self.plugin.file})",
                fix="Fix the plugin: settings must be numbers, text, lists or maps.",
            ) from error

    def target_class(self) -> type[Any]:
        """The class of the component; PluginError if it cannot be imported or is not a subclass of its kind's class."""
        from avspatial import interfaces

        name = "".join(part.title() for part in self.kind.split("_"))
        return self._class(self.component.target, getattr(interfaces, name), f"avspatial.interfaces.{name}")

    def _class(self, path: str, base: type[Any], base_path: str) -> type[Any]:
        module, _, name = path.partition(":")
        where = f"{self.kind} {self.id!r} ({self.plugin.file})"
        try:
            # stdout is for results: what a plugin prints must not mix with them
            with redirect_stdout(sys.stderr):
                loaded = getattr(importlib.import_module(module), name)
        except (Exception, SystemExit) as error:
            raise PluginError(
                f"{path} cannot be imported: {_one_line(error)}",
                where=where,
                fix="Install what the plugin needs, or fix the plugin.",
            ) from error
        if not (isinstance(loaded, type) and issubclass(loaded, base)):
            raise PluginError(
                f"{path} is not a subclass of {base_path}",
                where=where,
                fix="Fix the plugin.",
            )
        return loaded


def load(source: Source) -> tuple[Plugin | None, list[Entry], list[Failure]]:
    """Import a plugin and read its components. A plugin that cannot be used at all gives None and one failure."""
    with watch_import() as effects:
        try:
            plugin, components = _load(source)
        except (Exception, SystemExit) as error:
            reason = str(error) if isinstance(error, _InvalidPlugin) else _one_line(error)
            reason += f"; it printed {effects.output!r}" if effects.output else ""
            return None, [], [Failure(source.name, source.origin, reason, error=error)]
    plugin = replace(plugin, warnings=tuple(effects.warnings()))
    entries, failures = [], []
    for component in components:
        reason = _invalid(component)
        if reason:
            failures.append(Failure(plugin.name, plugin.file, reason, component=_label(component)))
        else:
            entries.append(Entry(plugin, component))
    return plugin, entries, failures


def _load(source: Source) -> tuple[Plugin, list[Any]]:
    if not _NAME.fullmatch(source.name):
        raise _InvalidPlugin(f"the name {source.name!r} must be lower case letters, digits and underscores")
    holder = metadata.EntryPoint(source.name, source.value, PROJECT).load()
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Hooks)
    hooks.register(holder, source.name)
    _check_hooks(hooks, holder)
    observes_runs = bool(hooks.hook.avspatial_record.get_hookimpls())
    plugin = Plugin(source.name, source.version, source.origin, _file(holder), hooks, observes_runs)
    components: list[Any] = []
    for answer in hooks.hook.avspatial_components():
        if isinstance(answer, Component) or not hasattr(answer, "__iter__"):
            raise _InvalidPlugin(f"avspatial_components must return a list of Component, not {type(answer).__name__}")
        components.extend(answer)
    return plugin, components


def _check_hooks(hooks: pluggy.PluginManager, holder: Any) -> None:
    """Refuse what pluggy silently ignores: hooks that are misspelled or unmarked, and a plugin without hooks."""
    for name, value in inspect.getmembers(holder, inspect.isroutine):
        marked = hasattr(value, f"{PROJECT}_impl")
        if marked and name not in HOOKS:
            raise _InvalidPlugin(f"{name} is marked @hookimpl, but there is no such hook{_nearest_hook(name)}")
        if not marked and name.startswith(f"{PROJECT}_") and _defined_in(holder, value):
            why = "has no @hookimpl above it" if name in HOOKS else f"is not a hook{_nearest_hook(name)}"
            raise _InvalidPlugin(f"{name} {why}; names that begin with {PROJECT}_ are reserved for hooks")
    hooks.check_pending()
    if not hooks.get_hookcallers(holder):
        raise _InvalidPlugin(f"implements no hook; it needs a function {HOOKS[0]} marked @hookimpl")


def _nearest_hook(name: str) -> str:
    return did_you_mean(name, HOOKS) or f"; the hooks are {' and '.join(HOOKS)}"


def _defined_in(holder: Any, value: Any) -> bool:
    return not isinstance(holder, ModuleType) or getattr(value, "__module__", None) == holder.__name__


def _file(holder: Any) -> str:
    try:
        return inspect.getfile(holder if isinstance(holder, ModuleType | type) else type(holder))
    except TypeError:
        return ""


def _invalid(component: Any) -> str:
    """What is wrong with a declaration; empty if nothing is."""
    if not isinstance(component, Component):
        return f"avspatial_components returned a {type(component).__name__} instead of a Component"
    if component.kind not in KINDS:
        return f"unknown kind {component.kind!r}{did_you_mean(str(component.kind), KINDS)}; kinds: {', '.join(KINDS)}"
    rules = (
        (component.name, _NAME, "name", "lower case letters, digits and underscores, a letter first"),
        (component.version, _VERSION, "version", "a string of letters, digits and . _ + -"),
        (component.config, _TARGET, "config", "'module:Class'"),
        (component.target, _TARGET, "target", "'module:Class'"),
    )
    for value, pattern, field, meaning in rules:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            return f"{field} {value!r} must be {meaning}"
    if not isinstance(component.summary, str) or not component.summary.strip() or "\n" in component.summary:
        return f"summary {component.summary!r} must be one line"
    return ""


def _label(component: Any) -> str:
    return f"{component.kind} {component.name!r}" if isinstance(component, Component) else ""


def _one_line(error: BaseException) -> str:
    """Type and first line of an exception, with the last line of code outside the import machinery."""
    text = str(error).strip().splitlines()
    first = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith("<frozen")]
    ours = (str(Path(__file__)), importlib.__file__, metadata.__file__, pluggy.__file__.rpartition("__init__")[0])
    outside = [frame for frame in frames if not frame.filename.startswith(tuple(filter(None, ours)))]
    if isinstance(error, SyntaxError) and error.filename:
        return f"{first} ({error.filename}:{error.lineno})" if error.filename not in first else first
    return f"{first} ({outside[-1].filename}:{outside[-1].lineno})" if outside else first
