"""The small modules of the ground floor: text and cores."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import avspatial
from avspatial.cores import usable_cores
from avspatial.text import listed, markdown_table


def test_a_long_list_ends_with_the_number_of_those_left_out() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcd")) == "a, b, c and 1 more"
    assert listed(list("abcd"), most=4) == "a, b, c, d"


def test_a_markdown_table_escapes_what_would_break_it() -> None:
    assert markdown_table([["a", "b"], ["x|y", "1\n2"]], [":--", "--:"]) == "| a | b |\n| :-- | --: |\n| x\\|y | 1 2 |"
    assert markdown_table([["a", "b"]]).splitlines()[1] == "| --- | --- |"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity here")
def test_only_cores_of_the_affinity_mask_are_counted() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


def calls(function: str) -> Iterator[tuple[str, ast.Call, ast.AST]]:
    """Each call of a function in the package: module:line, the call, and what it stands in."""
    package = Path(avspatial.__file__).parent
    for path in sorted(package.rglob("*.py")):
        for parent in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for node in ast.iter_child_nodes(parent):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == function:
                    yield f"{path.relative_to(package).as_posix()}:{node.lineno}", node, parent


def test_cores_are_counted_in_one_place() -> None:
    places = [place for name in ("os.cpu_count", "os.sched_getaffinity") for place, _, _ in calls(name)]
    assert places and {place.partition(":")[0] for place in places} == {"cores.py"}


TEXT = {"cli/data.py", "recipe/reference.py"}
"""They print single values as YAML or Markdown, in which infinity is a value."""


def test_no_json_that_is_written_may_hold_nan() -> None:
    """What is only hashed (`json.dumps(...).encode()`, or `text`, encoded on the next line) is no file."""
    written = [
        place
        for place, call, parent in calls("json.dumps")
        if place.partition(":")[0] not in TEXT
        and not (isinstance(parent, ast.Attribute) and parent.attr == "encode")
        and "sort_keys" not in {keyword.arg for keyword in call.keywords}
        and ("allow_nan", "False") not in {(keyword.arg, ast.unparse(keyword.value)) for keyword in call.keywords}
    ]
    assert written == []
