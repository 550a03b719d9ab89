"""The score table: means with their intervals, as text that lines up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avspatial.report.reading import Record

# What a row is, in a reader's words. A row that is not listed is shown under its own name.
_ROWS = {
    "model": ("Model", "the spatializer of this run"),
    "mono": ("Mono", "the mixture, half to each ear"),
    "swapped": ("Swapped ears", "the reference with left and right exchanged"),
    "level_panned": ("Level-panned mono", "the mixture, panned as a whole by the true mean level difference"),
    "reference": ("Reference", "the true recording, through the same save path"),
    "blank_picture": ("Blank picture", "the model, shown nothing but black"),
    "mirrored_picture": ("Mirrored picture", "the model, shown every picture left for right"),
}
_DIRECTION = {True: ("↑", "higher is better"), False: ("↓", "lower is better"), None: ("", "descriptive")}


@dataclass(frozen=True)
class Heading:
    """A metric at the top of its column."""

    name: str
    unit: str
    arrow: str
    direction: str
    sentence: str


@dataclass(frozen=True)
class Cell:
    """One mean, or why there is none."""

    mean: str
    interval: str
    n: int
    failed: int


@dataclass(frozen=True)
class Row:
    """One system under every metric."""

    name: str
    label: str
    sentence: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ScoreTable:
    """All rows under all metrics."""

    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]


def number(value: float | None, decimals: int) -> str:
    """A number for reading: a true minus sign, ∞ for infinity, a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def signed(value: float | None, decimals: int) -> str:
    """A difference for reading: with its sign, and none for zero."""
    shown = number(value, decimals)
    return f"+{shown}" if value is not None and value > 0 and float(f"{value:.{decimals}f}") else shown


def decimals_for(scale: float) -> int:
    """Decimals that show three figures of a number of this size, at most six."""
    if not math.isfinite(scale) or scale == 0:
        return 3
    return min(6, max(0, 2 - math.floor(math.log10(abs(scale)))))


def metric_names(summary: Mapping[str, Any]) -> list[str]:
    """Every metric of any row, in the order of the summary."""
    return list(dict.fromkeys(metric for row in summary["rows"].values() for metric in row))


def row_label(name: str) -> tuple[str, str]:
    """A row's label and what it is."""
    return _ROWS.get(name, (name.replace("_", " ").capitalize(), ""))


def heading(record: Record, metric: str) -> Heading:
    """A metric's unit, direction and sentence, as the summary states them."""
    stated = record.summary.get("metrics", {}).get(metric, {})
    arrow, direction = _DIRECTION[stated.get("higher_is_better")]
    sentence = stated.get("summary", "").rstrip(". ")
    return Heading(metric, stated.get("unit", ""), arrow, direction, sentence and f"{sentence}.")


def _column_decimals(summary: Mapping[str, Any], metric: str) -> int:
    """One number of decimals a column, set by the smallest of its larger means, so that the points line up."""
    means = [row[metric]["mean"] for row in summary["rows"].values() if metric in row]
    sizes = [abs(mean) for mean in means if mean is not None and math.isfinite(mean) and mean]
    return decimals_for(max(min(sizes), max(sizes) / 100)) if sizes else 3


def _cell(entry: Mapping[str, Any] | None, decimals: int) -> Cell:
    if entry is None:
        return Cell("", "", 0, 0)
    low, high = entry.get("ci95") or (None, None)
    known = low is not None and high is not None
    interval = f"{number(low, decimals)} to {number(high, decimals)}" if known else ""
    return Cell(number(entry["mean"], decimals), interval, entry["n"], entry["failed"])


def score_table(record: Record) -> ScoreTable:
    """The table of `summary.json`; the model's row first."""
    rows = record.summary["rows"]
    metrics = metric_names(record.summary)
    decimals = {metric: _column_decimals(record.summary, metric) for metric in metrics}
    ordered = sorted(rows, key=lambda name: name != "model")
    return ScoreTable(
        tuple(heading(record, metric) for metric in metrics),
        tuple(
            Row(name, *row_label(name), tuple(_cell(rows[name].get(metric), decimals[metric]) for metric in metrics))
            for name in ordered
        ),
    )
