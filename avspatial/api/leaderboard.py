"""Leaderboards: tables measured from saved audio alone, which anyone can verify by measuring again.

A leaderboard is a folder with one folder per system, each in any layout that `evaluate` reads. What is measured becomes
plain data (`leaderboard.json`): means, every clip's scores, the SHA-256 of every file, convention and versions. A
system's own digest is that of its list of files and their digests, so it changes with any byte of any of them.
"""

from __future__ import annotations

import functools
import hashlib
import math
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avspatial.api.evaluate import METRICS, evaluate
from avspatial.atomic import write_text
from avspatial.errors import DataError, MediaError
from avspatial.evaluation.scoring.controls import MODEL
from avspatial.evaluation.scoring.file_pairs import FilePair, find_pairs
from avspatial.evaluation.scoring.score_schema import (
    SCORES,
    Leaderboard,
    LeaderboardSystem,
    Mean,
    References,
    Score,
    Summary,
    read_leaderboard,
    read_scores,
    write_document,
)
from avspatial.folders import as_path, folders_in
from avspatial.interfaces import Progress
from avspatial.media.audio import read_audio
from avspatial.progress import show_on_stderr, silent
from avspatial.report.parts.numbers import decimals_of_column, metric_heading, number
from avspatial.text import counted, listed, markdown_table, split_names

TOLERANCE = 1e-9
"""Numbers that agree to this share are the same: what another processor's rounding may change."""
_LAYOUT = "Put one folder per system into it, each with <clip>/predicted_binaural.wav and input_binaural.wav."


@dataclass(frozen=True)
class Choices:
    """How a leaderboard is measured: convention, names of metrics, folder of references (None: next to the outputs)."""

    convention: str = "fairplay"
    metrics: Sequence[str] = METRICS
    reference: str | Path | None = None

    @property
    def reference_folder(self) -> Path | None:
        """`reference` as a path, `~` being the home folder."""
        return None if self.reference is None else as_path(self.reference)


def measure(
    folder: str | Path, choices: Choices, *, jobs: int | None = None, progress: Progress = silent
) -> Leaderboard:
    """Score every system in `folder` by the files alone -> what `leaderboard.json` holds.

    DataError where there is no system, where systems have other clips or other references, and as `find_pairs`.
    A clip that cannot be scored counts as failed.
    """
    folder, reference = as_path(folder), choices.reference_folder
    pairs = {name: find_pairs(folder / name, reference) for name in _names(folder, reference)}
    _refuse_other_clips(folder, pairs)
    references = _references(folder, pairs)
    systems = []
    for name, own in pairs.items():
        scores, summary = _scored(folder / name, choices, jobs, _of(progress, name))
        systems.append(_system(folder, name, own, scores, summary))
    return Leaderboard(
        convention=choices.convention,
        versions=summary.versions,
        reference=None if reference is None else _relative(reference, folder),
        clips=len(references),
        metrics=summary.metrics,
        interval=summary.interval,
        references=References(sha256=_digest(references), audio=references),
        systems=tuple(systems),
    )


def _names(folder: Path, reference: Path | None) -> list[str]:
    """The folders in it, without hidden ones and the references."""
    if not folder.is_dir():
        raise DataError("no such folder", where=folder, fix=_LAYOUT)
    names = [path.name for path in folders_in(folder) if reference is None or path.resolve() != reference.resolve()]
    if not names:
        raise DataError("holds no system", where=folder, fix=_LAYOUT)
    return names


def _refuse_other_clips(folder: Path, pairs: Mapping[str, Sequence[FilePair]]) -> None:
    everywhere = {pair.clip for own in pairs.values() for pair in own}
    lacking = {name: sorted(everywhere - {pair.clip for pair in own}) for name, own in pairs.items()}
    lacks = [f"{name} lacks {listed(clips)}" for name, clips in lacking.items() if clips]
    if lacks:
        what = f"the systems do not have the same clips: {'; '.join(lacks)}"
        raise DataError(what, where=folder, fix="Give every system all clips, or leave the others' out: a mean over "
                        "fewer clips is another number.")  # fmt: skip


