"""Scores as cells of a table: what a metric is called, its mean, interval and counts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

Entry = Mapping[str, Any]


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
