"""Rows of text as aligned columns, and data as JSON, on stdout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Rows as lines whose columns line up; the last column is never padded."""
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(indent + "  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def print_json(data: Any) -> None:
    """One line, for the next program."""
    print(json.dumps(data, ensure_ascii=False))