def _references(folder: Path, pairs: Mapping[str, Sequence[FilePair]]) -> dict[str, str | None]:
    """{clip: SHA-256 of the reference's decoded audio, None where there is none}; DataError where systems differ."""
    digest = functools.cache(_audio_digest)
    digests = {name: {pair.clip: digest(pair.reference) for pair in own} for name, own in pairs.items()}
    (first, expected), *others = digests.items()
    for name, own in others:
        differing = [clip for clip in expected if own[clip] != expected[clip]]
        if differing:
            what = f"the references of {listed(differing)} are other audio in {name} than in {first}"
            fix = "Give all systems the same references, or one folder of them with `--reference DIR`."
            raise DataError(what, where=folder, fix=fix)
    return expected


def _audio_digest(path: Path) -> str | None:
    try:
        audio, rate = read_audio(path)
    except MediaError:
        return None
    return hashlib.sha256(f"{rate} {audio.shape} ".encode() + audio.astype("<f4").tobytes()).hexdigest()


def _of(progress: Progress, name: str) -> Progress:
    return lambda items, title: progress(items, f"{title} of {name}")


def _scored(outputs: Path, choices: Choices, jobs: int | None, progress: Progress) -> tuple[tuple[Score, ...], Summary]:
    with tempfile.TemporaryDirectory() as folder:
        evaluation = evaluate(
            outputs,
            reference=choices.reference_folder,
            convention=choices.convention,
            metrics=split_names(choices.metrics),
            jobs=jobs,
            save=folder,
            progress=progress,
        )
        return tuple(read_scores(Path(folder) / SCORES)), evaluation.summary


def _system(
    folder: Path, name: str, pairs: Sequence[FilePair], scores: tuple[Score, ...], summary: Summary
) -> LeaderboardSystem:
    files = {_relative(pair.prediction, folder): _file_digest(pair.prediction) for pair in pairs}
    return LeaderboardSystem(
        name=name,
        sha256=_digest(files),
        clips=summary.clips,
        failed=summary.failed,
        conditions=summary.conditions,
        scores=scores,
        files=files,
        file_of={pair.clip: _relative(pair.prediction, folder) for pair in pairs},
    )


def failures(system: LeaderboardSystem) -> dict[str, str]:
    """{clip: its first error} of the clips that failed."""
    errors = ((score.clip, score.error) for score in reversed(system.scores) if score.error is not None)
    return dict(reversed(list(dict(errors).items())))


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
    """The first difference between a table and its files: where, which number or digest, the old and the new one."""

    where: str
    what: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.where}: {self.what}: {_shown(self.old)} in the table, {_shown(self.new)} now"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return repr(value) if isinstance(value, float) else str(value)


def differences(old: Leaderboard, new: Leaderboard) -> Iterator[Difference]:
    """List the differences between a board and new measurements, in the order of systems and clips.

    For each system its clips' numbers come first, then its files. Versions are not compared.
    """
    files = {system.name: system.file_of for system in new.systems}
    files = {system.name: files[system.name] for system in old.systems if system.name in files}
    before, after = _facts(old, files), _facts(new, files)
    for where, what in dict.fromkeys([*before, *after]):
        then, now = before.get((where, what)), after.get((where, what))
        if not _same(then, now):
            yield Difference(where, what, then, now)


def _facts(board: Leaderboard, files: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], Any]:
    """{(where, what): number or digest}; of the systems that `files` does not name, only that they are there."""
    directions = {name: (info.unit, info.higher_is_better) for name, info in board.metrics.items()}
    board_facts = {"convention": board.convention, "clips": board.clips, "metrics": directions}
    facts: dict[tuple[str, str], Any] = {("leaderboard.json", key): value for key, value in board_facts.items()}
    facts |= {(f"reference of clip {clip}", "sha256"): digest for clip, digest in board.references.audio.items()}
    for system in board.systems:
        facts[system.name, "system"] = "there"
        if system.name not in files:
            continue
        of = files[system.name]
        facts |= {(of.get(score.clip, score.clip), score.metric): score.value for score in system.scores}
        facts |= {(file, "sha256"): digest for file, digest in system.files.items()}
        for metric, mean in _means(system).items():
            low, high = mean.ci95 or (None, None)
            numbers = mean.model_dump(exclude={"ci95"}) | {"lower bound": low, "upper bound": high}
            facts |= {(system.name, f"{key} of {metric}"): value for key, value in numbers.items()}
        totals = {"clips": system.clips, "failed": system.failed, "sha256": system.sha256}
        facts |= {(system.name, key): value for key, value in totals.items()}
    return facts


def _means(system: LeaderboardSystem) -> dict[str, Mean]:
    return system.conditions.get(MODEL, {})


def _same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, (float, int)):
        return math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=1e-300)
    return bool(old == new)


