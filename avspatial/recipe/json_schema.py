"""The JSON Schema of recipes, for editors: every key with its meaning, every component of this installation.

It checks one file at a time. A file may complete its parent, so a missing key inside a map is not an error here;
`avspatial recipes check` checks the complete recipe.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from avspatial.plugin import KINDS
from avspatial.recipe.reference import ListedComponent
from avspatial.recipe.schema import Recipe
from avspatial.settings import Settings

FILE = "recipe.schema.json"
"""The schema file, next to the shipped recipes, whose first lines name it."""


def schema_text(entries: Iterable[ListedComponent]) -> str:
    """The schema as the text of a file, one key a line."""
    return json.dumps(json_schema(entries), ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def json_schema(entries: Iterable[ListedComponent]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a recipe file in which the components of `entries` can be chosen."""
    available = list(entries)
    definitions: dict[str, Any] = {}
    schema = _model(Recipe, "", definitions)
    required = schema.pop("required", [])
    schema["properties"]["extends"] = {"type": "string", "description": "A file to start from, relative to this one."}
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {"required": required}
    for kind in KINDS:
        of_kind = [entry for entry in available if entry.kind == kind]
        definitions[kind] = _choice(of_kind, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "avspatial recipe",
        "$defs": dict(sorted(definitions.items())),
    }


def _model(model: type[Settings], prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one settings class; nested classes go to `definitions`, their names after `prefix`."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{prefix}{{model}}")
    for name, inner in schema.pop("$defs", {}).items():
        inner.pop("required", None)
        definitions[f"{prefix}{name}"] = _with_choices(inner)
    return dict(_with_choices(schema))


def _with_choices(schema: Any) -> Any:
    """The schema with every field that chooses a component as a reference to the definition of its kind."""
    if isinstance(schema, list):
        return [_with_choices(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    replaced = {key: _with_choices(value) for key, value in schema.items() if key != "x-avspatial-kind"}
    if "x-avspatial-kind" in schema:
        replaced["$ref"] = f"#/$defs/{schema['x-avspatial-kind']}"
    return replaced


def _choice(entries: list[ListedComponent], definitions: dict[str, Any]) -> dict[str, Any]:
    """A bare name, one of the components with its settings, or settings alone for the component of a parent."""
    names = {entry.id: _names(entry, entries) for entry in entries}
    variants: list[dict[str, Any]] = [
        {"enum": [name for some in names.values() for name in some]},
        {"type": "object", "not": {"required": ["use"]}},
    ]
    for entry in entries:
        name = f"{entry.kind}:{entry.id}"
        component = _model(entry.settings_class(), f"{name}:", definitions)
        use = {"enum": names[entry.id], "description": entry.component.summary}
        component.pop("required", None)
        component["properties"] = {"use": use, **component.get("properties", {})}
        definitions[name] = {**component, "required": ["use"]}
        variants.append({"$ref": f"#/$defs/{name}"})
    return {"oneOf": variants}


def _names(entry: ListedComponent, entries: list[ListedComponent]) -> list[str]:
    short = entry.component.name
    alone = [entry.component.name for entry in entries].count(short) == 1
    names = [short, entry.id] if alone else [entry.id]
    return [*names, *(f"{name}@{entry.component.version}" for name in names)]
