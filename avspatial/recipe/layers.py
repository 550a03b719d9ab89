"""What a recipe is made of before it is checked: its file, the files it extends, `--set`, the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from avspatial.errors import reason
from avspatial.recipe.yaml_tree import Loc, Node, Problem, SourceLocation, dotted, merge, parse

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def read(path: Path, below: tuple[Path, ...] = ()) -> tuple[Node, list[Problem]]:
    """The tree of a recipe file merged over the files it extends, and the problems met.

    `below` are the files that led here. An unreadable file gives an empty tree and a problem.
    """
    source = str(path)
    empty = Node({}, SourceLocation(source, 1, 1), SourceLocation(source, 1, 1))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return empty, [Problem(SourceLocation(source), "", f"cannot be read: {_unreadable(error)}")]
    node, problems = parse(text, source)
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


def _unreadable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def _parent(extends: Node, path: Path, below: tuple[Path, ...]) -> tuple[Node | None, list[Problem]]:
    if not isinstance(extends.value, str) or not extends.value:
        return None, [Problem(extends.location, "extends", "must be the path of one file, relative to this one")]
    parent = Path(os.path.normpath(path.parent / extends.value))
    if parent.resolve() in {file.resolve() for file in below}:
        return None, [Problem(extends.location, "extends", f"{extends.value} leads back to itself")]
    if not parent.is_file():
        return None, [Problem(extends.location, "extends", f"there is no file {parent}")]
    return read(parent, below)


def apply_sets(node: Node, sets: Sequence[str]) -> tuple[Node, list[Problem]]:
    """The tree with each `KEY=VALUE` of `--set` over it; the value is YAML, so `1e-4` is a number."""
    problems: list[Problem] = []
    for given in sets:
        key, equals, text = given.partition("=")
        location = SourceLocation(f"--set {key}")
        parts = key.split(".")
        if not equals or not all(parts):
            problems.append(
                Problem(SourceLocation(f"--set {given}"), "", "must be KEY=VALUE, the key as in trainer.lr")
            )
            continue
        value, wrong = parse(text, location.source)
        problems += [replace(problem, location=location, key=key) for problem in wrong]
        blocked = _list_on_the_way(node, parts)
        if blocked:
            what = f"{blocked} is a list; replace it whole: --set {blocked}=[...]"
            problems.append(Problem(location, key, what))
        elif not wrong:
            node = merge(
                node, _chain(parts, _moved(value, location) if value else Node(None, location, location), location)
            )
    return node, problems


def _list_on_the_way(node: Node, parts: list[str]) -> str:
    for depth, part in enumerate(parts):
        if isinstance(node.value, list):
            return ".".join(parts[:depth])
        if not isinstance(node.value, dict) or part not in node.value:
            return ""
        node = node.value[part]
    return ""


def _moved(node: Node, location: SourceLocation) -> Node:
    """The tree with every place replaced by `place`: lines inside a `--set` value help nobody."""
    value: Any = node.value
    if isinstance(value, dict):
        value = {key: _moved(item, location) for key, item in value.items()}
    elif isinstance(value, list):
        value = [_moved(item, location) for item in value]
    return Node(value, location, location)


def _chain(parts: list[str], node: Node, location: SourceLocation) -> Node:
    for part in reversed(parts):
        node = Node({part: node}, location, location)
    return node


def interpolate(node: Node, loc: Loc = ()) -> tuple[Node, list[Problem]]:
    """The tree with `${NAME}` and `${NAME:-DEFAULT}` in texts replaced from the environment."""
    problems: list[Problem] = []
    if isinstance(node.value, dict | list):
        pairs = node.value.items() if isinstance(node.value, dict) else enumerate(node.value)
        done: list[tuple[Any, Node]] = []
        for key, item in pairs:
            filled, more = interpolate(item, (*loc, key))
            done.append((key, filled))
            problems += more
        return replace(node, value=dict(done) if isinstance(node.value, dict) else [v for _, v in done]), problems
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
    """The value that `${inside}` stands for, and what is wrong with it."""
    named = _NAMED.fullmatch(inside)
    if not named:
        return "", f"${{{inside}}} is not understood; write ${{NAME}} or ${{NAME:-DEFAULT}}"
    name, default = named.groups()
    value = os.environ.get(name) or default
    if value is None:
        return "", f"the environment variable {name} is not set; set it, or write ${{{name}:-DEFAULT}}"
    if "${" in value:
        return "", f"the value of the environment variable {name} contains ${{ itself"
    return value, ""
