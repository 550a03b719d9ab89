"""Numbers and metric names as text, for all tables and pages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avspatial.evaluation.scoring.score_schema import MetricInfo

DIRECTION = {True: ("↑", "higher is better"), False: ("↓", "lower is better"), None: ("", "descriptive")}
"""Arrow and words for each value of `higher_is_better`."""
_MOST = 6


@dataclass(frozen=True)
class Heading:
    """A metric as a page names it."""

    name: str
    unit: str
    arrow: str
    direction: str
    sentence: str


@dataclass(frozen=True)
class MetricValues:
    """A metric of one clip: the value of each system, and the index of the best one if it is marked."""

    head: Heading
    values: tuple[str, ...]
    best: int | None = None


def heading(metric: str, info: MetricInfo) -> Heading:
    """A metric's unit, direction and sentence, as the summary states them."""
    sentence = info.summary.rstrip(". ")
    return Heading(metric, info.unit, *DIRECTION[info.higher_is_better], sentence and f"{sentence}.")


def number(value: float | None, decimals: int) -> str:
    """Format a number with a true minus sign; ∞ for infinity, a dash for None and NaN."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{decimals}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def ascii_signs(text: str) -> str:
    """Replace minus signs and dashes by ASCII, for other programs."""
    return text.replace("−", "-").replace("–", "-")


def signed(value: float | None, decimals: int) -> str:
    """Format a difference with its sign; zero has none."""
    shown = number(value, decimals)
    return f"+{shown}" if value is not None and value > 0 and float(f"{value:.{decimals}f}") else shown


def interval(bounds: tuple[float, float] | None, decimals: int, *, sign: bool = False) -> str:
    """Format the bounds of an interval; empty without one."""
    return " to ".join((signed if sign else number)(bound, decimals) for bound in bounds or ())


def p_value(p: float | None) -> str:
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def decimals_for(scale: float, figures: int = 3) -> int:
    """Decimals that show `figures` significant figures of a number of this size, at most six."""
    if not math.isfinite(scale) or scale == 0:
        return figures
    return min(_MOST, max(0, figures - 1 - math.floor(math.log10(abs(scale)))))


def decimals_of_column(values: Iterable[float | None]) -> int:
    """Decimals for a column: three figures of the smallest number that is at least a hundredth of the largest."""
    sizes = [abs(value) for value in values if value is not None and math.isfinite(value) and value]
    return decimals_for(max(min(sizes), max(sizes) / 100)) if sizes else 3


def decimals_of_estimate(value: float | None, interval: tuple[float, float] | None) -> int:
    """Decimals for a number and its 95 % interval.

    Two figures of the standard error, about a quarter of the interval (Guide to the Expression of Uncertainty in
    Measurement, 7.2.6), but at most five figures of the largest of the three numbers.
    """
    low, high = interval or (0.0, 0.0)
    if low == high:
        return decimals_for(value or 0.0)
    largest = max(abs(value or 0.0), abs(low), abs(high))
    return min(decimals_for((high - low) / 4, 2), decimals_for(largest, 5))


def metric_heading(metric: str, info: MetricInfo) -> str:
    """A metric with its direction and unit: "snr ↑ (dB)"."""
    arrow, _ = DIRECTION[info.higher_is_better]
    unit = f"({info.unit})" if info.unit else ""
    return " ".join(part for part in (metric, arrow, unit) if part)
