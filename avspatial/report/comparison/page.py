"""The comparison page: one self-contained HTML file, made from a comparison and the audio its systems saved."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from avspatial.atomic import write_text
from avspatial.errors import RunError, did_you_mean
from avspatial.evaluation.comparison.compare import BETTER, HIGHER, LOWER, UNCLEAR, WORSE, Comparison, SystemPair
from avspatial.evaluation.scoring.score_schema import Mean
from avspatial.report.comparison.clips import compared_clips, order_metric, select_clips
from avspatial.report.comparison.plots import DASHES, Plot, Scatter, forest_plot, scatter_plot
from avspatial.report.comparison.tables import legend, title
from avspatial.report.parts.numbers import DIRECTION, decimals_of_estimate, number, p_value, signed
from avspatial.report.parts.svg import SYSTEMS
from avspatial.report.parts.template import render

_BUDGET = 24_000_000
"""Bytes that clips may add to the page."""
_MOST_POINTS = 6000
"""Points of all scatter plots that show their clip's id; of more, only those of clips on the page do."""
_MARKS = {BETTER: "▲", WORSE: "▼", UNCLEAR: "≈", HIGHER: "◆", LOWER: "◆"}


@dataclass(frozen=True)
class SystemView:
    """A system in the head of the page: index of its colour, `stroke-dasharray`, and origin."""

    name: str
    place: int
    dashes: str
    origin: str
    runs: int
    seeds: int


@dataclass(frozen=True)
class MeanCell:
    """A mean with its interval and the number of clips."""

    mean: str
    interval: str
    n: int
    failed: int
    seeds: str = ""
    verdict: str = ""
    mark: str = ""
    against: str = ""


@dataclass(frozen=True)
class MetricRow:
    """One metric: the means of the systems and of the controls."""

    name: str
    unit: str
    arrow: str
    direction: str
    sentence: str
    means: tuple[MeanCell, ...]
    controls: tuple[MeanCell | None, ...]


@dataclass(frozen=True)
class PairRow:
    """One metric of a pair."""

    metric: str
    unit: str
    arrow: str
    difference: str
    interval: str
    verdict: str
    doubt: str
    mark: str
    kind: str
    p: str
    p_holm: str
    effect: str
    mdd: str
    n: int
    failed: int


@dataclass(frozen=True)
class PairView:
    """Two systems: verdicts, the table, the scatter plots."""

    a: str
    b: str
    place: int
    counts: tuple[tuple[str, str, int], ...]
    rows: tuple[PairRow, ...]
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
        systems=_systems(comparison),
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


def _systems(comparison: Comparison) -> list[SystemView]:
    return [
        SystemView(system.name, place % len(SYSTEMS), _dashes(place), system.origin, len(system.runs), system.seeds)
        for place, system in enumerate(comparison.systems)
    ]


def _dashes(place: int) -> str:
    """`stroke-dasharray` of the system at index `place`: the dashes of its curves, 1.5 times as long."""
    pattern = DASHES[place % len(DASHES)]
    return "none" if isinstance(pattern, str) else " ".join(f"{1.5 * part:g}" for part in pattern[1])


def _cell(mean: Mean, digits: int) -> MeanCell:
    interval = " to ".join(number(bound, digits) for bound in mean.ci95 or ())
    return MeanCell(number(mean.mean, digits), interval, mean.n, mean.failed)


def _system_cell(comparison: Comparison, metric: str, name: str, digits: int) -> MeanCell:
    """A system's mean and spread over seeds; with the verdict if all systems are compared with one."""
    cell = _cell(comparison.means[name][metric], digits)
    seeds = comparison.between_seeds.get(name, {}).get(metric)
    if seeds is not None:
        cell = replace(cell, seeds=f"± {number(seeds, digits)} over seeds")
    against = [pair for pair in comparison.pairs if pair.metric == metric and pair.a == name]
    if len(against) != 1 or not _against_all(comparison):
        return cell
    return replace(cell, verdict=against[0].verdict, mark=_MARKS[against[0].verdict], against=against[0].b)


def _against_all(comparison: Comparison) -> str:
    """The system that all others are compared with; empty if there are several."""
    against = {pair.b for pair in comparison.pairs}
    return against.pop() if len(against) == 1 else ""


def _metrics(comparison: Comparison) -> list[MetricRow]:
    rows = []
    for metric, info in comparison.metrics.items():
        arrow, direction = DIRECTION[info.higher_is_better]
        digits = max(decimals_of_estimate(of[metric].mean, of[metric].ci95) for of in comparison.means.values())
        means = tuple(_system_cell(comparison, metric, name, digits) for name in comparison.means)
        controls = tuple(_cell(of[metric], digits) if metric in of else None for of in comparison.controls.values())
        sentence = info.summary.rstrip(". ")
        rows.append(MetricRow(metric, info.unit, arrow, direction, sentence and f"{sentence}.", means, controls))
    return rows


def _pairs(comparison: Comparison) -> list[PairView]:
    views = []
    places = {system.name: place for place, system in enumerate(comparison.systems)}
    for number_of, (a, b) in enumerate(dict.fromkeys((pair.a, pair.b) for pair in comparison.pairs)):
        pairs = [comparison.pair(metric, a, b) for metric in comparison.metrics]
        counts = Counter(pair.verdict for pair in pairs)
        verdicts = tuple((verdict, _kind(verdict), count) for verdict, count in counts.most_common())
        plots = (
            scatter_plot(comparison, metric, a, b, f"scatter{number_of}-{place}")
            for place, metric in enumerate(comparison.metrics)
        )
        scatters = tuple(plot for plot in plots if plot is not None)
        rows = tuple(_pair_row(comparison, pair) for pair in pairs)
        views.append(PairView(a, b, places[a] % len(SYSTEMS), verdicts, rows, scatters))
    return views


def _kind(verdict: str) -> str:
    """The verdict as a CSS class."""
    return verdict.replace(" ", "-")


def _pair_row(comparison: Comparison, pair: SystemPair) -> PairRow:
    info = comparison.metrics[pair.metric]
    digits = decimals_of_estimate(pair.difference, pair.interval)
    bounds = " to ".join(signed(bound, digits) for bound in pair.interval or ())
    return PairRow(
        metric=pair.metric,
        unit=info.unit,
        arrow=DIRECTION[info.higher_is_better][0],
        difference=signed(pair.difference, digits),
        interval=bounds,
        verdict=pair.verdict,
        doubt=pair.doubt,
        mark=_MARKS[pair.verdict],
        kind=_kind(pair.verdict),
        p=p_value(pair.p),
        p_holm=p_value(pair.p_holm),
        effect=signed(pair.effect, 2),
        mdd=number(pair.mdd, digits),
        n=pair.n,
        failed=pair.failed,
    )


def _forests(comparison: Comparison) -> list[Plot]:
    plots = (forest_plot(comparison, metric, f"forest{place}") for place, metric in enumerate(comparison.metrics))
    return [plot for plot in plots if plot is not None]
