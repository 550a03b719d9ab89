"""Nothing half-written: a file or folder appears complete under its name, or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_files(folder: Path) -> None:
    """Everything in `folder` to the disk: a rename may outlive a power cut that the files' contents do not."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as handle:
                os.fsync(handle.fileno())
        else:
            _sync_folder(path)
    _sync_folder(folder)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to (same suffix); renamed onto `path` if the block ends well, else removed.

    OSError from the file system (disk full, no permission) passes through with the partial file removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        yield aside
        with aside.open("rb+") as handle:
            os.fsync(handle.fileno())
        aside.replace(path)
        _sync_folder(path.parent)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path`; renamed to `path` (not there yet) if the block ends well, else removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    aside.mkdir()
    try:
        yield aside
        _sync_files(aside)
        aside.rename(path)
        _sync_folder(path.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 text file."""
    with whole_file(path) as aside:
        aside.write_text(text, encoding="utf-8")
