"""Rows of text as aligned columns, scores as cells of a table, and data as JSON, on stdout."""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from avspatial.text import counted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from avspatial.evaluation.scoring.score_schema import Mean, Summary
    from avspatial.registry import Entry
    from avspatial.testing.results import Result

_MODEL = "model"
_STATUSES = {"passed": "passed", "failed": "failed", "expected": "failed as expected", "skipped": "skipped"}


def columns(rows: Sequence[Sequence[str]], *, indent: str = "") -> str:
    """Rows as lines whose columns line up; the last column is never padded."""
    widths = [max(map(len, column)) for column in zip(*(row[:-1] for row in rows), strict=True)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        lines.append(indent + "  ".join([*cells, row[-1]]).rstrip())
    return "\n".join(lines)


def is_utf8(stream: TextIO) -> bool:
    """Whether a stream takes any character; one without an encoding does."""
    return stream.encoding is None or codecs.lookup(stream.encoding).name == "utf-8"


def escape_unprintable(stream: TextIO) -> None:
    """Let a stream show `\\u2193` for a character that its encoding lacks, as stderr does, instead of failing."""
    if isinstance(stream, io.TextIOWrapper) and (stream.errors == "strict" or not is_utf8(stream)):
        stream.reconfigure(errors="backslashreplace")


def component_text(entry: Entry, facts: Sequence[Sequence[str]]) -> str:
    """The id of a component, facts about it, and its settings with their defaults."""
    from avspatial.recipe.reference import settings_rows

    settings = settings_rows(entry.settings_class())
    parts = [entry.id, columns(facts, indent="  "), "  settings" if settings else "  no settings"]
    return "\n".join([*parts, *([columns(settings, indent="    ")] if settings else [])])


def print_json(data: Any) -> None:
    """Print data as one line of strict JSON; ValueError for NaN and infinity, which are not JSON."""
    print(json.dumps(data, ensure_ascii=not is_utf8(sys.stdout), allow_nan=False))


def print_results(results: Sequence[Result], as_json: bool, **more: Any) -> int:
    """Print the counts of checks, or everything and `more` as JSON; returns how many checks failed."""
    counts = {status: sum(result.status == status for result in results) for status in _STATUSES}
    if as_json:
        print_json({"checks": len(results), **counts, "results": [asdict(result) for result in results], **more})
    else:
        listed = ", ".join(f"{counts[status]} {text}" for status, text in _STATUSES.items())
        print(f"{counted(len(results), 'check')}: {listed}")
    return counts["failed"]


def on_stdout(width: int = 240) -> Console:
    """The console for results. A pipe has no width of its own: lines there are as long as they need to be."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=width)


def score_tables(summary: Summary, console: Console) -> list[Table]:
    """The scores as one table; if that is too wide, the model's and below it the controls': a name that ends in dots
    could be that of several metrics."""
    from rich.measure import Measurement

    table = _score_table(summary, model=True, controls=True)
    if Measurement.get(console, console.options.update(max_width=1000), table).minimum <= console.width:
        return [table]
    return [_score_table(summary, model=True, controls=False), _score_table(summary, model=False, controls=True)]


def _score_table(summary: Summary, *, model: bool, controls: bool) -> Table:
    """One line a metric: mean, sd, 95 % interval, n and failed of the model; the means of the control conditions, each
    with its own n and failed if they differ from the model's."""
    from rich.table import Table

    from avspatial.report.parts.numbers import metric_heading

    title = f"{counted(summary.clips, 'clip')}, convention {summary.convention}" if model else "The control conditions"
    table = Table(title=title, box=None, pad_edge=False)
    names = [name for name in summary.conditions if name != _MODEL] if controls else []
    table.add_column("metric", no_wrap=True)
    for column in ("model", "sd", "95 % interval", "n", "failed") if model else ():
        table.add_column(column, justify="right", no_wrap=True)
    for name in names:
        table.add_column(name if model else name.replace("_", " "), justify="right", overflow="fold")
    for metric, info in summary.metrics.items():
        mean = summary.conditions.get(_MODEL, {}).get(metric)
        others = [_control(summary.conditions[name].get(metric), mean) for name in names]
        own = _own_cells(mean) if model else ()
        if any((*own, *others)):
            table.add_row(metric_heading(metric, info), *own, *others)
    return table


def _own_cells(mean: Mean | None) -> tuple[str, ...]:
    if mean is None:
        return ("",) * 5
    interval = " .. ".join(f"{bound:.3f}" for bound in mean.ci95 or ()) or "-"
    return _number(mean.mean), _number(mean.sd), interval, str(mean.n), str(mean.failed)


def _control(mean: Mean | None, model: Mean | None) -> str:
    """The mean of a control, with its own n and failed if they differ from the model's."""
    if mean is None:
        return ""
    same = model is not None and (mean.n, mean.failed) == (model.n, model.failed)
    return _number(mean.mean) if same else f"{_number(mean.mean)} (n {mean.n}, failed {mean.failed})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
