"""Plots of a run: training and validation curves, and the mean of each condition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from avspatial.report.parts.svg import FAINT, INK, PREDICTION, TRUTH, Plot, figure, inline_svg, plain_axes
from avspatial.report.run.record import Record
from avspatial.report.run.table import metric_names, row_label


def _series(events: Sequence[Mapping[str, Any]]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Term -> (steps, values)."""
    points: dict[str, list[tuple[float, float]]] = {}
    for record in events:
        for term, value in record.get("terms", {}).items():
            if value is not None:
                points.setdefault(term, []).append((float(record["step"]), float(value)))
    columns = {term: np.array(sorted(pairs)).T for term, pairs in points.items()}
    return {term: (steps, values) for term, (steps, values) in columns.items()}


def _smooth(values: np.ndarray) -> np.ndarray:
    """Running median over a twentieth of the points."""
    reach = max(1, len(values) // 40)
    return np.array([np.median(values[max(0, i - reach) : i + reach + 1]) for i in range(len(values))])


def _term_plot(
    name: str, title: str, steps: np.ndarray, values: np.ndarray, *, validation: bool, best: int | None
) -> Plot:
    drawing = figure(300, 180)
    axes = drawing.subplots()
    plain_axes(axes)
    if validation:
        axes.plot(steps, values, color=TRUTH, linewidth=1.5, marker="o", markersize=3.2)
    else:
        axes.plot(steps, values, color=PREDICTION, linewidth=0.8, alpha=0.35)
        axes.plot(steps, _smooth(values), color=PREDICTION, linewidth=1.7)
    if validation and best is not None:
        axes.axvline(best, color=INK, linewidth=0.9, linestyle=(0, (3, 2)))
    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    positive = values[np.isfinite(values)]
    if len(positive) and positive.min() > 0 and positive.max() > 100 * positive.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=5))
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("step")
    kind = "Validation" if validation else "Training"
    last = f"from {values[0]:.3g} at step {steps[0]:.0f} to {values[-1]:.3g} at step {steps[-1]:.0f}"
    return Plot(title, inline_svg(drawing, name, f"{kind} curve of {title}: {last}."))


def term_plots(record: Record, event: str, best: int | None = None) -> list[Plot]:
    """One plot per loss term of the log's `train` or `validate` records; empty without training."""
    series = _series(record.events(event))
    return [
        _term_plot(f"{event}{place}", term, *points, validation=event == "validate", best=best)
        for place, (term, points) in enumerate(series.items())
    ]


def _standing(record: Record, metric: str, name: str) -> Plot | None:
    rows = {row: means[metric] for row, means in record.summary.conditions.items() if metric in means}
    finite = {row: (mean.mean, mean.ci95) for row, mean in rows.items() if mean.mean is not None}
    if len(finite) < 2:
        return None
    drawing = figure(300, 42 + 19 * len(finite))
    axes = drawing.subplots()
    plain_axes(axes)
    axes.grid(False, axis="y")
    for place, (row, (mean, interval)) in enumerate(finite.items()):
        colour = PREDICTION if row == "model" else FAINT
        if interval is not None:
            axes.plot(interval, [place, place], color=colour, linewidth=2.2, solid_capstyle="round")
        axes.plot(mean, place, color=colour, marker="o", markersize=5.2 if row == "model" else 4.2)
    labels = axes.set_yticks(range(len(finite)), [row_label(row)[0] for row in finite])
    for label, row in zip(labels, finite, strict=False):
        label.label1.set_color(INK if row == "model" else FAINT)
    axes.set_ylim(len(finite) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    means = ", ".join(f"{row_label(row)[0]} {mean:.3g}" for row, (mean, _) in finite.items())
    return Plot(metric, inline_svg(drawing, name, f"Mean {metric} with 95 percent interval: {means}."))


def standing_plots(record: Record) -> list[Plot]:
    """For each metric, the mean of every condition with its interval."""
    plots = (_standing(record, metric, f"standing{i}") for i, metric in enumerate(metric_names(record.summary)))
    return [plot for plot in plots if plot is not None]
