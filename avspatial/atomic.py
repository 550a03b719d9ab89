"""Nothing half-written: a file or folder appears complete under its name, or not at all.

Until it is complete it lies beside its place as `.STEM.WHERE-PROCESS-RANDOM.part.SUFFIX`: WHERE is eight digits that
stand for this machine (and container), PROCESS is the id of the process that writes.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import glob
import hashlib
import os
import re
import shutil
import socket
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avspatial.errors import AvspatialError


def _temporary_path(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{_here()}-{os.getpid()}-{uuid.uuid4().hex[:8]}.part{path.suffix}")


@functools.cache
def _here() -> str:
    """Eight hexadecimal digits for the processes among which an id means one: those of this machine and container."""
    facts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        facts.append(Path("/etc/machine-id").read_text(encoding="ascii", errors="replace"))
    with contextlib.suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def remove_stale(path: Path) -> None:
    """Remove what processes that were killed while they wrote the file `path` left beside it.

    Only what surely nobody writes any more: the process in its name was one of this machine, and lives no longer. What
    cannot be removed stays.
    """
    known = re.compile(rf"{re.escape(f'.{path.stem}.')}(\w+)-(\d+)-\w+{re.escape(f'.part{path.suffix}')}")
    for other in path.parent.glob(f".{glob.escape(path.stem)}.*.part{glob.escape(path.suffix)}"):
        named = known.fullmatch(other.name)
        if named is not None and named[1] == _here() and not _lives(int(named[2])):
            with contextlib.suppress(OSError):
                other.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # somebody else's, or no process id at all
        return True
    return True


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _new_file_mode(path: Path) -> int:
    """The permissions that this process gives a new file, learned by making `path` and removing it again."""
    path.touch(exist_ok=False)
    mode = path.stat().st_mode
    path.unlink()
    return stat.S_IMODE(mode)


def _finish_file(path: Path, mode: int) -> None:
    """To the disk, with the permissions of any new file: safetensors would leave one that only its owner may read."""
    with path.open("rb+") as handle:
        if stat.S_IMODE(os.fstat(handle.fileno()).st_mode) != mode:
            os.fchmod(handle.fileno(), mode)
        os.fsync(handle.fileno())


def _finish_files(folder: Path) -> None:
    """Everything in `folder` to the disk: a rename may outlive a power cut that the files' contents do not."""
    mode = _new_file_mode(_temporary_path(folder / "mode"))
    for path in folder.rglob("*"):
        if path.is_file():
            _finish_file(path, mode)
        else:
            _sync_folder(path)
    _sync_folder(folder)


def _make_folder(path: Path) -> None:
    """NotADirectoryError, not FileExistsError, where a file has the name."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from error


def refuse_existing(path: Path, force: bool = False, *, fix: str = "Give another name with -o, or --force.") -> None:
    """Raise AvspatialError if `path` exists, unless `force`."""
    if path.exists() and not force:
        raise AvspatialError("already exists", where=path, fix=fix)


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to (same suffix); renamed onto `path` if the block ends well, else removed.

    OSError from the file system (disk full, no permission) passes through with the partial file removed.
    """
    _make_folder(path.parent)
    temporary_path = _temporary_path(path)
    mode = _new_file_mode(temporary_path)
    try:
        yield temporary_path
        _finish_file(temporary_path, mode)
        temporary_path.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary_path.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`; renamed to `path` (not there yet) if the block ends well, else removed."""
    _make_folder(path.parent)
    temporary_path = _temporary_path(path)
    temporary_path.mkdir()
    try:
        yield temporary_path
        _finish_files(temporary_path)
        temporary_path.rename(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary_path, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file."""
    with atomic_write(path) as temporary_path:
        temporary_path.write_text(text, encoding="utf-8")
