"""The layers of a recipe before it is checked: its file, the files it extends, overrides, the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from avspatial.errors import reason
from avspatial.folders import as_path
from avspatial.recipe.yaml_tree import Loc, Node, Problem, SourceLocation, dotted, from_dict, merge, parse, to_dict

Override = str | tuple[str, Any]
Overrides = Mapping[str, Any] | Sequence[Override]
"""What replaces keys of a recipe: {"trainer.steps": 3}, pairs such as ("trainer.steps", 3), or texts as `--set` takes
them, "trainer.steps=3", whose values are YAML."""
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def read(path: Path, below: tuple[Path, ...] = ()) -> tuple[Node, list[Problem]]:
    """The tree of a recipe file merged over the files it extends, and the problems found.

    `below` are the files that extend this one. An unreadable file gives an empty tree and a problem.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return _empty(path), [Problem(SourceLocation(str(path)), "", f"cannot be read: {_unreadable(error)}")]
    return read_text(text, path, below)


def read_text(text: str, path: Path, below: tuple[Path, ...] = ()) -> tuple[Node, list[Problem]]:
    """As `read`, for a text; problems are reported as of `path`."""
    node, problems = parse(text, str(path))
    empty = _empty(path)
    if node is None:
        return empty, problems or [Problem(empty.location, "", "is empty; a recipe is a map of keys")]
    if not isinstance(node.value, dict):
        return empty, [*problems, Problem(node.location, "", "must be a map of keys")]
    if "extends" not in node.value:
        return node, problems
    rest = {key: item for key, item in node.value.items() if key != "extends"}
    parent, more = _parent(node.value["extends"], path, (*below, path))
    child = replace(node, value=rest)
    return (merge(parent, child) if parent else child), problems + more


def _empty(path: Path) -> Node:
    start = SourceLocation(str(path), 1, 1)
    return Node({}, start, start)


def _unreadable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def _parent(extends: Node, path: Path, below: tuple[Path, ...]) -> tuple[Node | None, list[Problem]]:
    if not isinstance(extends.value, str) or not extends.value:
        return None, [Problem(extends.location, "extends", "must be the path of one file, relative to this one")]
    parent = Path(os.path.normpath(path.parent / as_path(extends.value)))
    if parent.resolve() in {file.resolve() for file in below}:
        return None, [Problem(extends.location, "extends", f"{extends.value} extends this file: a circle")]
    if not parent.is_file():
        return None, [Problem(extends.location, "extends", f"there is no file {parent}")]
    return read(parent, below)


def override_list(overrides: Overrides) -> list[Override]:
    """Overrides in order, maps in a map as dotted keys: {"trainer": {"steps": 3}} gives [("trainer.steps", 3)]."""
    if not isinstance(overrides, Mapping):
        return list(overrides)
    pairs: list[Override] = []
    for key, value in overrides.items():
        if isinstance(value, Mapping) and value:
            pairs += override_list({f"{key}.{inner}": item for inner, item in value.items()})
        else:
            pairs.append((key, value))
    return pairs


def apply_overrides(node: Node, overrides: Overrides) -> tuple[Node, list[Problem]]:
    """The tree with each override over it, and what is wrong with the overrides."""
    problems: list[Problem] = []
    for override in override_list(overrides):
        key, value, invalid = _parsed(override) if isinstance(override, str) else (*override, [])
        location = SourceLocation(f"--set {key}")
        parts = key.split(".")
        blocking = _list_on_the_way(node, parts)
        if blocking and not invalid:
            what = f"{blocking} is a list; replace all of it: --set {blocking}=[...]"
            invalid = [Problem(location, key, what)]
        if not invalid:
            nested = reduce(lambda inner, part: {part: inner}, reversed(parts), value)
            node = merge(node, from_dict(nested, location))
        problems += invalid
    return node, problems


def _parsed(text: str) -> tuple[str, Any, list[Problem]]:
    """Key and value of KEY=VALUE, and what is wrong with it; the value is YAML, so `1e-4` is a number."""
    key, equals, value = text.partition("=")
    if not (equals and all(key.split("."))):
        what = "must be KEY=VALUE, the key as in trainer.lr"
        return key, None, [Problem(SourceLocation(f"--set {text}"), "", what)]
    source = f"--set {key}"
    node, problems = parse(value, source)
    # The location is the option: lines and columns inside its value would not help.
    located = [replace(problem, location=SourceLocation(source), key=key) for problem in problems]
    return key, to_dict(node) if node else None, located


def _list_on_the_way(node: Node, parts: list[str]) -> str:
    for depth, part in enumerate(parts):
        if isinstance(node.value, list):
            return ".".join(parts[:depth])
        if not isinstance(node.value, dict) or part not in node.value:
            return ""
        node = node.value[part]
    return ""


def interpolate(node: Node, loc: Loc = ()) -> tuple[Node, list[Problem]]:
    """The tree with `${NAME}` and `${NAME:-DEFAULT}` in texts replaced from the environment."""
    problems: list[Problem] = []
    if isinstance(node.value, dict | list):
        pairs = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        filled: dict[Any, Node] = {}
        for key, item in pairs:
            filled[key], more = interpolate(item, (*loc, key))
            problems += more
        return replace(node, value=filled if isinstance(node.value, dict) else list(filled.values())), problems
    if not isinstance(node.value, str) or "${" not in node.value:
        return node, problems
    if "${" in _VARIABLE.sub("", node.value):
        return node, [Problem(node.location, dotted(loc), "${ has no matching }; write ${NAME} or ${NAME:-DEFAULT}")]

    def fill(match: re.Match[str]) -> str:
        value, what = _from_environment(match[1])
        problems.extend([Problem(node.location, dotted(loc), what)] if what else [])
        return value

    return replace(node, value=_VARIABLE.sub(fill, node.value)), problems


def _from_environment(inside: str) -> tuple[str, str]:
    """The value of `${inside}`, and what is wrong with it."""
    match = _NAMED.fullmatch(inside)
    if not match:
        return "", f"${{{inside}}} is invalid; write ${{NAME}} or ${{NAME:-DEFAULT}}"
    name, default = match.groups()
    value = os.environ.get(name) or default
    if value is None:
        return "", f"the environment variable {name} is not set; set it, or write ${{{name}:-DEFAULT}}"
    if "${" in value:
        return "", f"the value of the environment variable {name} contains ${{ itself"
    return value, ""
