"""Digests of what files hold, by which caches know them; they are stored, so that a file is read once.

<cache>/digests/<digest of the path>.json    size, modification time and SHA-256 of the file
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from avspatial.atomic import write_text
from avspatial.errors import DataError, MediaError, reason
from avspatial.media.audio_folder import audio_files
from avspatial.media.video import image_files


def content_digest(path: Path, cache: Path) -> str:
    """Digest of a file's content, or of the listing of a folder of numbered files.

    Args:
        path: The file or folder. A file whose size and modification time are those of the last call is not read.
        cache: Folder of all caches, in which the digests of files are stored.

    Returns:
        64 hexadecimal digits.

    Raises:
        DataError: The file cannot be read.
        MediaError: A folder without numbered files.
    """
    if path.is_dir():
        stats = [(file.name, file.stat()) for file in _numbered_files(path)]
        listing = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
        return hashlib.sha256(json.dumps(listing).encode()).hexdigest()
    with _reading(path):
        stat = path.stat()
    current = [stat.st_size, stat.st_mtime_ns]
    note = cache / "digests" / f"{hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]}.json"
    stored = _read_note(note)
    if stored is not None and stored[:2] == current:
        return str(stored[2])
    with _reading(path), path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with suppress(OSError):  # a cache that cannot be written may hold every entry
        write_text(note, json.dumps([*current, digest], allow_nan=False))
    return digest


def _numbered_files(folder: Path) -> list[Path]:
    """The images of a folder, or else its audio files."""
    try:
        return image_files(folder)
    except MediaError:
        return audio_files(folder)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"a clip's file cannot be read ({reason(error)})", where=path, fix="Copy it there again."
        ) from error


def _read_note(note: Path) -> list[object] | None:
    try:
        stored = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return stored if isinstance(stored, list) and len(stored) == 3 else None
