"""Paths as people write them, and what is below a folder: each real folder once, nothing hidden.

What is left out is noted on stderr. A link to a folder is followed unless its folder is read already, under its own
name or through another link, or contains the folder that is read. Hidden are names that begin with a dot:
`.snapshot`, `.Trash-0`, `._film.mp4`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from avspatial.errors import AvspatialError, DataError, reason
from avspatial.text import listed, readable

__all__ = ["as_path", "files_below", "folders_in", "note_once", "once", "refuse_undecodable"]

_HIDDEN, _READ_ALREADY, _AROUND = "hidden", "read already under another name", "it contains the folder itself"


def as_path(path: str | Path) -> Path:
    """Return a path as a person writes it, `~` being the home folder; AvspatialError for a `~NAME` that has none."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise AvspatialError("there is no such home folder", where=path, fix="Write the folder out.") from error


def refuse_undecodable(path: Path) -> None:
    """Raise DataError for a path that is not in UTF-8: JSON and safetensors take none."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise DataError("a name that is not in UTF-8", where=readable(str(path)), fix="Rename it.") from error


def files_below(folder: Path, wanted: Callable[[Path], bool], depth: int | None = None) -> list[Path]:
    """List the files below a folder, sorted.

    Args:
        folder: An existing folder.
        wanted: Whether a path that is no folder belongs to them.
        depth: How many levels of folders to enter [default: all].

    Returns:
        Their paths, which begin with `folder`.

    Raises:
        DataError: A folder that cannot be listed.
    """
    files: list[Path] = []
    left_out: list[tuple[Path, str]] = []
    for _, paths in _each_folder(folder, depth, left_out):
        for path in filter(wanted, paths):
            if path.name.startswith("."):
                left_out.append((path, _HIDDEN))
            else:
                files.append(path)
    _note(folder, left_out)
    return sorted(files)


def folders_in(folder: Path) -> list[Path]:
    """List the folders in a folder, one level deep, sorted. Raises DataError for one that cannot be listed."""
    left_out: list[tuple[Path, str]] = []
    _, *folders = (here for here, _ in _each_folder(folder, 1, left_out))
    _note(folder, left_out)
    return sorted(folders)


def once(paths: Iterable[Path]) -> list[Path]:
    """Sort paths, without those that lead through a link into the folder of another one."""
    by_place: dict[Path, list[Path]] = {}
    for path in sorted(paths):
        by_place.setdefault(path.parent.resolve() / path.name, []).append(path)
    kept = []
    for place, same in by_place.items():
        kept.append(next((path for path in same if path.absolute() == place), same[0]))
        _note(kept[-1].parent, [(path, _READ_ALREADY) for path in same if path != kept[-1]])
    return sorted(kept)


def _each_folder(
    root: Path, depth: int | None, left_out: list[tuple[Path, str]]
) -> Iterator[tuple[Path, Sequence[Path]]]:
    """Each folder, and what is in it that is no folder. Links wait until all real folders are read."""
    around, read = set(root.resolve().parents), set[Path]()
    folders, links = deque([root]), deque[Path]()
    while folders or links:
        here = folders.popleft() if folders else links.popleft()
        real = here.resolve()
        if real in around or real in read:
            left_out.append((here, _AROUND if real in around else _READ_ALREADY))
            continue
        read.add(real)
        inside, others = _contents(here)
        if depth is None or len(here.relative_to(root).parts) < depth:
            left_out += [(path, _HIDDEN) for path in inside if path.name.startswith(".")]
            shown = [path for path in inside if not path.name.startswith(".")]
            links.extend(path for path in shown if path.is_symlink())
            folders.extend(path for path in shown if not path.is_symlink())
        yield here, others


def _contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """The folders in a folder, and everything else in it, sorted."""
    try:
        with os.scandir(folder) as entries:
            # A link in a circle is no folder to pathlib, and an error to scandir.
            kinds = {e.name: (folder / e.name).is_dir() if e.is_symlink() else e.is_dir() for e in entries}
    except OSError as error:
        fix = "Give yourself the right to read it."
        raise DataError(f"cannot be listed: {reason(error)}", where=folder, fix=fix) from error
    names = sorted(kinds)
    return [folder / name for name in names if kinds[name]], [folder / name for name in names if not kinds[name]]


def _note(folder: Path, left_out: Sequence[tuple[Path, str]]) -> None:
    if left_out:
        names = [f"{os.path.relpath(path, folder)} ({why})" for path, why in left_out]
        note_once(f"note: {folder}: left out: {listed(names)}")


@functools.cache
def note_once(note: str) -> None:
    """Print a note on stderr, the first time: a command may read a folder, or list its clips, more than once."""
    print(note, file=sys.stderr)
