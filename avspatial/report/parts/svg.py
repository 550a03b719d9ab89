"""Matplotlib figures as inline SVG in the page's colour scheme.

Figures are drawn in the colours below; the export replaces each by a CSS custom property of the page, so one drawing
serves the light and the dark scheme. Text stays text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import StringIO

from markupsafe import Markup, escape
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PAPER = "#fdfcfb"
INK = "#1b1c1d"
FAINT = "#7a7b7c"
RULE = "#d8d9da"
QUIET = "#eeeff0"
REFERENCE = "#2b2c2d"
PREDICTION = "#d55e01"
MONO = "#8a8b8c"
TRUTH = "#0173b2"
SYSTEMS = ("#0068a9", "#c34f02", "#00795b", "#a23f8b", "#8a6b01", "#5b6fd3", "#7b4a2d")
"""Colours of systems, distinguishable with impaired colour vision; dashes and markers differ as well."""

_SCHEME = {
    PAPER: "paper",
    INK: "ink",
    FAINT: "faint",
    RULE: "rule",
    QUIET: "quiet",
    REFERENCE: "reference",
    PREDICTION: "prediction",
    MONO: "mono",
    TRUTH: "truth",
    **{colour: f"system{place}" for place, colour in enumerate(SYSTEMS)},
}
_INCH = 96


@dataclass(frozen=True)
class Plot:
    """A small plot and its title."""

    title: str
    svg: Markup


def figure(width: float, height: float, margins: tuple[float, float, float, float] | None = None) -> Figure:
    """A blank figure of a size in CSS pixels.

    margins: left, right, top and bottom of the plots, in pixels. Without them matplotlib finds them from the labels,
    which takes many times as long if there are many plots.
    """
    size = (width / _INCH, height / _INCH)
    if margins is None:
        return Figure(figsize=size, dpi=_INCH, facecolor="none", layout="constrained")
    drawing = Figure(figsize=size, dpi=_INCH, facecolor="none")
    left, right, top, bottom = margins
    drawing.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    return drawing


def plain_axes(axes: Axes) -> None:
    """Keep only the left and lower line, faint ticks and a hairline grid."""
    axes.set_facecolor("none")
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(RULE)
    axes.tick_params(colors=FAINT, labelcolor=FAINT, labelsize=8, length=3, width=0.8)
    axes.grid(True, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(FAINT)
        label.set_fontsize(8.5)


def inline_svg(drawing: Figure, name: str, description: str) -> Markup:
    """The figure as an `<svg>` element: `name` prefixes its ids, `description` is the text for screen readers."""
    text = StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "font.family": "sans-serif"}):
        drawing.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.S)  # its rule would apply to the entire page
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    svg = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'url\(#|(?<=href=")#', lambda match: match.group() + f"{name}-", svg)
    for colour, variable in _SCHEME.items():
        svg = svg.replace(colour, f"var(--{variable})")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None, "matplotlib writes a viewBox"
    head = f'<svg role="img" aria-label="{escape(description)}" viewBox="0 0 {size[1]} {size[2]}">'
    return Markup(head + svg[svg.index(">") + 1 :].strip())
