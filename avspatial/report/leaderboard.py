"""`leaderboard.json` and `leaderboard.md`: written from what is measured, and held against the files again."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from avspatial.atomic import write_text
from avspatial.errors import DataError
from avspatial.evaluation.leaderboard import Board, Choices, Difference, differences, measure
from avspatial.interfaces import Progress
from avspatial.progress import on_stderr
from avspatial.report.wording import decimals_of_column, heading, number

DATA, TABLE = "leaderboard.json", "leaderboard.md"
_BUILD = "Build it again: avspatial leaderboard build"


def build(folder: Path, choices: Choices, *, jobs: int | None = None, progress: Progress = on_stderr) -> Board:
    """Measure the systems in `folder` and write both files, each whole or not at all. Errors as `measure`."""
    board = measure(folder, choices, jobs=jobs, progress=progress)
    write_text(folder / DATA, json.dumps(board, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_text(folder / TABLE, markdown(board))
    return board


def read(folder: Path) -> Board:
    """The data of a folder's leaderboard; DataError where there is none, or one that is damaged."""
    path = folder / DATA
    if not path.is_file():
        raise DataError(f"holds no {DATA}", where=folder, fix=f"{_BUILD} {folder}")
    try:
        board = json.loads(path.read_text(encoding="utf-8"))
        if board["schema"] != 1:
            raise DataError(f"has schema {board['schema']}, not 1", where=path, fix=f"{_BUILD} {folder}")
        markdown(board)
        list(differences(board, board))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"is damaged ({type(error).__name__}: {error})"
        raise DataError(what, where=path, fix=f"{_BUILD} {folder}") from error
    return dict(board)


def verify(
    folder: Path, *, reference: Path | None = None, jobs: int | None = None, progress: Progress = on_stderr
) -> tuple[Board, list[Difference]]:
    """Measure everything again, as the table says it was -> the table's data, and every difference, the first first.

    reference: where the references are now, if not where the table says. Errors as `read` and `measure`.
    """
    board = read(folder)
    if reference is None and board["reference"] is not None:
        reference = folder / board["reference"]
    names = list(dict.fromkeys(_component(board, metric) for metric in board["metrics"]))
    now = measure(folder, Choices(board["convention"], names, reference), jobs=jobs, progress=progress)
    found = list(differences(board, now))
    shown = folder / TABLE
    if not found and (not shown.is_file() or shown.read_text(encoding="utf-8") != markdown(board)):
        found.append(Difference(TABLE, "text", "that of leaderboard.json", "another" if shown.is_file() else None))
    return board, found


def _component(board: Board, metric: str) -> str:
    return str(board["versions"].get(metric, metric)).partition("@")[0]


def markdown(board: Board) -> str:
    """The table as text: best first by its first metric, means with 95 % intervals, and what they rest on."""
    metrics = list(board["metrics"])
    heads = ["system", *(heading(metric, board["metrics"][metric]) for metric in metrics), "failed", "sha256"]
    rows = [_line(board, row) for row in _ordered(board)]
    rules = [":--", *["--:"] * len(metrics), "--:", ":--"]
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (heads, rules, *rows)]
    versions = ", ".join(f"{name} {version}" for name, version in board["versions"].items() if name not in metrics)
    measured = ", ".join(str(board["versions"].get(metric, metric)) for metric in metrics)
    return (
        f"# Leaderboard\n\n{board['clips']} clips, convention `{board['convention']}`; mean and 95 % interval over "
        f"clips.\n\n" + "\n".join(lines) + f"\n\nReferences: `{board['references']['sha256'][:12]}`. Metrics: "
        f"{measured}. Measured with {versions}.\n\nOverlapping intervals do not mean that two systems are alike, nor "
        "apart ones how sure that is: `avspatial compare` tests the differences on the same clips. `avspatial "
        "leaderboard verify` measures this table again from its files.\n"
    )


def _line(board: Board, row: dict[str, Any]) -> list[str]:
    cells = []
    for metric in board["metrics"]:
        means = (each["metrics"].get(metric, {}).get("mean") for each in board["systems"])
        cells.append(_cell(row, metric, decimals_of_column(means)))
    return [row["name"], *cells, f"{row['failed']} of {row['clips']}", f"`{row['sha256'][:12]}`"]


def _cell(row: dict[str, Any], metric: str, decimals: int) -> str:
    entry = row["metrics"].get(metric)
    if entry is None or entry["mean"] is None:
        return "–"
    low, high = entry["ci95"]
    interval = "" if low is None else f" ({number(low, decimals)} to {number(high, decimals)})"
    return number(entry["mean"], decimals) + interval


def _ordered(board: Board) -> list[dict[str, Any]]:
    """Best first by the first metric with a direction; systems without a mean last; equals by name."""
    facts = board["metrics"]
    first = next((metric for metric in facts if facts[metric]["higher_is_better"] is not None), None)
    if first is None:
        return list(board["systems"])
    sign = -1 if facts[first]["higher_is_better"] else 1

    def place(row: dict[str, Any]) -> tuple[float, str]:
        mean = row["metrics"].get(first, {}).get("mean")
        return (math.inf if mean is None else sign * mean, row["name"])

    return sorted(board["systems"], key=place)
