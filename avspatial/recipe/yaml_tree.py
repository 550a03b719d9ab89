"""YAML as a tree in which every value has its line and column.

ruamel parses the text (YAML 1.2: `1e-4` is a number, `no` is text). Duplicate keys, merge keys and tags are refused
here, all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

Loc = tuple[str | int, ...]
_TAG = "tag:yaml.org,2002:"
_MOST_CHARACTERS, _MOST_VALUES, _DEEPEST = 1_000_000, 20_000, 50
"""Limits of one file, far above any recipe: without them a small file could take hours and all memory."""


@dataclass(frozen=True)
class SourceLocation:
    """A line and column in a file, from 1, or (line 0) a source without lines, such as `--set trainer.lr`."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True)
class Node:
    """A value of a recipe. `value` is a dict or list of nodes, or a scalar; `key` is the location of its key."""

    value: Any
    location: SourceLocation
    key: SourceLocation


@dataclass(frozen=True)
class Problem:
    """One error: its location, the dotted key (may be empty), what is wrong, and whether it is that something lacks."""

    location: SourceLocation
    key: str
    what: str
    missing: bool = False

    def __str__(self) -> str:
        shown = [str(self.location)] if str(self.location) == f"--set {self.key}" else [str(self.location), self.key]
        line = ": ".join([*filter(None, shown), self.what])
        return "".join(char if char.isprintable() else repr(char)[1:-1] for char in line)


def dotted(loc: Loc) -> str:
    """`("metrics", 2, "rate")` as `metrics[2].rate`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def parse(text: str, source: str) -> tuple[Node | None, list[Problem]]:
    """The tree of a YAML text (None if it is empty) and its syntax errors."""
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows it; a warning would be printed between our messages
    if len(text) > _MOST_CHARACTERS:
        what = f"has {len(text)} characters; a recipe has at most {_MOST_CHARACTERS}"
        return None, [Problem(SourceLocation(source), "", what)]
    try:
        root = yaml.compose(text)
        builder = _Builder(yaml, source)
        return (None if root is None else builder.build(root, ())), builder.problems
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        location = SourceLocation(source, mark.line + 1, mark.column + 1) if mark else SourceLocation(source)
        return None, [Problem(location, "", f"not YAML: {error.problem or error.context}")]
    except YAMLError as error:
        return None, [Problem(SourceLocation(source), "", f"not YAML: {str(error).splitlines()[0]}")]
    except RecursionError:
        return None, [Problem(SourceLocation(source), "", "nested too deeply, or a value that contains itself")]
    except _TooMany:
        what = f"has more than {_MOST_VALUES} values; every alias (*NAME) repeats all values of its anchor"
        return None, [Problem(SourceLocation(source), "", what)]


class _TooMany(Exception):
    """A tree that aliases make too large to read."""


class _Builder:
    """Converts ruamel's nodes and collects what a recipe does not allow."""

    def __init__(self, yaml: YAML, source: str) -> None:
        self.yaml = yaml
        self.source = source
        self.problems: list[Problem] = []
        self._values = 0

    def build(self, node: Any, loc: Loc, key: SourceLocation | None = None) -> Node:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _TooMany
        if len(loc) > _DEEPEST:
            raise RecursionError
        location = self._location(node)
        key = key or location
        if isinstance(node, MappingNode):
            return Node(self._mapping(node, loc), location, key)
        if isinstance(node, SequenceNode):
            items = enumerate(node.value)
            return Node([self.build(item, (*loc, index), self._location(item)) for index, item in items], location, key)
        written = node.value != "" or node.style is not None
        return Node(self._scalar(node, loc), location if written else key, key)

    def _location(self, node: Any) -> SourceLocation:
        return SourceLocation(self.source, node.start_mark.line + 1, node.start_mark.column + 1)

    def _mapping(self, node: MappingNode, loc: Loc) -> dict[str, Node]:
        built: dict[str, Node] = {}
        for key_node, value_node in node.value:
            name = self._key(key_node, loc)
            location = self._location(key_node)
            if name is None:
                continue
            if name in built:
                what = f"appears twice; the first is in line {built[name].key.line}"
                self.problems.append(Problem(location, dotted((*loc, name)), what))
                continue
            built[name] = self.build(value_node, (*loc, name), location)
        return built

    def _key(self, node: Any, loc: Loc) -> str | None:
        if isinstance(node, ScalarNode) and str(node.tag) == f"{_TAG}str":
            return str(node.value)
        what = f"a key must be text, not {node.value}" if isinstance(node, ScalarNode) else "a key must be text"
        if str(node.tag) == f"{_TAG}merge":
            what = "merge keys (<<) are not allowed in recipes; use `extends`"
        self.problems.append(Problem(self._location(node), dotted(loc), what))
        return None

    def _scalar(self, node: ScalarNode, loc: Loc) -> Any:
        allowed = ("str", "int", "float", "bool", "null")
        if str(node.tag) == f"{_TAG}timestamp":
            return str(node.value)
        if str(node.tag) not in {f"{_TAG}{name}" for name in allowed}:
            self.problems.append(Problem(self._location(node), dotted(loc), f"tags such as {node.tag} are not allowed"))
            return None
        try:
            return self.yaml.constructor.construct_object(node, deep=True)
        except (ValueError, KeyError):  # an explicit tag such as `!!int x`, or more digits than Python converts
            kind = str(node.tag).removeprefix(_TAG)
            self.problems.append(Problem(self._location(node), dotted(loc), f"cannot be read as {kind}"))
            return None


