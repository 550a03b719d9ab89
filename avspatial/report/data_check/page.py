"""The page of a check: one self-contained HTML file with tables and histograms."""

from __future__ import annotations

import numpy as np

from avspatial.data.check.clip_facts import BINS
from avspatial.data.check.result import DataCheck
from avspatial.report.data_check.sections import sections, verdict
from avspatial.report.parts.svg import PREDICTION, Plot, figure, inline_svg, plain_axes
from avspatial.report.parts.template import render

_BARS = 24
_TITLES = {
    "seconds": ("Length", "s"),
    "level_dbfs": ("Level", "dBFS"),
    "side_mid_db": ("Side over mid", "dB"),
    "level_difference_db": ("Left over right", "dB"),
}


def check_page(check: DataCheck) -> str:
    """The page of a check.

    Args:
        check: What was found.

    Returns:
        HTML, which loads nothing.
    """
    return render(
        "data_check.html.j2",
        ("page.css", "data_check.css"),
        "",
        root=check.root,
        use=check.use,
        settings=", ".join(f"{key}: {value}" for key, value in check.settings.items() if key != "root") or "defaults",
        passed=check.passed,
        verdict=verdict(check),
        sections=sections(check),
        plots=_plots(check),
    )


def _plots(check: DataCheck) -> list[Plot]:
    plots = []
    for name, values in check.values().items():
        if len(values) > 1:
            counts, edges = np.histogram(values, _BARS)
            plots.append(_histogram(name, *_TITLES[name], counts, edges, "clips"))
    shares = check.azimuths()
    if shares is not None:
        plots.append(
            _histogram(
                "azimuth", "Azimuth of the loudest source", "° (positive is left)", 100 * shares, BINS, "% of the time"
            )
        )
    return plots


def _histogram(name: str, title: str, unit: str, counts: np.ndarray, edges: np.ndarray, what: str) -> Plot:
    drawing = figure(300, 180)
    axes = drawing.subplots()
    plain_axes(axes)
    axes.bar(edges[:-1], counts, np.diff(edges), align="edge", color=PREDICTION, linewidth=0)
    axes.set_xlabel(unit)
    axes.set_ylabel(what)
    if name == "azimuth":
        axes.invert_xaxis()
        axes.set_xticks((180, 90, 0, -90, -180))
    highest = (edges[counts.argmax()] + edges[counts.argmax() + 1]) / 2
    return Plot(title, inline_svg(drawing, name, f"Histogram of {title.lower()}: most at {highest:.3g} {unit}."))
