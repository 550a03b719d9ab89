"""Plots of one clip: level difference over time (SAGM, Figs. 4, 6, 7) and spectrograms (SAGM, Fig. 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from avspatial.interfaces import Truth
from avspatial.report.parts.svg import (
    FAINT,
    INK,
    MONO,
    PREDICTION,
    QUIET,
    REFERENCE,
    TRUTH,
    figure,
    inline_svg,
    plain_axes,
)
from avspatial.signal.level import active_frames, frame_times, level_difference
from avspatial.signal.stereo import difference

_RANGE_DB = 80.0
_COLUMNS = 360
"""Time steps of a spectrogram; a page cannot show more."""


@dataclass(frozen=True)
class TimePlot:
    """A plot over time; its time axis extends from `begin` to `end`, as fractions of the image width."""

    svg: Markup
    begin: float
    end: float


@dataclass(frozen=True)
class ClipAudio:
    """The audio of a clip at one rate: reference (2, T), prediction (2, T) and mono (1, T)."""

    reference: np.ndarray
    prediction: np.ndarray
    mono: np.ndarray
    rate: int

    @property
    def seconds(self) -> float:
        return float(self.reference.shape[-1] / self.rate)


def spans(flags: np.ndarray, times: np.ndarray) -> list[tuple[float, float]]:
    """Begin and end, s, of each run of frames in which `flags` (K,) hold; `times` (K,) are the frame centres."""
    if not len(times):
        return []
    half = (times[1] - times[0]) / 2 if len(times) > 1 else times[0]
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(int), [0]))))
    return [(times[a] - half, times[b - 1] + half) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def label_sides(axes: Axes) -> None:
    """Write "left" at the upper and "right" at the lower end of an axis."""
    for height, word, edge in ((1.0, "left", "top"), (0.0, "right", "bottom")):
        axes.text(1.012, height, word, transform=axes.transAxes, ha="left", va=edge, size=8.5, color=INK)


def _draw_truth(axes: Axes, truth: Truth, seconds: float) -> None:
    """Draw each source's azimuth where it is within 40 dB of the clip's loudest moment."""
    plain_axes(axes)
    times = (np.arange(truth.azimuth.shape[-1]) + 0.5) / truth.rate
    audible = truth.energy > truth.energy.max(initial=0.0) * 1e-4
    for azimuth, shown in zip(truth.azimuth, audible, strict=True):
        axes.plot(times, np.where(shown, azimuth, np.nan), color=TRUTH, linewidth=1.6, solid_capstyle="round")
    axes.axhline(0, color=FAINT, linewidth=0.7)
    axes.set(ylim=(-95, 95), yticks=(-90, 0, 90), ylabel="true (°)", xlim=(0, seconds))
    label_sides(axes)


@dataclass(frozen=True)
class Curve:
    """One line over time: values (K,) at times (K,) in s, and its style. `key` names it in the page's style sheet."""

    key: str
    times: np.ndarray
    values: np.ndarray
    colour: str
    width: float = 1.5
    dashes: Any = "solid"


def draw_curves(
    axes: Axes,
    curves: Sequence[Curve],
    quiet: Sequence[tuple[float, float]],
    seconds: float,
    *,
    limit: float,
    label: str,
    family: str = "level",
) -> None:
    """Draw the curves between -`limit` and `limit`, left up, and a line at zero, and shade the quiet spans.

    The id of each curve in the SVG ends in `family-curve-key`.
    """
    plain_axes(axes)
    for curve in curves:
        (line,) = axes.plot(
            curve.times, curve.values, color=curve.colour, linewidth=curve.width, linestyle=curve.dashes
        )
        line.set_gid(f"{family}-curve-{curve.key}")
    for begin, end in quiet:
        axes.axvspan(begin, end, color=QUIET, linewidth=0, zorder=0.5)
    axes.axhline(0, color=FAINT, linewidth=0.7)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.set(xlim=(0, seconds), ylim=(-limit, limit), ylabel=label)
    label_sides(axes)


def quiet_spans(reference: np.ndarray, rate: int) -> list[tuple[float, float]]:
    """Begin and end, s, of the parts where the reference (2, T) is quiet (see `signal.level.active_frames`)."""
    return spans(~active_frames(reference, rate), frame_times(reference.shape[-1], rate))


def level_curve(key: str, stereo: np.ndarray, rate: int, colour: str, **style: Any) -> Curve:
    """The level difference of stereo (2, T), dB; left is up."""
    return Curve(key, frame_times(stereo.shape[-1], rate), level_difference(stereo, rate), colour, **style)


def level_limit(curves: Sequence[Curve], active: np.ndarray) -> float:
    """Limit of the level axis, dB: the largest value in the active frames (K,), within 6 to 40."""
    parts = (np.abs(curve.values[: len(active)][active[: len(curve.values)]]) for curve in curves)
    return float(min(40.0, max(6.0, 1.12 * max(part.max(initial=0.0) for part in parts))))


