"""Rows of text as aligned columns, scores as cells of a table, and data as JSON, on stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Entry = Mapping[str, Any]


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Rows as lines whose columns line up; the last column is never padded."""
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(indent + "  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def print_json(data: Any) -> None:
    """Print data as one line of strict JSON; ValueError for NaN and infinity, which are not JSON."""
    print(json.dumps(data, ensure_ascii=False, allow_nan=False))


def on_stdout() -> Console:
    """The console for results. A pipe has no width of its own: lines there are as long as they need to be."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=240)


def heading(metric: str, facts: Entry) -> str:
    """The metric with its direction and unit."""
    arrow = {True: " ↑", False: " ↓", None: ""}[facts["higher_is_better"]]
    return f"{metric}{arrow}" + (f" ({facts['unit']})" if facts["unit"] else "")


def mean(entry: Entry) -> str:
    return "-" if entry["mean"] is None else f"{entry['mean']:.3f}"


def interval(entry: Entry) -> str:
    low, high = entry["ci95"]
    return "-" if low is None else f"{low:.3f} .. {high:.3f}"


def counts(entry: Entry) -> tuple[str, str]:
    return str(entry["n"]), str(entry["failed"])


def control(entry: Entry | None, model: Entry | None) -> str:
    """The mean of a control row, with its own n and failed where they differ from the model's."""
    if entry is None:
        return ""
    if model is not None and counts(entry) == counts(model):
        return mean(entry)
    n, failed = counts(entry)
    return f"{mean(entry)} (n {n}, failed {failed})"
