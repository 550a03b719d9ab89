"""The reference of recipes, made from the settings classes: rows for the terminal, pages for docs/recipes.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, Protocol, get_args, get_origin

from pydantic.fields import FieldInfo

from avspatial.plugin import KINDS, Component
from avspatial.recipe.messages import choice_and_model, key_of, unit_of
from avspatial.recipe.schema import Recipe
from avspatial.settings import Selected, Settings

Row = tuple[str, str, str, str]
_WORDS = {int: "whole number", float: "number", str: "text", bool: "true or false", Path: "path", Any: "anything"}
_HEAD = """# Recipes, key by key

Written by `avspatial recipes reference`; a test keeps it true. A recipe is YAML 1.2. It may extend one other file
(`extends: PATH`, relative to it): maps merge, lists replace, and where `use` changes, the settings of the parent's
component do not come along. `${NAME}` and `${NAME:-DEFAULT}` come from the environment. `c3d` is short for
`{use: c3d}`. Every mistake in a recipe is reported at once, as `file:line:col: key: what is wrong`.
"""


class ListedComponent(Protocol):
    """What the reference needs of a component."""

    @property
    def kind(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def component(self) -> Component: ...
    def settings_class(self) -> type[Settings]: ...


def settings_rows(model: type[Settings]) -> list[Row]:
    """One row for each key: key, legal values, default, meaning."""
    return [_row(key_of(name, field), field) for name, field in model.model_fields.items()]


def reference(entries: Iterable[ListedComponent]) -> str:
    """The Markdown page: the keys of a recipe, of the maps in it, and of each component."""
    known = list(entries)
    parts = [_HEAD, *_section("A recipe", Recipe, "##")]
    for kind in KINDS:
        parts.append(f"## {kind}\n")
        for entry in known:
            if entry.kind == kind:
                parts += _section(f"{entry.id}", entry.settings_class(), "###", entry.component.summary)
    return "\n".join(parts)


def _section(title: str, model: type[Settings], level: str, summary: str = "") -> Iterator[str]:
    yield f"{level} {title}\n"
    if summary:
        yield f"{summary}\n"
    if not model.model_fields:
        yield "No settings.\n"
        return
    yield "| key | values | default | meaning |\n|---|---|---|---|"
    for row in settings_rows(model):
        yield "| " + " | ".join(_cell(cell) for cell in (f"`{row[0]}`", *row[1:])) + " |"
    yield ""
    for name, field in model.model_fields.items():
        choice, inner = choice_and_model(field)
        if inner and not choice:
            yield from _section(f"{title}: `{key_of(name, field)}`", inner, f"{level}#")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _row(key: str, field: FieldInfo) -> Row:
    _, model = choice_and_model(field)
    values = " ".join(filter(None, (_values(field), unit_of(field))))
    bounds = _bounds(field)
    legal = f"{values}, {bounds}" if bounds else values
    return key, legal, _default(field, model), " ".join((field.description or "").split())


def _values(field: FieldInfo) -> str:
    choice, model = choice_and_model(field)
    kinds = {NoneType: "or empty"} if NoneType in get_args(field.annotation) else {}
    tail = "".join(f" {word}" for word in kinds.values())
    if choice:
        many = "list of " if get_origin(field.annotation) is tuple else ""
        return f"{many}{choice.kind}{tail}"
    if model:
        return f"map{tail}"
    pattern: str | None = _constraint(field, "pattern")
    if pattern and pattern.startswith("^(") and pattern.endswith(")$"):
        return pattern[2:-2].replace("|", " | ")
    return _type(field.annotation)


def _type(annotation: Any) -> str:
    if annotation is NoneType:
        return "empty"
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " | ".join(_written(value) for value in arguments)
    if origin in (list, tuple):
        inside = [_type(part) for part in arguments if part is not Ellipsis]
        return f"list of {inside[0]}" if Ellipsis in arguments or origin is list else f"[{', '.join(inside)}]"
    if origin is dict:
        return "map"
    if arguments and origin is not None:
        first = arguments[:1] if hasattr(annotation, "__metadata__") else arguments
        return " or ".join(_type(part) for part in first)
    return _WORDS.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _constraint(field: FieldInfo, name: str) -> Any:
    return next((getattr(part, name) for part in field.metadata if getattr(part, name, None) is not None), None)


def _bounds(field: FieldInfo) -> str:
    low, above = _constraint(field, "ge"), _constraint(field, "gt")
    high, below = _constraint(field, "le"), _constraint(field, "lt")
    least = _constraint(field, "min_length")
    found = [
        (low, "at least {}"),
        (above, "more than {}"),
        (high, "at most {}"),
        (below, "less than {}"),
        (_constraint(field, "multiple_of"), "a multiple of {}"),
        (least, "at least {} of them" if get_origin(field.annotation) in (list, tuple) else "at least {} letters"),
        (_constraint(field, "max_length"), "at most {} letters"),
    ]
    return ", ".join(text.format(f"{value:g}" if value < 1e6 else value) for value, text in found if value is not None)


def _default(field: FieldInfo, model: type[Settings] | None) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True, validated_data={})
    return "see below" if model and isinstance(default, model) else _written(default)


def _written(value: Any) -> str:
    """A default as YAML writes it."""
    if value is None:
        return "empty"
    if isinstance(value, str):
        return value
    if isinstance(value, Selected):
        return json.dumps(value.to_dict())
    if isinstance(value, Settings):
        return json.dumps(value.model_dump(mode="json", by_alias=True))
    if isinstance(value, Enum | Path):
        return str(value)
    return json.dumps(value)
