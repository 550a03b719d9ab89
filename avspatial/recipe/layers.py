"""The layers of a recipe before it is checked: its file, the files it extends, overrides, the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from avspatial.contents import foreign_start
from avspatial.errors import reason
from avspatial.folders import as_path
from avspatial.recipe.yaml_tree import (
    Loc,
    Node,
    Problem,
    SourceLocation,
    component_of,
    descendants,
    dotted,
    from_dict,
    merge,
    parse,
    same_component,
    to_dict,
    value_at,
)

Override = str | tuple[str, Any]
Overrides = Mapping[str, Any] | Sequence[Override]
"""What replaces keys of a recipe: {"trainer.steps": 3}, pairs such as ("trainer.steps", 3), or texts as `--set` takes
them, "trainer.steps=3", whose values are YAML."""
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_NAMED = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class Layers(NamedTuple):
    """A recipe file and the files it extends, the farthest parent first; empty if the recipe cannot be read.

    `complete` is False if a file could not be read: what it may have contained is not missing.
    """

    trees: list[Node]
    problems: list[Problem]
    complete: bool = True

    @property
    def merged(self) -> Node:
        """One tree; empty without any file."""
        start = SourceLocation("", 1, 1)
        return reduce(merge, self.trees) if self.trees else Node({}, start, start)


def read(path: Path, below: tuple[Path, ...] = ()) -> Layers:
    """Read a recipe file and the files it extends. `below` are the files that extend this one."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return Layers([], [Problem(SourceLocation(str(path)), "", f"cannot be read: {_unreadable(error)}")], False)
    instead = foreign_start(text.encode()) if text else ""
    if instead:
        return Layers([], [Problem(SourceLocation(str(path), 1, 1), "", instead)], False)
    return read_text(text, path, below)


def read_text(text: str, path: Path, below: tuple[Path, ...] = ()) -> Layers:
    """As `read`, for a text; problems are reported as of `path`."""
    node, problems = parse(text, str(path))
    if node is None:
        start = SourceLocation(str(path), 1, 1)
        return Layers([], problems or [Problem(start, "", "is empty; a recipe is a map of keys")], False)
    if not isinstance(node.value, dict):
        return Layers([], [*problems, Problem(node.location, "", "must be a map of keys")], False)
    if "extends" not in node.value:
        return Layers([node], problems)
    rest = {key: item for key, item in node.value.items() if key != "extends"}
    parents = _parents(node.value["extends"], path, (*below, path))
    return Layers([*parents.trees, replace(node, value=rest)], problems + parents.problems, parents.complete)


def _unreadable(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"


def _parents(extends: Node, path: Path, below: tuple[Path, ...]) -> Layers:
    if not isinstance(extends.value, str) or not extends.value:
        what = "must be the path of one file, relative to this one"
        return Layers([], [Problem(extends.location, "extends", what)], False)
    parent = Path(os.path.normpath(path.parent / as_path(extends.value)))
    try:
        if parent.is_file() and parent.resolve() not in {file.resolve() for file in below}:
            return read(parent, below)
        what = f"{extends.value} extends this file: a circle" if parent.is_file() else f"there is no file {parent}"
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null character
        what = f"cannot be read: {reason(error)}"
    return Layers([], [Problem(extends.location, "extends", what)], False)


def outdated_smoke(trees: Sequence[Node], final: Node) -> set[tuple[str, SourceLocation]]:
    """Where `smoke` sets something of a component that a later layer replaced or took away.

    Args:
        trees: The files of a recipe, as in `Layers`.
        final: All of them merged, and the overrides.

    Returns:
        The keys, without `smoke`, and locations of these settings: what the present component lacks is to be dropped.
    """
    settings: set[tuple[str, SourceLocation]] = set()
    for layer, then in zip(trees, accumulate(trees, merge), strict=True):
        smoke = layer.value.get("smoke")
        for loc, node in _outdated(smoke, (), then, final) if smoke else ():
            settings |= {(dotted(loc), node.location), (dotted(loc), node.key)}
    return settings


def _outdated(smoke: Node, loc: Loc, then: Node | None, now: Node | None) -> Iterator[tuple[Loc, Node]]:
    if not isinstance(smoke.value, dict) or "use" in smoke.value:
        return
    before, after = component_of(then), component_of(now)
    if before and not (after and same_component(before.value, after.value)):
        yield from descendants(smoke, loc)
        return
    for key, item in smoke.value.items():
        yield from _outdated(item, (*loc, key), value_at(then, key), value_at(now, key))


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
    """The tree with each override over it, in any order: of settings before the `use` of their component none is lost.

    Also returns what is wrong with the overrides.
    """
    for _ in range(2):  # a `use` drops what precedes it; the second time it is the same component
        node, problems = _applied(node, overrides)
    return node, problems


def _applied(node: Node, overrides: Overrides) -> tuple[Node, list[Problem]]:
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
