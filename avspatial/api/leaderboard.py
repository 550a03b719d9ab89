"""A table that rests on saved sound alone: measured from the files, and measured again by anyone who doubts it.

A leaderboard is a folder with one folder a system, each in any layout that `evaluate` reads. What is measured becomes
plain data (`leaderboard.json`): means, every clip's scores, the SHA-256 of every file, convention and versions. A
system's own digest is that of its list of files and their digests, so it changes with any byte of any of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.api.evaluate import METRICS, Evaluation, evaluate
from avspatial.atomic import write_text
from avspatial.errors import DataError, MediaError
from avspatial.evaluation.scoring.file_pairs import FilePair, find_pairs
from avspatial.evaluation.scoring.score_store import SCORES
from avspatial.interfaces import Progress
from avspatial.media.audio import read_audio
from avspatial.progress import show_on_stderr, silent
from avspatial.report.parts.numbers import decimals_of_column, metric_heading, number
from avspatial.text import listed, markdown_table

SCHEMA = 1
TOLERANCE = 1e-9
"""Numbers that agree to this share are the same: what another processor's rounding may change."""
_LAYOUT = "Put one folder a system into it, each with <clip>/predicted_binaural.wav and input_binaural.wav."

Board = dict[str, Any]


@dataclass(frozen=True)
class Choices:
    """How a leaderboard is measured: convention, names of metrics, folder of references (None: beside the outputs)."""

    convention: str = "fairplay"
    metrics: Sequence[str] = METRICS
    reference: Path | None = None


def measure(folder: Path, choices: Choices, *, jobs: int | None = None, progress: Progress = silent) -> Board:
    """Score every system in `folder` by the files alone -> what `leaderboard.json` holds.

    DataError where there is no system, where systems have other clips or other references, and as `find_pairs`.
    A clip that cannot be scored counts as failed.
    """
    pairs = {name: find_pairs(folder / name, choices.reference) for name in _names(folder, choices.reference)}
    _refuse_other_clips(folder, pairs)
    references = _references(folder, pairs)
    rows = []
    for name, found in pairs.items():
        scores, evaluation = _scored(folder / name, choices, jobs, _of(progress, name))
        rows.append(_row(folder, name, found, scores, evaluation))
    entries = evaluation.summary["metrics"]
    return {
        "schema": SCHEMA,
        "convention": choices.convention,
        "versions": dict(evaluation.summary["versions"]),
        "reference": None if choices.reference is None else _relative(choices.reference, folder),
        "metrics": {m: {key: entries[m][key] for key in ("unit", "higher_is_better")} for m in entries},
        "clips": len(references),
        "references": {"sha256": _digest(references), "sounds": references},
        "systems": rows,
    }


def _names(folder: Path, reference: Path | None) -> list[str]:
    """The folders in it, without hidden ones and the references."""
    if not folder.is_dir():
        raise DataError("no such folder", where=folder, fix=_LAYOUT)
    here = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    names = sorted(path.name for path in here if reference is None or path.resolve() != reference.resolve())
    if not names:
        raise DataError("holds no system", where=folder, fix=_LAYOUT)
    return names


def _refuse_other_clips(folder: Path, pairs: Mapping[str, Sequence[FilePair]]) -> None:
    everywhere = {pair.clip for found in pairs.values() for pair in found}
    lacking = {name: sorted(everywhere - {pair.clip for pair in found}) for name, found in pairs.items()}
    told = [f"{name} lacks {listed(clips)}" for name, clips in lacking.items() if clips]
    if told:
        what = f"the systems do not have the same clips: {'; '.join(told)}"
        raise DataError(what, where=folder, fix="Give every system all clips, or leave the others' out: a mean over "
                        "fewer clips is another number.")  # fmt: skip


def _references(folder: Path, pairs: Mapping[str, Sequence[FilePair]]) -> dict[str, str | None]:
    """{clip: SHA-256 of the reference's decoded sound, None where there is none}; DataError where systems differ."""
    first, *others = pairs
    known = {pair.clip: _sound_digest(pair.reference) for pair in pairs[first]}
    for name in others:
        found = {pair.clip: pair.reference for pair in pairs[name]}
        same = {pair.clip for pair in pairs[first] if found[pair.clip] == pair.reference}
        differing = [clip for clip in known if clip not in same and _sound_digest(found[clip]) != known[clip]]
        if differing:
            what = f"the references of {listed(differing)} are other sounds in {name} than in {first}"
            fix = "Give all systems the same references, or one folder of them with `--reference DIR`."
            raise DataError(what, where=folder, fix=fix)
    return known


def _sound_digest(path: Path) -> str | None:
    try:
        sound, rate = read_audio(path)
    except MediaError:
        return None
    return hashlib.sha256(f"{rate} {sound.shape} ".encode() + sound.astype("<f4").tobytes()).hexdigest()


def _of(progress: Progress, name: str) -> Progress:
    return lambda items, title: progress(items, f"{title} of {name}")


