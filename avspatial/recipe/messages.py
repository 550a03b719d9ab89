"""Translates pydantic's errors to messages about recipes, with file, line and the closest legal key."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from avspatial.errors import PluginError, did_you_mean
from avspatial.recipe.yaml_tree import Loc, Node, Problem, dotted, find
from avspatial.settings import Choose, ComponentLookup, Settings, annotation_parts

_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_MOST_SUGGESTED = 3
_TYPES = (
    (re.compile(r"int_"), "an integer"),
    (re.compile(r"float_|decimal_"), "a number"),
    (re.compile(r"string_(type|unicode|sub_type)"), "text"),
    (re.compile(r"bool_"), "true or false"),
    (re.compile(r"(list|tuple|set|frozen_set|iterable)_type"), "a list"),
    (re.compile(r"(dict|model|mapping)_(attributes_)?type"), "a map of keys"),
    (re.compile(r"path_type"), "a path"),
    (re.compile(r"none_required"), "empty"),
)


def choice_and_model(field: FieldInfo) -> tuple[Choose | None, type[Settings] | None]:
    """The component choice and the settings class that a field holds, inside lists and unions too."""
    parts = [*field.metadata, *annotation_parts(field.annotation)]
    choice = next((part for part in parts if isinstance(part, Choose)), None)
    model = next((part for part in parts if isinstance(part, type) and issubclass(part, Settings)), None)
    return choice, model


def key_of(name: str, field: FieldInfo) -> str:
    """The key of a field in YAML."""
    return field.alias or name


def field_at(model: type[Settings] | None, key: str | int) -> FieldInfo | None:
    """The field of a settings class with this YAML key."""
    fields = model.model_fields if model else {}
    return next((field for name, field in fields.items() if key in (name, field.alias)), None)


def unit_of(field: FieldInfo) -> str:
    return _extra(field, "unit")


def form_of(field: FieldInfo) -> str:
    return _extra(field, "form")


def _extra(field: FieldInfo, name: str) -> str:
    extra = field.json_schema_extra
    return str(extra.get(name, "")) if isinstance(extra, dict) else ""


class ErrorTranslator:
    """Translates pydantic's errors about one tree to problems."""

    def __init__(self, tree: Node, root: type[Settings], registry: ComponentLookup) -> None:
        self.tree = tree
        self.root = root
        self.registry = registry

    def problems(self, errors: Iterable[ErrorDetails]) -> list[Problem]:
        """One problem per key; the errors of all branches of a union are joined."""
        by_key: dict[tuple[Loc, bool], list[Problem]] = {}
        for error in errors:
            if error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]:
                continue  # pydantic counts only valid items; the invalid ones have errors of their own
            loc = tuple(error["loc"])
            reached = find(self.tree, loc)[1]
            own = error["type"] in ("missing", "extra_forbidden")
            key = (loc, own) if own else (reached, own)
            by_key.setdefault(key, []).append(self._problem(error, loc if own else reached))
        return [_joined(same) for same in by_key.values()]

    def _problem(self, error: ErrorDetails, loc: Loc) -> Problem:
        node, reached = find(self.tree, loc)
        if error["type"] == "missing" and loc and isinstance(loc[-1], int):
            return Problem(node.location, dotted(reached), f"item {loc[-1] + 1} is missing")
        if error["type"] == "missing":
            return Problem(node.key, dotted(loc), self._missing(loc), missing=True)
        if error["type"] == "extra_forbidden":
            return Problem(node.key, dotted(loc), f"no such key{self._suggestion(loc)}")
        if error["type"] == "component" and isinstance(node.value, dict):
            node = node.value.get("use", node)
        return Problem(node.location, dotted(loc), self._wrong(error, loc), missing=error["type"] == "choice")

    def _suggestion(self, loc: Loc) -> str:
        """The keys of this name elsewhere in the recipe, else the nearest one in the same map."""
        legal = self.legal_keys(loc[:-1])
        elsewhere = [dotted(key) for key in self._keys(self.root, ()) if key[-1] == loc[-1]]
        if not elsewhere or str(loc[-1]) in legal:
            return did_you_mean(str(loc[-1]), legal)
        return f" (did you mean {_or([repr(key) for key in elsewhere[:_MOST_SUGGESTED]])}?)"

    def _keys(self, model: type[Settings], loc: Loc) -> Iterator[Loc]:
        """Every key of this recipe's maps and components, but for those in lists."""
        for name, field in model.model_fields.items():
            key = (*loc, key_of(name, field))
            yield key
            inner = None if get_origin(field.annotation) in (list, tuple) else self.model_at(key)
            if inner:
                yield from self._keys(inner, key)

    def _missing(self, loc: Loc) -> str:
        field = field_at(self.model_at(loc[:-1]), loc[-1])
        return f"is missing ({_first_line(field)})" if field and field.description else "is missing"

    def legal_keys(self, loc: Loc) -> list[str]:
        """The legal keys of the map at `loc`."""
        model = self.model_at(loc)
        keys = [key_of(name, field) for name, field in model.model_fields.items()] if model else []
        if not loc:
            return [*keys, "extends"]
        return [*keys, "use"] if "use" in (find(self.tree, loc)[0].value or ()) else keys

    def model_at(self, loc: Loc) -> type[Settings] | None:
        """The settings class of the map at `loc`."""
        model: type[Settings] | None = self.root
        for depth, part in enumerate(loc, 1):
            if isinstance(part, int):
                continue
            field = field_at(model, part)
            if field is None:
                return None
            choice, model = choice_and_model(field)
            if choice:
                inner = loc[: depth + 1] if depth < len(loc) and isinstance(loc[depth], int) else loc[:depth]
                model = self._chosen(choice, find(self.tree, inner)[0])
        return model

    def _chosen(self, choice: Choose, node: Node) -> type[Settings] | None:
        name = node.value.get("use", node).value if isinstance(node.value, dict) else node.value
        try:
            return self.registry.get(choice.kind, name).settings_class() if isinstance(name, str) else None
        except PluginError as error:
            return self._chosen(choice, Node(error.nearest, node.location, node.key)) if error.nearest else None

    def _wrong(self, error: ErrorDetails, loc: Loc) -> str:
        kind, context, value = error["type"], error.get("ctx", {}), error.get("input")
        if kind in ("choice", "component", "registry"):
            return error["msg"].rstrip(".").replace(".\n", "\n").replace("\n  ", ". ")
        if kind == "value_error":
            return error["msg"].removeprefix("Value error, ")
        own = next((depth for depth in reversed(range(len(loc))) if not isinstance(loc[depth], int)), None)
        field = None if own is None else field_at(self.model_at(loc[:own]), loc[own])
        if kind == "string_pattern_mismatch":
            return _pattern(context["pattern"], value, field)
        rule = _rule(kind, context, value, unit_of(field) if field else "")
        if rule:
            return rule
        message = error["msg"].replace("Input should be", "must be")
        return f"{message[:1].lower()}{message[1:]}"