DATA, TABLE = "leaderboard.json", "leaderboard.md"
_BUILD = "Build it again: avspatial leaderboard build"


def build(
    folder: str | Path, choices: Choices, *, jobs: int | None = None, progress: Progress = show_on_stderr
) -> Leaderboard:
    """Measure the systems in `folder` and write both files, each completely or not at all. Errors as `measure`."""
    folder = as_path(folder)
    board = measure(folder, choices, jobs=jobs, progress=progress)
    write_document(folder / DATA, board)
    write_text(folder / TABLE, markdown(board))
    return board


def read(folder: str | Path) -> Leaderboard:
    """Read a folder's leaderboard; DataError if there is none, RunError if it is damaged."""
    folder = as_path(folder)
    fix = f"{_BUILD} {folder}"
    if not (folder / DATA).is_file():
        raise DataError(f"holds no {DATA}", where=folder, fix=fix)
    return read_leaderboard(folder / DATA, fix=fix)


def verify(
    folder: str | Path,
    *,
    reference: str | Path | None = None,
    jobs: int | None = None,
    progress: Progress = show_on_stderr,
) -> tuple[Leaderboard, list[Difference]]:
    """Measure everything again, as the table says it was -> the table's data, and every difference, the first first.

    reference: where the references are now, if not where the table says. Errors as `read` and `measure`.
    """
    folder = as_path(folder)
    board = read(folder)
    if reference is None and board.reference is not None:
        reference = folder / board.reference
    names = list(dict.fromkeys(info.id or name for name, info in board.metrics.items()))
    now = measure(folder, Choices(board.convention, names, reference), jobs=jobs, progress=progress)
    changes = list(differences(board, now))
    shown = folder / TABLE
    if not changes and (not shown.is_file() or shown.read_text(encoding="utf-8") != markdown(board)):
        changes.append(Difference(TABLE, "text", "that of leaderboard.json", "another" if shown.is_file() else None))
    return board, changes


def markdown(board: Leaderboard) -> str:
    """The table as text: best first by its first metric, means with 95 % intervals, and what they rest on."""
    heads = ["system", *(metric_heading(name, info) for name, info in board.metrics.items()), "failed", "sha256"]
    rows = [_line(board, system) for system in _ordered(board)]
    table = markdown_table([heads, *rows], [":--", *["--:"] * len(board.metrics), "--:", ":--"])
    versions = ", ".join(f"{name} {version}" for name, version in board.versions.items())
    measured = ", ".join(f"{info.id}@{info.version}" if info.id else name for name, info in board.metrics.items())
    return (
        f"# Leaderboard\n\n{counted(board.clips, 'clip')}, convention `{board.convention}`; mean and 95 % interval "
        f"over clips.\n\n{table}\n\nReferences: `{board.references.sha256[:12]}`. Metrics: "
        f"{measured}. Measured with {versions}.\n\nOverlapping intervals do not mean that two systems are alike, nor "
        "apart ones how sure that is: `avspatial compare` tests the differences on the same clips. `avspatial "
        "leaderboard verify` measures this table again from its files.\n"
    )


def _line(board: Leaderboard, system: LeaderboardSystem) -> list[str]:
    cells = []
    for metric in board.metrics:
        column = [mean.mean for other in board.systems if (mean := _means(other).get(metric))]
        cells.append(_cell(_means(system).get(metric), decimals_of_column(column)))
    return [system.name, *cells, f"{system.failed} of {system.clips}", f"`{system.sha256[:12]}`"]


def _cell(mean: Mean | None, decimals: int) -> str:
    if mean is None or mean.mean is None:
        return "–"
    interval = " to ".join(number(bound, decimals) for bound in mean.ci95 or ())
    return number(mean.mean, decimals) + (f" ({interval})" if interval else "")


def _ordered(board: Leaderboard) -> list[LeaderboardSystem]:
    """Best first by the first metric with a direction; systems without a mean last; equals by name."""
    directions = ((name, info.higher_is_better) for name, info in board.metrics.items())
    first = next(((name, higher) for name, higher in directions if higher is not None), None)
    if first is None:
        return list(board.systems)
    metric, higher_is_better = first
    means = {system.name: mean.mean for system in board.systems if (mean := _means(system).get(metric))}

    def place(system: LeaderboardSystem) -> tuple[float, str]:
        mean = means.get(system.name)
        return (math.inf if mean is None else -mean if higher_is_better else mean), system.name

    return sorted(board.systems, key=place)