def to_dict(node: Node) -> Any:
    """The tree as dicts, lists and scalars."""
    if isinstance(node.value, dict):
        return {key: to_dict(item) for key, item in node.value.items()}
    if isinstance(node.value, list):
        return [to_dict(item) for item in node.value]
    return node.value


def from_dict(value: Any, location: SourceLocation) -> Node:
    """Dicts, lists and scalars as a tree, every node at `location`; other objects, such as paths, become text."""
    if isinstance(value, Mapping):
        value = {str(key): from_dict(item, location) for key, item in value.items()}
    elif isinstance(value, list | tuple):
        value = [from_dict(item, location) for item in value]
    elif value is not None and not isinstance(value, str | int | float):
        value = str(value)
    return Node(value, location, location)


def find(node: Node, loc: Loc) -> tuple[Node, Loc]:
    """The node at `loc`, or the deepest one on the way to it, and the part of `loc` that leads there."""
    for depth, part in enumerate(loc):
        inside = node.value
        if isinstance(inside, dict) and part in inside:
            node = inside[str(part)]
        elif isinstance(inside, list) and isinstance(part, int) and part < len(inside):
            node = inside[part]
        else:
            return node, loc[:depth]
    return node, loc


def value_at(node: Node | None, key: str) -> Node | None:
    """The value of a key; None if the node is no map or does not have it."""
    return node.value.get(key) if node is not None and isinstance(node.value, dict) else None


def component_of(node: Node | None) -> Node | None:
    """What names the component that a value chooses: `c3d`, or the `use` of a map; None if nothing does."""
    return node if node is not None and isinstance(node.value, str) else value_at(node, "use")


def without(node: Node, keys: set[str], prefix: str = "") -> Node:
    """The tree without these dotted keys."""
    if not isinstance(node.value, dict):
        return node
    kept = {key: item for key, item in node.value.items() if f"{prefix}{key}" not in keys}
    return replace(node, value={key: without(item, keys, f"{prefix}{key}.") for key, item in kept.items()})


def descendants(node: Node, loc: Loc = ()) -> Iterator[tuple[Loc, Node]]:
    """Every value in the tree, the tree itself first, with its place below it."""
    yield loc, node
    pairs: Iterable[tuple[str | int, Node]] = ()
    if isinstance(node.value, dict):
        pairs = node.value.items()
    elif isinstance(node.value, list):
        pairs = enumerate(node.value)
    for key, item in pairs:
        yield from descendants(item, (*loc, key))


def merge(parent: Node, child: Node) -> Node:
    """Merge the child over the parent: maps are merged, everything else is replaced.

    `c3d` counts as `{use: c3d}`. If the child chooses another component than the parent, the settings of the parent's
    component are dropped.
    """
    over, under = _as_map(child, parent), _as_map(parent, child)
    if not (isinstance(over.value, dict) and isinstance(under.value, dict)):
        return child
    chosen, before = component_of(over), component_of(under)
    if chosen and before and not same_component(chosen.value, before.value):
        return over
    merged = dict(under.value)
    for key, item in over.value.items():
        merged[key] = merge(merged[key], item) if key in merged else item
    # A map that only an override changes keeps its location in the file.
    return replace(over if over.location.line else under, value=merged)


def _as_map(node: Node, other: Node) -> Node:
    """A component's bare name as a map, if the other node is a map."""
    if isinstance(node.value, str) and isinstance(other.value, dict):
        return replace(node, value={"use": node})
    return node


def same_component(first: Any, second: Any) -> bool:
    """Whether two names mean the same component, as `c3d`, `avspatial.c3d` and `avspatial.c3d@1` do."""
    if not (isinstance(first, str) and isinstance(second, str)):
        return False
    a, b = first.partition("@")[0], second.partition("@")[0]
    return a == b or (("." in a) != ("." in b) and a.rpartition(".")[2] == b.rpartition(".")[2])
