"""What a data set leaves out, in words: a note, and the error where nothing remains.

A reason is the same text for everything of one kind, or begins with it and a colon.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from avspatial.errors import DataError
from avspatial.text import listed

__all__ = ["left_out_note", "nothing_left"]


def left_out_note(root: Path, left_out: Mapping[str, str]) -> str:
    """Say how much is left out, why, and name some of it.

    Args:
        root: The data root.
        left_out: The reason for each, by its name.

    Returns:
        A line, and one more for each kind of reason, the most frequent first; empty if nothing is left out.
    """
    if not left_out:
        return ""
    return "\n  ".join([f"note: {root}: left out {len(left_out)}:", *_lines(left_out)])


def nothing_left(what: str, root: Path, left_out: Mapping[str, str], fix: str) -> DataError:
    """The error where too little is left.

    Args:
        what: What is missing.
        root: The data root.
        left_out: The reason for each thing that is left out, by its name.
        fix: What to do about it.

    Returns:
        The error, which counts the reasons.
    """
    if left_out:
        what += f"; left out {len(left_out)}:\n    " + "\n    ".join(_lines(left_out))
    return DataError(what, where=root, fix=fix)


def _lines(left_out: Mapping[str, str]) -> list[str]:
    kinds: dict[str, list[str]] = {}
    for name, why in left_out.items():
        kinds.setdefault(why.partition(": ")[0], []).append(name)
    lines = []
    for kind, names in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0])):
        reasons = {left_out[name] for name in names}
        lines.append(f"{len(names)} x {reasons.pop() if len(reasons) == 1 else kind} ({listed(names)})")
    return lines
