"""docs/contributing.md names files that exist."""

from __future__ import annotations

import re

import pytest
from support.pages import ROOT

PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`((?:avspatial|docs|tests|recipes|plugins)/[\w./]+)`", PAGE)))


def test_it_says_where_the_sought_things_live() -> None:
    table = PAGE.partition("## Where things live")[2]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 10
    assert [row[0] for row in rows if not re.search(r"`avspatial/", row[1])] == []


@pytest.mark.parametrize("path", [path for path in NAMED if "NAME" not in path])
def test_a_path_that_it_names_exists(path: str) -> None:
    assert (ROOT / path).exists()