def _draw_levels(axes: Axes, audio: ClipAudio) -> None:
    rate = audio.rate
    curves = [
        level_curve("mono", np.repeat(audio.mono, 2, axis=0), rate, MONO, width=1.4, dashes=(0, (4, 2))),
        level_curve("reference", audio.reference, rate, REFERENCE),
        level_curve("prediction", audio.prediction, rate, PREDICTION, width=1.7),
    ]
    limit = level_limit(curves, active_frames(audio.reference, rate))
    quiet = quiet_spans(audio.reference, rate)
    draw_curves(axes, curves, quiet, audio.seconds, limit=limit, label="left − right (dB)")


def level_plot(audio: ClipAudio, truth: Truth | None, name: str, clip: str, *, size: tuple[int, int]) -> TimePlot:
    """Level difference of reference, prediction and mono, left is up; below it the true azimuths, if known.

    Spans where the reference is quiet are shaded: the curve means nothing there.
    """
    drawing = figure(*size)
    if truth is None:
        axes = last = drawing.subplots()
    else:
        axes, last = drawing.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        _draw_truth(last, truth, audio.seconds)
    _draw_levels(axes, audio)
    below = "" if truth is None else " Below it the true azimuth of each source."
    description = (
        f"Level difference of clip {clip} over {audio.seconds:.1f} seconds in decibel, left is up: "
        f"reference, prediction, and mono, which stays at zero.{below}"
    )
    return time_plot(drawing, last, name, description)


def time_plot(drawing: Figure, last: Axes, name: str, description: str) -> TimePlot:
    """The figure with the axis of time below its last axes."""
    last.set_xlabel("time (s)")
    drawing.align_ylabels()
    svg = inline_svg(drawing, name, description)
    box = last.get_position()  # valid after the layout
    return TimePlot(svg, float(box.x0), float(box.x1))


def _decibels(x: np.ndarray, rate: int) -> np.ndarray:
    """x (T,) -> (F, M) dB; 25 ms Hann windows, power averaged over neighbours down to what the page can show."""
    length = round(0.025 * rate)
    transform = ShortTimeFFT(hann(length, sym=False), hop=max(1, round(0.01 * rate)), fs=rate, mfft=2 * length)
    power = transform.spectrogram(np.pad(x, (0, max(0, length - len(x)))).astype(np.float64))
    fold = -(-power.shape[1] // _COLUMNS)
    power = power[:, : power.shape[1] // fold * fold].reshape(power.shape[0], -1, fold).mean(-1)
    return np.asarray(10 * np.log10(power + 1e-20))


def _channels(stereo: np.ndarray, rate: int) -> dict[str, np.ndarray]:
    signals = {"left": stereo[0], "right": stereo[1], "difference": difference(stereo)}
    return {row: _decibels(signal, rate) for row, signal in signals.items()}


def spectrogram_grid(tracks: Mapping[str, np.ndarray], rate: int, name: str, clip: str) -> Markup:
    """Left, right and difference of each track (2, T), a column each, on one scale in dB under the loudest point."""
    width = max(920, 230 * len(tracks))
    drawing = figure(width, 470, margins=(62, 92, 26, 42))
    grid = drawing.subplots(
        3, len(tracks), sharex=True, sharey=True, squeeze=False, gridspec_kw={"wspace": 0.05, "hspace": 0.09}
    )
    columns = {title: _channels(stereo, rate) for title, stereo in tracks.items()}
    top = max(panel.max() for panels in columns.values() for panel in panels.values())
    extent = (0.0, next(iter(tracks.values())).shape[-1] / rate, 0.0, rate / 2000)
    scale = ScalarMappable(Normalize(-_RANGE_DB, 0), "magma")
    for column, (title, panels) in enumerate(columns.items()):
        grid[0, column].set_title(title, color=INK, size=10, loc="left")
        for axes, (row, panel) in zip(grid[:, column], panels.items(), strict=True):
            plain_axes(axes)
            axes.grid(False)
            axes.imshow(panel - top, origin="lower", aspect="auto", extent=extent, norm=scale.norm, cmap=scale.cmap)
            if column == 0:
                axes.set_ylabel(f"{row}\nkHz")
    for axes in grid[-1]:
        axes.set_xlabel("time (s)")
    grid[0, 0].xaxis.set_major_locator(MaxNLocator(4, prune="upper"))
    grid[0, 0].yaxis.set_major_locator(MaxNLocator(4, prune="upper"))
    _colour_bar(drawing, drawing.add_axes((1 - 74 / width, 0.13, 12 / width, 0.77)), scale)
    *others, last = [title.lower() if title in ("Reference", "Prediction") else title for title in tracks]
    return inline_svg(
        drawing,
        name,
        f"Spectrograms of clip {clip}: left, right and difference, the {', '.join(others)} next to the {last}, "
        "on one colour scale.",
    )


def _colour_bar(drawing: Figure, place: Axes, scale: ScalarMappable) -> None:
    bar = drawing.colorbar(scale, cax=place)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=FAINT, labelsize=8, length=3)
    bar.set_label("dB under the loudest point", color=FAINT, size=8.5)
