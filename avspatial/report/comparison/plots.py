"""Plots of a comparison: differences with intervals, scatter plots over clips, and curves of one clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from avspatial.evaluation.comparison.compare import Comparison, SystemPair
from avspatial.metrics.itd_curve import time_difference
from avspatial.report.parts.clip_plots import (
    Curve,
    TimePlot,
    draw_curves,
    level_curve,
    level_limit,
    quiet_spans,
    time_plot,
)
from avspatial.report.parts.svg import (
    FAINT,
    INK,
    PAPER,
    QUIET,
    REFERENCE,
    SYSTEMS,
    Plot,
    figure,
    inline_svg,
    plain_axes,
)
from avspatial.signal.level import active_frames, frame_times
from avspatial.text import counted

MARKERS = ("o", "s", "D", "^", "v", "P", "X")
DASHES = ("solid", (0, (6, 1.6)), (0, (2.2, 1.4)), (0, (7, 1.5, 1.5, 1.5)), (0, (1, 1)), (0, (9, 3)), (0, (4, 1, 1, 1)))
_LONGEST_NAME = 34
_ITD_LIMIT = 1000.0
_LOGARITHMIC = 20.0
"""A scatter plot is logarithmic if the largest value exceeds the smallest by this factor."""


def colour_of(place: int) -> str:
    """The colour of the system at index `place`; colours repeat after seven systems."""
    return SYSTEMS[place % len(SYSTEMS)]


@dataclass(frozen=True)
class Point:
    """A clip in a scatter plot: its position in percent of the image, from the upper left corner."""

    clip: str
    left: float
    top: float
    label: str


@dataclass(frozen=True)
class Scatter:
    """One metric over the clips: system a on the vertical axis, b on the horizontal one.

    `counts`: the clips on which a is better than b (`word`: "higher" for a metric without a direction), equal, worse.
    """

    title: str
    svg: Markup
    points: tuple[Point, ...]
    counts: tuple[int, int, int]
    word: str


def _shorten(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def forest_plot(comparison: Comparison, metric: str, name: str) -> Plot | None:
    """Mean paired difference of every pair with its interval; None if no pair has one."""
    places = {system.name: place for place, system in enumerate(comparison.systems)}
    pairs = [pair for pair in comparison.pairs if pair.metric == metric and pair.difference is not None]
    if not pairs:
        return None
    labelled = len(pairs) > 1
    drawing = figure(300, 62 + (34 if labelled else 18) * len(pairs), margins=(14, 14, 4, 40))
    axes = drawing.subplots()
    plain_axes(axes)
    axes.grid(False, axis="y")
    axes.axvline(0, color=FAINT, linewidth=1)
    for row, pair in enumerate(pairs):
        _draw_difference(axes, row, pair, places[pair.a])
        if labelled:
            _label(axes, row, pair.a if comparison.baseline is not None else f"{_shorten(pair.a)} − {_shorten(pair.b)}")
    reach = 1.12 * max(abs(bound) for pair in pairs for bound in (pair.difference or 0, *(pair.interval or ()))) or 1.0
    axes.set(xlim=(-reach, reach), ylim=(len(pairs) - 0.45, -0.85 if labelled else -0.55), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    _name_better(axes, comparison.metrics[metric].higher_is_better)
    values = "; ".join(f"{pair.a} minus {pair.b}: {pair.difference:.3g}, {pair.verdict}" for pair in pairs)
    return Plot(
        metric, inline_svg(drawing, name, f"Paired differences of {metric} with 95 percent intervals. {values}.")
    )


def _draw_difference(axes: Axes, row: int, pair: SystemPair, place: int) -> None:
    colour = colour_of(place)
    if pair.interval is not None:
        axes.plot(pair.interval, [row, row], color=colour, linewidth=2.4, solid_capstyle="round")
    axes.plot(
        [pair.difference or 0.0],
        [row],
        color=colour,
        marker=MARKERS[place % len(MARKERS)],
        markersize=7,
        markerfacecolor=colour if pair.established else "none",
        markeredgewidth=1.8,
    )


def _label(axes: Axes, row: int, text: str) -> None:
    """Write the name above its line, on a background that covers the line at zero."""
    ground = {"facecolor": PAPER, "edgecolor": "none", "pad": 1.2}
    where = axes.get_yaxis_transform()
    axes.text(0.0, row - 0.3, _shorten(text), transform=where, va="bottom", size=8.5, color=INK, bbox=ground)


def _name_better(axes: Axes, higher_is_better: bool | None) -> None:
    words = {True: "better →", False: "← better", None: "higher →"}
    right = higher_is_better is not False
    axes.set_xlabel(words[higher_is_better], loc="right" if right else "left")


def scatter_plot(comparison: Comparison, metric: str, a: str, b: str, name: str) -> Scatter | None:
    """Each clip's value of system a over that of b; the half where a is better is shaded. None without a clip."""
    systems = {system.name: system for system in comparison.systems}
    ours, theirs = systems[a].values(metric), systems[b].values(metric)
    clips = [clip for clip in comparison.clips if clip in ours and clip in theirs]
    if not clips:
        return None
    y, x = np.array([ours[clip] for clip in clips]), np.array([theirs[clip] for clip in clips])
    place = list(systems).index(a)
    drawing = figure(300, 292, margins=(54, 12, 10, 48))
    axes = drawing.subplots()
    plain_axes(axes)
    ends = _square(axes, np.concatenate([x, y]))
    higher = comparison.metrics[metric].higher_is_better
    if higher is not None:
        axes.fill_between(ends, ends, ends[1] if higher else ends[0], color=QUIET, linewidth=0, zorder=0.2)
    axes.plot(ends, ends, color=FAINT, linewidth=0.9)
    axes.scatter(x, y, s=17, color=colour_of(place), alpha=0.75, linewidths=0, marker=MARKERS[place % len(MARKERS)])
    axes.set(xlabel=_shorten(b), ylabel=_shorten(a))
    svg = inline_svg(drawing, name, f"{metric} of {counted(len(clips), 'clip')}: {a} upwards, {b} to the right.")
    corner = drawing.transFigure.inverted().transform(axes.transData.transform(np.stack([x, y], -1)))
    dots = tuple(
        Point(clip, 100 * left, 100 * (1 - up), f"{clip}: {a} {v:.4g}, {b} {w:.4g}")
        for clip, (left, up), v, w in zip(clips, corner.tolist(), y.tolist(), x.tolist(), strict=True)
    )
    word = "higher" if higher is None else "better"
    gains = np.array(list(comparison.pair(metric, a, b).differences.values())) * (-1 if higher is False else 1)
    return Scatter(metric, svg, dots, (int((gains > 0).sum()), int((gains == 0).sum()), int((gains < 0).sum())), word)


