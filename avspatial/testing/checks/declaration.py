"""Checks of a plugin's declaration, without importing its components: names, docstrings, bounds."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from avspatial.registry import Entry, Plugin
from avspatial.testing.results import Result, outcome, require

LONGEST_SUMMARY = 120
"""Most characters of a summary, so that it fits a line of `plugins list`."""
_FIELD = re.compile(r"[a-z][a-z0-9_]*")
_LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const"}


def static(plugin: Plugin, entries: list[Entry]) -> Iterator[Result]:
    """Check the plugin's metadata, then names, docstrings and bounds of each component."""
    home = Path(plugin.file).parent
    yield outcome(f"plugin {plugin.name}", "metadata", partial(_metadata, plugin, entries), home=home)
    for entry in entries:
        label = f"{entry.kind} {entry.id}"
        for name, check in CHECKS.items():
            yield outcome(label, name, partial(check, entry), home=home)


def _metadata(plugin: Plugin, entries: list[Entry]) -> str:
    """It has a version, and offers a component or observes runs."""
    require(plugin.version, "its distribution has no version")
    require(entries or plugin.observes_runs, "it offers no component and observes no run")
    return f"version {plugin.version}, components: {len(entries)}"


def names(entry: Entry) -> None:
    """Settings have lower-case names; the summary fits a line."""
    for where, name, _ in _fields(entry):
        require(_FIELD.fullmatch(name), f"the setting {where}{name} is not lower case")
    summary = entry.component.summary
    require(len(summary) <= LONGEST_SUMMARY, f"the summary has {len(summary)} characters, {LONGEST_SUMMARY} at most")


def docstrings(entry: Entry) -> None:
    """The component, its settings class and every setting have a docstring."""
    for where, name, facts in _fields(entry):
        require(str(facts.get("description", "")).strip(), f"the setting {where}{name} has no docstring under it")
    for path in (entry.component.config, entry.component.target):
        module, _, name = path.partition(":")
        definition = _class(module, name)
        require(definition, f"{module} does not define a class {name}")
        assert definition is not None
        require(ast.get_docstring(definition), f"{path} has no docstring")


def bounds(entry: Entry) -> None:
    """Every number among the settings has a bound (ge, gt, le, lt) or a validator."""
    for where, name, facts in _fields(entry):
        require(not _boundless(facts), f"the setting {where}{name} is a number without a bound")


CHECKS: dict[str, Callable[[Entry], None]] = {check.__name__: check for check in (names, docstrings, bounds)}


def _fields(entry: Entry) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(path of the inner model, name, JSON schema) of every setting; one with its own validator has no type."""
    model = entry.settings_class()
    schema = model.model_json_schema()
    validators = model.__pydantic_decorators__.field_validators.values()
    checked = {field for validator in validators for field in validator.info.fields}
    for name, facts in schema.get("properties", {}).items():
        yield "", name, {"description": facts.get("description")} if name in checked else facts
    for title, inner in schema.get("$defs", {}).items():
        for name, facts in inner.get("properties", {}).items():
            yield f"{title}.", name, facts


def _boundless(facts: dict[str, Any]) -> bool:
    if facts.get("type") in ("integer", "number"):
        return not _LIMITS & set(facts)
    parts = [part for key in ("anyOf", "allOf", "prefixItems") for part in facts.get(key, [])]
    parts += [part for key in ("items", "additionalProperties") if isinstance(part := facts.get(key), dict)]
    return any(_boundless(part) for part in parts)


def _class(module: str, name: str) -> ast.ClassDef | None:
    """The class in the module's source; only the module's package is imported, not the module."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin or not Path(spec.origin).is_file():
        return None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    return next((node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name), None)
