"""The score table: means with their intervals, as text that lines up."""

from __future__ import annotations

from dataclasses import dataclass

from avspatial.evaluation.scoring.controls import MODEL
from avspatial.evaluation.scoring.score_schema import Mean, Summary
from avspatial.report.parts.numbers import DIRECTION, decimals_of_column, number
from avspatial.report.run.record import Record

# Label and explanation of each condition; others are shown under their own name.
_ROWS = {
    "model": ("Model", "the spatializer of this run"),
    "mono": ("Mono", "the mixture, half to each ear"),
    "swapped": ("Swapped ears", "the reference with left and right exchanged"),
    "level_panned": ("Level-panned mono", "the mixture, panned by the true mean level difference"),
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


def metric_names(summary: Summary) -> list[str]:
    """Every metric of any condition, in the order of the summary."""
    return list(dict.fromkeys(metric for means in summary.conditions.values() for metric in means))


def row_label(name: str) -> tuple[str, str]:
    """A row's label and what it is."""
    return _ROWS.get(name, (name.replace("_", " ").capitalize(), ""))


def heading(record: Record, metric: str) -> Heading:
    """A metric's unit, direction and sentence, as the summary states them."""
    info = record.summary.metrics[metric]
    arrow, direction = DIRECTION[info.higher_is_better]
    sentence = info.summary.rstrip(". ")
    return Heading(metric, info.unit, arrow, direction, sentence and f"{sentence}.")


def _cell(mean: Mean | None, decimals: int) -> Cell:
    if mean is None:
        return Cell("", "", 0, 0)
    interval = " to ".join(number(bound, decimals) for bound in mean.ci95 or ())
    return Cell(number(mean.mean, decimals), interval, mean.n, mean.failed)


def score_table(record: Record) -> ScoreTable:
    """The table of `summary.json`; the model's row first."""
    conditions = record.summary.conditions
    metrics = metric_names(record.summary)
    decimals = {
        metric: decimals_of_column(means[metric].mean for means in conditions.values() if metric in means)
        for metric in metrics
    }
    ordered = sorted(conditions, key=lambda name: name != MODEL)
    return ScoreTable(
        tuple(heading(record, metric) for metric in metrics),
        tuple(
            Row(name, *row_label(name), tuple(_cell(conditions[name].get(m), decimals[m]) for m in metrics))
            for name in ordered
        ),
    )