def _scored(
    outputs: Path, choices: Choices, jobs: int | None, progress: Progress
) -> tuple[dict[str, dict[str, Any]], Evaluation]:
    """{clip: {metric: value, or None where it failed}} and the evaluation."""
    with tempfile.TemporaryDirectory() as kept:
        done = evaluate(
            outputs,
            reference=choices.reference,
            convention=choices.convention,
            metrics=tuple(choices.metrics),
            jobs=jobs,
            save=kept,
            progress=progress,
        )
        scores: dict[str, dict[str, Any]] = {}
        for text in (Path(kept) / SCORES).read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            scores.setdefault(line["clip"], {})[line["metric"]] = line.get("value")
    return scores, done


def _row(
    folder: Path, name: str, pairs: Sequence[FilePair], scores: Mapping[str, Any], evaluation: Evaluation
) -> dict[str, Any]:
    files = {_relative(pair.prediction, folder): _file_digest(pair.prediction) for pair in pairs}
    told = ("mean", "sd", "ci95", "n", "failed")
    return {
        "name": name,
        "sha256": _digest(files),
        "clips": evaluation.summary["clips"],
        "failed": evaluation.summary["failed"],
        "metrics": {m: {key: entry[key] for key in told} for m, entry in evaluation.summary["metrics"].items()},
        "scores": {pair.clip: scores.get(pair.clip, {}) for pair in pairs},
        "files": files,
        "file_of": {pair.clip: _relative(pair.prediction, folder) for pair in pairs},
        "failures": dict(evaluation.failures),
    }


def _relative(path: Path, folder: Path) -> str:
    """From the folder, with slashes, so that the folder may be moved and sent."""
    return Path(os.path.relpath(path, folder)).as_posix()


def _file_digest(path: Path) -> str | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(files: Mapping[str, str | None]) -> str:
    """Of the sorted list of names and digests, a line each."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Difference:
    """Where a table and its files first part: what (a file, or a system), which number or digest, old and new."""

    where: str
    what: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {_told(self.old)} in the table, {_told(self.new)} now"


def _told(value: Any) -> str:
    if value is None:
        return "none"
    return repr(value) if isinstance(value, float) else str(value)


def differences(old: Board, new: Board) -> Iterator[Difference]:
    """Everything in which a board differs from what is measured now, in the order of systems and clips: for each clip
    its numbers, then its file. Versions are not compared, only what they made."""
    for key in ("convention", "clips", "metrics"):
        if old[key] != new[key]:
            yield Difference("leaderboard.json", key, old[key], new[key])
    yield from _digests("reference of clip ", old["references"]["sounds"], new["references"]["sounds"])
    before, after = ({row["name"]: row for row in board["systems"]} for board in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name not in before or name not in after:
            yield Difference(name, "system", *(("there" if name in rows else None) for rows in (before, after)))
        else:
            yield from _row_differences(before[name], after[name])


def _row_differences(old: Board, new: Board) -> Iterator[Difference]:
    for clip in dict.fromkeys([*old["scores"], *new["scores"]]):
        yield from _numbers(new["file_of"].get(clip, clip), old["scores"].get(clip, {}), new["scores"].get(clip, {}))
    yield from _digests("", old["files"], new["files"])
    for metric in dict.fromkeys([*old["metrics"], *new["metrics"]]):
        mine, theirs = (_flat(metric, row["metrics"].get(metric, {})) for row in (old, new))
        yield from _numbers(old["name"], mine, theirs)
    yield from _numbers(old["name"], *({key: row[key] for key in ("clips", "failed", "sha256")} for row in (old, new)))


def _flat(metric: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    low, high = entry.get("ci95") or (None, None)
    flat = {key: item for key, item in entry.items() if key != "ci95"} | {"lower bound": low, "upper bound": high}
    return {f"{key} of {metric}": item for key, item in flat.items()}


def _numbers(where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*old, *new]):
        if not _same(old.get(name), new.get(name)):
            yield Difference(where, name, old.get(name), new.get(name))


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, (float, int)):
        return math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=1e-300)
    return bool(old == new)


def _digests(head: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield Difference(f"{head}{name}", "sha256", old.get(name), new.get(name))


DATA, TABLE = "leaderboard.json", "leaderboard.md"
_BUILD = "Build it again: avspatial leaderboard build"


def build(folder: Path, choices: Choices, *, jobs: int | None = None, progress: Progress = show_on_stderr) -> Board:
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
    folder: Path, *, reference: Path | None = None, jobs: int | None = None, progress: Progress = show_on_stderr
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
    heads = ["system", *(metric_heading(metric, board["metrics"][metric]) for metric in metrics), "failed", "sha256"]
    rows = [_line(board, row) for row in _ordered(board)]
    table = markdown_table([heads, *rows], [":--", *["--:"] * len(metrics), "--:", ":--"])
    versions = ", ".join(f"{name} {version}" for name, version in board["versions"].items() if name not in metrics)
    measured = ", ".join(str(board["versions"].get(metric, metric)) for metric in metrics)
    return (
        f"# Leaderboard\n\n{board['clips']} clips, convention `{board['convention']}`; mean and 95 % interval over "
        f"clips.\n\n{table}\n\nReferences: `{board['references']['sha256'][:12]}`. Metrics: "
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
