"""What a file holds instead of what its name says: a Git LFS pointer, a web page, half of itself."""

from __future__ import annotations

from pathlib import Path

from avspatial.errors import reason

NOT_OPENED = "cannot be opened"
_STARTS = (
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer, not the file itself: `git lfs pull` fetches it"),
    (b"<!doctype html", "a web page, perhaps of a download that needs a click or a login"),
    (b"<html", "a web page, perhaps of a download that needs a click or a login"),
    (b"<?xml", "an XML file, perhaps the error message of a download"),
    (b"PK\x03\x04", "a zip file, as torch.save writes; weights are read from safetensors only"),
    (b"\x1f\x8b", "a gzip file, which must be unpacked first"),
)


def foreign_contents(path: Path) -> str:
    """Say in one sentence why a file cannot be what its name says, by its first bytes.

    Args:
        path: An existing file.

    Returns:
        What it holds instead, or why it cannot be opened; empty if it may be what it should be.
    """
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        return f"{NOT_OPENED}: {reason(error)}"
    return foreign_start(head)


def foreign_start(head: bytes) -> str:
    """As `foreign_contents`, by the first bytes of a file alone."""
    if not head:
        return "an empty file"
    start = head[:64].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    return next((meaning for known, meaning in _STARTS if start.startswith(known.lower())), "")