def _rule(kind: str, context: Mapping[str, Any], value: Any, unit: str) -> str:
    """The message for one of pydantic's error types; empty for the others."""
    if value != value:
        return "must be a number, not nan"
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        return f"must be {words} {_number(context[name], unit)}, not {_shown(value)}"
    special: dict[str, Callable[[], str]] = {
        "literal_error": lambda: _one_of(_legal(context["expected"]), value),
        "too_short": lambda: f"needs at least {context['min_length']}, has {context['actual_length']}",
        "too_long": lambda: f"may have at most {context['max_length']}, has {context['actual_length']}",
        "string_too_long": lambda: f"may have at most {context['max_length']} letters, has {len(value)}",
        "string_too_short": lambda: f"needs at least {context['min_length']} letters, has {len(value)}",
        "multiple_of": lambda: f"must be a multiple of {_number(context['multiple_of'], unit)}, not {_shown(value)}",
        "finite_number": lambda: f"must be a finite number, not {_shown(value)}",
    }
    if kind in special:
        return special[kind]()
    for pattern, words in _TYPES:
        if pattern.match(kind):
            return f"must be {words}, not {_shown(value)}"
    return ""


def _legal(expected: str) -> list[str]:
    """The values in pydantic's `'a', 'b' or False`, in YAML's spelling."""
    words = [quoted or bare for quoted, bare in re.findall(r"'([^']*)'|(\w+)", expected) if bare != "or"]
    return [{"True": "true", "False": "false", "None": "empty"}.get(word, word) for word in words]


def _one_of(legal: list[str], value: Any) -> str:
    return f"must be {_or(legal)}, not {_shown(value)}{did_you_mean(str(value), legal)}"


def _pattern(pattern: str, value: Any, field: FieldInfo | None) -> str:
    words = re.fullmatch(r"\^\(([\w|]+)\)\$", pattern)
    if words:
        return _one_of(words[1].split("|"), value)
    if field and form_of(field):
        return f"must be {form_of(field)}, not {_shown(value)}"
    about = f" ({_first_line(field)})" if field and field.description else ""
    return f"cannot be {_shown(value)}{about}"


def _first_line(field: FieldInfo) -> str:
    return (field.description or "").partition("\n")[0].rstrip(".")


def _or(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _number(value: Any, unit: str) -> str:
    number = f"{value:g}" if isinstance(value, float) else str(value)
    singular = value == 1 and len(unit) > 2 and "/" not in unit
    return f"{number} {unit.removesuffix('s') if singular else unit}".strip()


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _joined(same: list[Problem]) -> Problem:
    words = list(dict.fromkeys(problem.what for problem in same))
    return replace(same[0], what="; or ".join(words))
