"""The score table: the means of every condition under every metric."""

from __future__ import annotations

from dataclasses import dataclass

from avspatial.evaluation.scoring.controls import MODEL
from avspatial.evaluation.scoring.score_schema import Mean, Summary
from avspatial.report.parts.numbers import Heading, decimals_of_column, heading

# Label and explanation of each condition; others are shown under their own name.
_ROWS = {
    "model": ("Model", "the spatializer of this run"),
    "mono": ("Mono", "the mixture, half to each ear"),
    "swapped": ("Swapped ears", "the reference with left and right exchanged"),
    "level_panned": ("Level-panned mono", "the mixture, panned by the true mean level difference"),
    "reference": ("Reference", "the true recording, through the same save path"),
    "blank_picture": ("Blank picture", "the model, shown nothing but black"),
    "mirrored_picture": ("Mirrored picture", "the model, shown every image left for right"),
}


@dataclass(frozen=True)
class Row:
    """One system under every metric."""

    name: str
    label: str
    sentence: str
    means: tuple[Mean | None, ...]


@dataclass(frozen=True)
class ScoreTable:
    """All rows under all metrics; `decimals` are those of each metric's column."""

    headings: tuple[Heading, ...]
    decimals: tuple[int, ...]
    rows: tuple[Row, ...]


def metric_names(summary: Summary) -> list[str]:
    """Every metric of any condition, in the order of the summary."""
    return list(dict.fromkeys(metric for means in summary.conditions.values() for metric in means))


def row_label(name: str) -> tuple[str, str]:
    """A row's label and what it is."""
    return _ROWS.get(name, (name.replace("_", " ").capitalize(), ""))


def score_table(summary: Summary) -> ScoreTable:
    """The table of `summary.json`; the model's row first."""
    conditions = summary.conditions
    metrics = metric_names(summary)
    columns = ([means[metric].mean for means in conditions.values() if metric in means] for metric in metrics)
    ordered = sorted(conditions, key=lambda name: name != MODEL)
    return ScoreTable(
        tuple(heading(metric, summary.metrics[metric]) for metric in metrics),
        tuple(map(decimals_of_column, columns)),
        tuple(Row(name, *row_label(name), tuple(map(conditions[name].get, metrics))) for name in ordered),
    )
