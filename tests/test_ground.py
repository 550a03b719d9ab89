"""The small modules of the ground floor: text and cores."""

from __future__ import annotations

import os

import pytest

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
