"""Atomic writes: a file or folder appears complete under its name, or not at all.

Until it is complete it has a temporary name in the same folder, `.STEM.HOST-PID-RANDOM.part.SUFFIX`: HOST is eight
digits that stand for this machine (and container), PID is the id of the writing process.
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

__all__ = ["atomic_directory", "atomic_write", "refuse_existing", "remove_stale", "remove_unfinished", "write_text"]


_LONGEST_NAME = 255
"""Bytes of a file's name that every common file system takes."""
_ADDED_NAME = len("..12345678-1234567890-12345678.part")
"""Bytes that a temporary name adds at most."""


def _temporary_path(path: Path) -> Path:
    writer = f"{_host()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
    return path.with_name(f".{_temporary_stem(path)}.{writer}.part{path.suffix}")


def _temporary_stem(path: Path) -> str:
    """The stem, or as much of it as leaves room for the rest of a temporary name."""
    stem, room = os.fsencode(path.stem), _LONGEST_NAME - _ADDED_NAME - len(os.fsencode(path.suffix))
    return path.stem if len(stem) <= room else stem[: max(room, 0)].decode(errors="ignore")


@functools.cache
def _host() -> str:
    """Eight hexadecimal digits for this machine and container: a process id is unique only within them."""
    facts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        facts.append(Path("/etc/machine-id").read_text(encoding="ascii", errors="replace"))
    with contextlib.suppress(OSError):
        facts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:8]


def remove_stale(path: Path) -> None:
    """Remove temporary files that killed processes left behind while they wrote `path`.

    Removes only files whose writer (host and process id in the name) was on this machine and has exited. A file that
    cannot be removed stays.
    """
    for leftover, writer in _unfinished(path):
        process = re.fullmatch(rf"{_host()}-(\d+)-\w+", writer)
        if process is not None and not _is_running(int(process[1])):
            with contextlib.suppress(OSError):
                leftover.unlink()


def remove_unfinished(path: Path) -> None:
    """Remove what is not finished of the file or folder `path`; `path` may be `FOLDER/*` for all in a folder.

    Only for what no other process writes now, because this one holds a lock on it. What cannot be removed stays.
    """
    leftovers = path.parent.glob(".*.part*") if path.name == "*" else (leftover for leftover, _ in _unfinished(path))
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def _unfinished(path: Path) -> Iterator[tuple[Path, str]]:
    """The temporary files or folders of `path`, each with its writer and random part."""
    before, after = f".{_temporary_stem(path)}.", f".part{path.suffix}"
    for leftover in path.parent.glob(f"{glob.escape(before)}*{glob.escape(after)}"):
        writer = leftover.name[len(before) : -len(after)]
        if re.fullmatch(r"[\w-]+", writer):  # or else it is of another path, whose name only begins and ends like this
            yield leftover, writer


def _is_running(process: int) -> bool:
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
    """The permissions that this process gives a new file, found by creating `path` and removing it again."""
    path.touch(exist_ok=False)
    mode = path.stat().st_mode
    path.unlink()
    return stat.S_IMODE(mode)


def _finish_file(path: Path, mode: int) -> None:
    """Sync to disk, with the permissions of any new file: safetensors makes files that only their owner may read."""
    with path.open("rb+") as handle:
        if stat.S_IMODE(os.fstat(handle.fileno()).st_mode) != mode:
            os.fchmod(handle.fileno(), mode)
        os.fsync(handle.fileno())


def _finish_files(folder: Path) -> None:
    """Sync everything in `folder`: a rename may survive a power cut that the contents of the files do not."""
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
def _errors_about(path: Path, temporary_path: Path) -> Iterator[None]:
    """Let an OSError about the temporary path name the one that is meant."""
    try:
        yield
    except OSError as error:
        if error.filename == str(temporary_path):
            error.filename = str(path)
        raise


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path (same folder and suffix) that is renamed to `path` if the block succeeds, else removed.

    An OSError of the file system (disk full, no permission) passes through, with the partial file removed.
    """
    _make_folder(path.parent)
    temporary_path = _temporary_path(path)
    try:
        with _errors_about(path, temporary_path):
            mode = _new_file_mode(temporary_path)
        yield temporary_path
        _finish_file(temporary_path, mode)
        temporary_path.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary_path.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path) -> Iterator[Path]:
    """Yield a new temporary folder, renamed to `path` (which must not exist) if the block succeeds, else removed."""
    _make_folder(path.parent)
    temporary_path = _temporary_path(path)
    try:
        with _errors_about(path, temporary_path):
            temporary_path.mkdir()
        yield temporary_path
        _finish_files(temporary_path)
        temporary_path.rename(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(temporary_path, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    r"""Write a UTF-8 text file atomically; what of a name is not in UTF-8 is escaped as in JSON, `\udcff`."""
    with atomic_write(path) as temporary_path:
        temporary_path.write_text(text, encoding="utf-8", errors="backslashreplace")