def _square(axes: Axes, values: np.ndarray) -> tuple[float, float]:
    """Give both axes the same limits and scale; returns the limits."""
    low, high = float(values.min()), float(values.max())
    if low > 0 and high > _LOGARITHMIC * low:
        ends = (low / 1.25, high * 1.25)
        axes.set(xscale="log", yscale="log")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 3) if high < 300 * low else (1,), numticks=6))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.06 * (high - low) or 0.06 * abs(high) or 1.0
        ends = (low - margin, high + margin)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4))
    axes.set(xlim=ends, ylim=ends, aspect="equal", adjustable="box")
    return ends


def _time_curve(key: str, stereo: np.ndarray, rate: int, colour: str, **style: Any) -> Curve:
    microseconds = 1e6 * time_difference(stereo, rate)
    return Curve(key, frame_times(stereo.shape[-1], rate), microseconds, colour, **style)


@dataclass(frozen=True)
class ClipCurves:
    """The curves of a clip: level difference, dB, and time difference, us; left is up in both."""

    levels: tuple[Curve, ...]
    times: tuple[Curve, ...]
    quiet: tuple[tuple[float, float], ...]
    level_limit: float
    seconds: float


def clip_curves(reference: np.ndarray, systems: Mapping[int, np.ndarray], rate: int) -> ClipCurves:
    """reference (2, T) and each system's audio (2, T), by its index in the comparison."""
    quiet = quiet_spans(reference, rate)
    tracks: list[tuple[str, np.ndarray, str, dict[str, Any]]] = [("reference", reference, REFERENCE, {"width": 2.0})]
    tracks += [
        (f"system{place}", stereo, colour_of(place), {"width": 1.5, "dashes": DASHES[place % len(DASHES)]})
        for place, stereo in systems.items()
    ]
    levels = tuple(level_curve(key, stereo, rate, colour, **style) for key, stereo, colour, style in tracks)
    times = tuple(_time_curve(key, stereo, rate, colour, **style) for key, stereo, colour, style in tracks)
    limit = level_limit(levels, active_frames(reference, rate))
    return ClipCurves(levels, times, tuple(quiet), limit, reference.shape[-1] / rate)


def curves_plot(curves: ClipCurves, name: str, clip: str, *, wide: bool) -> TimePlot:
    """Level and time differences on one time axis; `wide` for a desktop, else for a phone."""
    drawing = figure(920, 430, margins=(58, 46, 10, 42)) if wide else figure(340, 400, margins=(56, 36, 10, 42))
    upper, lower = drawing.subplots(2, 1, sharex=True, gridspec_kw={"hspace": 0.08})
    shared = curves.quiet, curves.seconds
    draw_curves(upper, curves.levels, *shared, limit=curves.level_limit, label="level (dB)")
    reach = _time_limit(curves.times)
    draw_curves(lower, curves.times, *shared, limit=reach, label="time (µs)", family="time")
    description = (
        f"Level difference and time difference between the ears of clip {clip} over {curves.seconds:.1f} seconds, left "
        "is up: the reference and every system."
    )
    return time_plot(drawing, lower, name, description)


def _time_limit(curves: Sequence[Curve]) -> float:
    """Limit of the time axis, us: the 95 % quantile of the largest curve, with a margin, within 100 to 1000."""
    reached = [np.nanquantile(np.abs(c.values), 0.95) for c in curves if np.isfinite(c.values).any()]
    return min(_ITD_LIMIT, max(100.0, 1.25 * float(max(reached, default=0.0))))
