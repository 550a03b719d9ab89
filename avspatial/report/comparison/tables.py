"""A comparison as tables: for the terminal, as Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from avspatial.evaluation.comparison.compare import Comparison, SystemPair
from avspatial.evaluation.scoring.score_schema import Mean
from avspatial.report.parts.numbers import ascii_signs, decimals_of_estimate, metric_heading, number, p_value, signed
from avspatial.text import counted, markdown_table


@dataclass(frozen=True)
class TextColumn:
    """One column: heading and cells. The next `group` columns belong to it and stay with it."""

    heading: str
    cells: tuple[str, ...]
    group: int = 0


@dataclass(frozen=True)
class TextTable:
    """A table with a title; its first column names the rows."""

    title: str
    columns: tuple[TextColumn, ...]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        return list(zip(*(column.cells for column in self.columns), strict=True))


def tables(comparison: Comparison) -> list[TextTable]:
    """The means, the controls, and one table per pair of systems."""
    against = dict.fromkeys((pair.a, pair.b) for pair in comparison.pairs)
    controls = [_controls(comparison)] if comparison.controls else []
    return [_means(comparison), *controls, *(_pairs(comparison, a, b) for a, b in against)]


def title(comparison: Comparison) -> str:
    """Clips and convention: "30 clips of 12 recordings, convention fairplay"."""
    several = [split for split in comparison.splits if split is not None]
    splits = f" in {len(several)} splits" if len(several) > 1 else ""
    clips, recordings = len(comparison.clips), comparison.recordings
    return f"{counted(clips, 'clip')} of {counted(recordings, 'recording')}{splits}, convention {comparison.convention}"


def _metric_column(comparison: Comparison) -> TextColumn:
    return TextColumn("metric", tuple(metric_heading(metric, info) for metric, info in comparison.metrics.items()))


def _means(comparison: Comparison) -> TextTable:
    columns = [_metric_column(comparison)]
    digits = {metric: decimals_of_means(comparison, metric) for metric in comparison.metrics}
    for name, means in comparison.means.items():
        spread = comparison.between_seeds.get(name, {})
        of = [(means[metric], d) for metric, d in digits.items()]
        group = [("95 % interval", [_interval(mean.ci95, d) for mean, d in of])]
        group += [("n", [str(mean.n) for mean, _ in of]), ("failed", [str(mean.failed) for mean, _ in of])]
        if spread:
            group.append(("sd of seeds", [_number(spread.get(metric), d) for metric, d in digits.items()]))
        columns.append(TextColumn(name, tuple(_number(mean.mean, d) for mean, d in of), len(group)))
        columns += [TextColumn(head, tuple(cells)) for head, cells in group]
    return TextTable(title(comparison), tuple(columns))


def _controls(comparison: Comparison) -> TextTable:
    columns = [_metric_column(comparison)]
    for row, means in comparison.controls.items():
        cells = [
            _counted(means.get(metric), len(comparison.clips), decimals_of_means(comparison, metric))
            for metric in comparison.metrics
        ]
        columns.append(TextColumn(row, tuple(cells)))
    return TextTable("The control conditions", tuple(columns))


def _pairs(comparison: Comparison, a: str, b: str) -> TextTable:
    pairs = [comparison.pair(metric, a, b) for metric in comparison.metrics]
    decimals = [decimals_of_estimate(pair.difference, pair.interval) for pair in pairs]
    numbered = list(zip(pairs, decimals, strict=True))
    columns = {
        "difference": [_number(pair.difference, d, sign=True) for pair, d in numbered],
        "95 % interval": [_interval(pair.interval, d, sign=True) for pair, d in numbered],
        f"{a} is": [pair.verdict for pair in pairs],
        "p": [ascii_signs(p_value(pair.p)) for pair in pairs],
        "p, Holm": [ascii_signs(p_value(pair.p_holm)) for pair in pairs],
        "effect": [_number(pair.effect, 2, sign=True) for pair in pairs],
        "detectable": [_number(pair.mdd, d) for pair, d in numbered],
        "n": [str(pair.n) for pair in pairs],
        "failed": [str(pair.failed) for pair in pairs],
    }
    rest = (TextColumn(head, tuple(cells)) for head, cells in columns.items())
    return TextTable(f"{a} against {b}: {a} minus {b}", (_metric_column(comparison), *rest))


def decimals_of_means(comparison: Comparison, metric: str) -> int:
    """Decimals for the means of all systems: those of the most certain mean."""
    return max(decimals_of_estimate(of[metric].mean, of[metric].ci95) for of in comparison.means.values())


def _number(value: float | None, decimals: int, *, sign: bool = False) -> str:
    return ascii_signs(signed(value, decimals) if sign else number(value, decimals))


def _interval(bounds: tuple[float, float] | None, decimals: int, *, sign: bool = False) -> str:
    return "-" if bounds is None else " .. ".join(_number(bound, decimals, sign=sign) for bound in bounds)


def _counted(mean: Mean | None, clips: int, decimals: int) -> str:
    """The mean of a control; with n and failed unless all clips have a value."""
    if mean is None:
        return ""
    shown = _number(mean.mean, decimals)
    return shown if (mean.n, mean.failed) == (clips, 0) else f"{shown} (n {mean.n}, failed {mean.failed})"


def as_markdown(comparison: Comparison) -> str:
    """The tables in Markdown, with the notes below them."""
    parts = []
    for table in tables(comparison):
        heads = [column.heading for column in table.columns]
        rules = [":--", *["--:"] * (len(heads) - 1)]
        parts.append(f"**{table.title}**\n\n{markdown_table([heads, *table.rows], rules)}")
    parts.append("\n".join(f"- {note}" for note in (legend(comparison), *comparison.notes)))
    return "\n\n".join(parts) + "\n"


def legend(comparison: Comparison) -> str:
    """The statistical methods, in one sentence."""
    tests = sum(pair.p is not None for pair in comparison.pairs)
    if len(comparison.splits) > 1:
        how = "intervals and p by the corrected t-test over splits (Nadeau and Bengio)"
    else:
        how = "95 % cluster bootstrap over recordings; Wilcoxon signed-rank test, Pratt's zeros"
    return (
        f"{how}; Holm over {tests} tests; effect: rank-biserial correlation; detectable: with 80 % power at "
        "alpha 0.05, one test."
    )


def as_csv(comparison: Comparison) -> str:
    """One line per metric and system, then one per metric and pair, with unrounded numbers."""
    head = ("metric", "unit", "higher_is_better", "system", "against", "mean", "difference", "low", "high")
    heads = (*head, "n", "failed", "between_seeds_sd", "p", "p_holm", "effect", "mdd", "verdict")
    out = io.StringIO()
    writer = csv.DictWriter(out, heads, restval="", lineterminator="\n")
    writer.writeheader()
    for metric, info in comparison.metrics.items():
        about = {"metric": metric, "unit": info.unit, "higher_is_better": info.higher_is_better}
        for name, means in {**comparison.means, **comparison.controls}.items():
            if metric in means:
                sd = comparison.between_seeds.get(name, {}).get(metric)
                writer.writerow({**about, "system": name, **_mean_cells(means[metric]), "between_seeds_sd": sd})
        for pair in comparison.pairs:
            if pair.metric == metric:
                writer.writerow({**about, **_pair_cells(pair)})
    return out.getvalue()


def _mean_cells(mean: Mean) -> dict[str, object]:
    low, high = mean.ci95 or (None, None)
    return {"mean": mean.mean, "low": low, "high": high, "n": mean.n, "failed": mean.failed}


def _pair_cells(pair: SystemPair) -> dict[str, object]:
    low, high = pair.interval or (None, None)
    names = ("difference", "n", "failed", "p", "p_holm", "effect", "mdd", "verdict")
    return {"system": pair.a, "against": pair.b, "low": low, "high": high} | {n: getattr(pair, n) for n in names}


def fitting(table: TextTable, width: int, gap: int = 2) -> Sequence[TextTable]:
    """Split a table so that each piece fits into `width`; all have the first column, and groups stay together."""

    def size(columns: Sequence[TextColumn]) -> int:
        return sum(gap + max(map(len, (column.heading, *column.cells))) for column in columns)

    first, rest = table.columns[0], list(table.columns[1:])
    pieces: list[list[TextColumn]] = [[first]]
    while rest:
        group, rest = rest[: 1 + rest[0].group], rest[1 + rest[0].group :]
        if len(pieces[-1]) > 1 and size([*pieces[-1], *group]) > width + gap:
            pieces.append([first])
        pieces[-1] += group
    titles = [table.title, *[f"{table.title} (continued)"] * (len(pieces) - 1)]
    return [TextTable(title, tuple(columns)) for title, columns in zip(titles, pieces, strict=True)]
