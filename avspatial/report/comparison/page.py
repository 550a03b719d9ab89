"""The comparison page: one self-contained HTML file, made from a comparison and the audio its systems saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.atomic import write_text
from avspatial.errors import RunError, did_you_mean
from avspatial.evaluation.comparison.compare import BETTER, HIGHER, LOWER, UNCLEAR, WORSE, Comparison, SystemPair
from avspatial.evaluation.scoring.score_schema import Mean
from avspatial.report.comparison.clips import compared_clips, order_metric, select_clips
from avspatial.report.comparison.plots import DASHES, Scatter, forest_plot, scatter_plot
from avspatial.report.comparison.tables import decimals_of_means, legend, title
from avspatial.report.parts.numbers import Heading, decimals_of_estimate, heading
from avspatial.report.parts.svg import SYSTEMS, Plot
from avspatial.report.parts.template import render

_BUDGET = 24_000_000
"""Bytes that clips may add to the page."""
_MOST_POINTS = 6000
"""Points of all scatter plots that show their clip's id; of more, only those of clips on the page do."""
_MARKS = {BETTER: "▲", WORSE: "▼", UNCLEAR: "≈", HIGHER: "◆", LOWER: "◆"}


@dataclass(frozen=True)
class SystemMean:
    """A system's mean, its spread over seeds, and the pair with the one system that all are compared with."""

    mean: Mean
    seeds: float | None
    pair: SystemPair | None


@dataclass(frozen=True)
class MetricRow:
    """One metric: the means of the systems and of the controls, and their decimals."""

    head: Heading
    decimals: int
    means: tuple[SystemMean, ...]
    controls: tuple[Mean | None, ...]


@dataclass(frozen=True)
class PairView:
    """Two systems: verdicts with their counts, the table as (pair, its heading, decimals), the scatter plots."""

    a: str
    b: str
    place: int
    counts: tuple[tuple[str, int], ...]
    rows: tuple[tuple[SystemPair, Heading, int], ...]
    scatters: tuple[Scatter, ...]


def write_comparison(comparison: Comparison, path: Path, *, clips: int = 6, metric: str | None = None) -> Path:
    """Write the page to `path` atomically and return the path.

    clips: how many to show, in turn the best and the worst of each pair by the paired difference of `metric` (default:
    the first with a direction). Raises RunError for a metric that was not compared, OSError if the file cannot be
    written.
    """
    if metric is not None and metric not in comparison.metrics:
        what = f"{metric!r} was not compared{did_you_mean(metric, comparison.metrics)}"
        raise RunError(what, fix=f"Compared were: {', '.join(comparison.metrics)}.")
    by = order_metric(comparison, metric)
    shown, left_out = compared_clips(comparison, select_clips(comparison, by, clips), _BUDGET)
    anchors = {clip.clip: clip.anchor for clip in shown}
    pairs = _pairs(comparison)
    page = render(
        "comparison.html.j2",
        ("page.css", "comparison.css"),
        "player.js",
        systems=comparison.systems,
        dashes=[_dash_array(dashes) for dashes in DASHES],
        colours=len(SYSTEMS),
        marks=_MARKS,
        baseline=comparison.baseline,
        title=title(comparison),
        name=_name(comparison),
        metrics=_metrics(comparison),
        controls=list(comparison.controls),
        pairs=pairs,
        forests=_forests(comparison),
        anchors=anchors,
        all_points=sum(len(s.points) for pair in pairs for s in pair.scatters) <= _MOST_POINTS,
        by=by,
        verdicts_against=_against_all(comparison),
        most_tracks=max((len(clip.player.tracks) for clip in shown if clip.player is not None), default=0),
        clips=shown,
        left_out=left_out,
        several_seeds=any(system.seeds > 1 for system in comparison.systems),
        legend=legend(comparison),
        notes=comparison.notes,
        failed=comparison.failed(),
    )
    write_text(path, page)
    return path


def _name(comparison: Comparison) -> str:
    names = [system.name for system in comparison.systems]
    if comparison.baseline is not None:
        others = [name for name in names if name != comparison.baseline]
        return f"{_listed(others)} against {comparison.baseline}"
    return " against ".join(reversed(names)) if len(names) == 2 else _listed(names)


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _dash_array(dashes: Any) -> str:
    """`stroke-dasharray` of a system: the dashes of its curves, 1.5 times as long."""
    return "none" if isinstance(dashes, str) else " ".join(f"{1.5 * part:g}" for part in dashes[1])


def _system_mean(comparison: Comparison, metric: str, name: str) -> SystemMean:
    seeds = comparison.between_seeds.get(name, {}).get(metric)
    against = [pair for pair in comparison.pairs if pair.metric == metric and pair.a == name]
    pair = against[0] if len(against) == 1 and _against_all(comparison) else None
    return SystemMean(comparison.means[name][metric], seeds, pair)


def _against_all(comparison: Comparison) -> str:
    """The system that all others are compared with; empty if there are several."""
    against = {pair.b for pair in comparison.pairs}
    return against.pop() if len(against) == 1 else ""


def _metrics(comparison: Comparison) -> list[MetricRow]:
    return [
        MetricRow(
            heading(metric, info),
            decimals_of_means(comparison, metric),
            tuple(_system_mean(comparison, metric, name) for name in comparison.means),
            tuple(means.get(metric) for means in comparison.controls.values()),
        )
        for metric, info in comparison.metrics.items()
    ]


def _pairs(comparison: Comparison) -> list[PairView]:
    views = []
    places = {system.name: place for place, system in enumerate(comparison.systems)}
    for number_of, (a, b) in enumerate(dict.fromkeys((pair.a, pair.b) for pair in comparison.pairs)):
        pairs = [comparison.pair(metric, a, b) for metric in comparison.metrics]
        verdicts = tuple(Counter(pair.verdict for pair in pairs).most_common())
        plots = (
            scatter_plot(comparison, metric, a, b, f"scatter{number_of}-{place}")
            for place, metric in enumerate(comparison.metrics)
        )
        scatters = tuple(plot for plot in plots if plot is not None)
        headings = (heading(pair.metric, comparison.metrics[pair.metric]) for pair in pairs)
        decimals = (decimals_of_estimate(pair.difference, pair.interval) for pair in pairs)
        rows = tuple(zip(pairs, headings, decimals, strict=True))
        views.append(PairView(a, b, places[a], verdicts, rows, scatters))
    return views


def _forests(comparison: Comparison) -> list[Plot]:
    plots = (forest_plot(comparison, metric, f"forest{place}") for place, metric in enumerate(comparison.metrics))
    return [plot for plot in plots if plot is not None]
