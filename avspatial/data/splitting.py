"""Splitting recordings into train, val and test: by a digest of their names, or as a csv says."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath

from avspatial.data.layout import PARTS
from avspatial.errors import DataError, did_you_mean
from avspatial.media.csv_rows import number, read_table

__all__ = ["Section", "one_recording", "read_sections", "refuse_two_splits", "split_by_digest", "splits_by_digest"]

_REQUIRED, _OPTIONAL = ("file", "split"), ("start", "end", "recording")


def split_by_digest(recordings: Iterable[str], shares: Sequence[float]) -> dict[str, list[str]]:
    """Split recordings by a digest of their names, so that every machine splits alike.

    The recordings are put in the order of their digests; the first are val, then come test and train. A recording that
    is added therefore moves three others at most, those next to a border, and no share drifts.

    Args:
        recordings: Names; one that occurs several times counts once.
        shares: Shares of train, val and test; val and test get at least one recording each.

    Returns:
        The recordings of each split, sorted; train has none if there are too few.
    """
    drawn = sorted(set(recordings), key=lambda name: hashlib.sha256(name.encode(errors="surrogateescape")).digest())
    val, test = (max(1, round(share * len(drawn))) for share in shares[1:])
    parts = drawn[val + test :], drawn[:val], drawn[val : val + test]
    return {name: sorted(part) for name, part in zip(PARTS, parts, strict=True)}


def splits_by_digest(recordings: Iterable[str], shares: Sequence[float]) -> dict[str, str]:
    """The split of each recording by `split_by_digest`."""
    drawn = split_by_digest(recordings, shares)
    return {recording: split for split, members in drawn.items() for recording in members}


@dataclass(frozen=True)
class Section:
    """A part of a file, or all of it, that belongs to one split.

    Attributes:
        file: Path below the data root, with `/`.
        split: "train", "val" or "test"; empty as long as it is not decided.
        start: Where it begins, seconds.
        end: Where it ends, seconds; None: with the file.
        recording: The recording it belongs to.
        where: `csv:line` that lists it, for messages.
    """

    file: str
    split: str
    start: float
    end: float | None
    recording: str
    where: str = ""

    @property
    def span(self) -> tuple[float, float | None]:
        """Start and end."""
        return self.start, self.end

    def named(self, name: str) -> str:
        """What to call it, `name` being its file: by its beginning, unless it is all of the file."""
        return name if self.span == (0.0, None) else f"{name} from {self.start:g} s"


def read_sections(path: Path, root: Path) -> list[Section]:
    """Read which parts of which files belong to which split.

    Args:
        path: A csv with the columns `file` and `split`, and, if wanted, `start`, `end` (seconds) and `recording`. An
            empty start is the file's beginning, an empty end its end, an empty recording the file's path without its
            suffix. Other columns are ignored.
        root: The folder below which the files are.

    Returns:
        The sections, in the order of the csv.

    Raises:
        DataError: A csv that cannot be read or lists nothing; a cell that is not valid, with its line and column; a
            file that is not there; sections of a file that overlap; a file or a recording in two splits.
    """
    table = read_table(path, _REQUIRED, _OPTIONAL, "Give a text file in UTF-8 with the columns file and split.")
    for column in {column for _, row in table for column in row} - {*_REQUIRED, *_OPTIONAL}:
        if meant := did_you_mean(column, _OPTIONAL):
            raise DataError(f"has a column {column!r}{meant}", where=path, fix="Rename or remove it.")
    sections = [_section(where, row, root) for where, row in table]
    if not sections:
        raise DataError("lists no file", where=path, fix="Write one file a line, below the line of columns.")
    refuse_two_splits((f"file {section.file}", section.split, section.where) for section in sections)
    refuse_two_splits((f"recording {section.recording}", section.split, section.where) for section in sections)
    _refuse_overlaps(sections)
    return sections


def refuse_two_splits(members: Iterable[tuple[str, str, object]]) -> None:
    """Refuse what is in two splits.

    Args:
        members: (what it is, its split, where that is stated) of each entry.

    Raises:
        DataError: The same name in two splits.
    """
    first: dict[str, tuple[str, object]] = {}
    for name, split, where in members:
        before, place = first.setdefault(name, (split, where))
        if before != split:
            raise DataError(
                f"column split: {name} is in {split} here, but in {before} in {place}",
                where=where,
                fix="Scores on what was trained with mean nothing: put everything of a recording into one split.",
            )


def one_recording(members: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Join recordings that share content: the same file under two names.

    Args:
        members: (recording, digests of its files) of each file.

    Returns:
        The name of each recording: the first, in sorted order, of those that it is joined with.

    Example:
        >>> one_recording([("b", ["1"]), ("c", ["2"]), ("a", ["1", "3"])])
        {'b': 'a', 'c': 'c', 'a': 'a'}
    """
    joined: dict[str, str] = {}
    owner: dict[str, str] = {}

    def first(name: str) -> str:
        while joined[name] != name:
            name = joined[name]
        return name

    for recording, digests in members:
        joined.setdefault(recording, recording)
        for digest in digests:
            name, other = sorted((first(owner.setdefault(digest, recording)), first(recording)))
            joined[other] = name
    return {recording: first(recording) for recording in joined}


def _section(where: str, cells: Mapping[str, str], root: Path) -> Section:
    file = _file(where, cells["file"], root)
    if cells["split"] not in PARTS:
        what = f"column split: {cells['split']!r} is no split{did_you_mean(cells['split'], PARTS)}"
        raise DataError(what, where=where, fix=f"Write {', '.join(PARTS[:-1])} or {PARTS[-1]}.")
    start = _seconds(where, "start", cells) or 0.0
    end = _seconds(where, "end", cells)
    if end is not None and end <= start:
        what = f"column end: {end:g} s is not after the start, {start:g} s"
        raise DataError(what, where=where, fix="Write both in seconds from the beginning of the file.")
    recording = cells["recording"] or PurePosixPath(file).with_suffix("").as_posix()
    return Section(file, cells["split"], start, end, recording, where)


def _file(where: str, cell: str, root: Path) -> str:
    file = PurePosixPath(cell.replace("\\", "/"))
    if file.is_absolute() or ".." in file.parts:
        what = f"column file: {cell!r} is not a path below the data root"
        raise DataError(what, where=where, fix=f"Write it as it is below {root}.")
    try:
        there = (root / file).exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        there = False
    if not there:
        fix = f"Copy it there, correct its name, or remove the line: it is searched for below {root}."
        raise DataError(f"column file: there is no {cell}", where=where, fix=fix)
    return file.as_posix()


def _seconds(where: str, column: str, cells: Mapping[str, str]) -> float | None:
    if not cells[column]:
        return None
    value = number(cells[column])
    if not 0 <= value < math.inf:
        what = f"column {column}: {cells[column]!r} is no number of seconds"
        raise DataError(what, where=where, fix="Write seconds from the beginning of the file, such as 12.5.")
    return value


def _refuse_overlaps(sections: Sequence[Section]) -> None:
    ordered = sorted(sections, key=lambda section: (section.file, section.start))
    for before, section in pairwise(ordered):
        if before.file == section.file and (before.end is None or section.start < before.end):
            what = f"column start: this part of {section.file} begins before the one in {before.where} ends"
            raise DataError(what, where=section.where, fix="List every part of a file once.")
