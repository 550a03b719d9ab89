"""The score table: means with their intervals, as text that lines up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from avspatial.report.parts.numbers import DIRECTION, decimals_of_column, number
from avspatial.report.run.record import Record

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


def metric_names(summary: Mapping[str, Any]) -> list[str]:
    """Every metric of any row, in the order of the summary."""
    return list(dict.fromkeys(metric for row in summary["rows"].values() for metric in row))


def row_label(name: str) -> tuple[str, str]:
    """A row's label and what it is."""
    return _ROWS.get(name, (name.replace("_", " ").capitalize(), ""))


def heading(record: Record, metric: str) -> Heading:
    """A metric's unit, direction and sentence, as the summary states them."""
    stated = record.summary.get("metrics", {}).get(metric, {})
    arrow, direction = DIRECTION[stated.get("higher_is_better")]
    sentence = stated.get("summary", "").rstrip(". ")
    return Heading(metric, stated.get("unit", ""), arrow, direction, sentence and f"{sentence}.")


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
    decimals = {
        metric: decimals_of_column(row[metric]["mean"] for row in rows.values() if metric in row) for metric in metrics
    }
    ordered = sorted(rows, key=lambda name: name != "model")
    return ScoreTable(
        tuple(heading(record, metric) for metric in metrics),
        tuple(
            Row(name, *row_label(name), tuple(_cell(rows[name].get(metric), decimals[metric]) for metric in metrics))
            for name in ordered
        ),
    )
