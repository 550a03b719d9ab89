"""Lists, differences of maps, and Markdown tables as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any


def listed(names: Sequence[str], most: int = 3, separator: str = ", ") -> str:
    """Join names, at most `most` of them: `a, b, c and 2 more`.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return separator.join(names[:most]) + more


def counted(count: int, noun: str) -> str:
    """Write a number with its noun, which takes an s unless the number is 1.

    >>> counted(1, "clip"), counted(0, "clip")
    ('1 clip', '0 clips')
    """
    return f"{count} {noun}{'' if count == 1 else 's'}"


def pace(per_second: float, noun: str) -> str:
    """Write how many things are done per second, or the seconds that one takes if it is longer than one.

    >>> pace(12.34, "clip"), pace(0.02, "clip")
    ('12.3 clips/s', '50.0 s/clip')
    """
    return f"{per_second:.1f} {noun}s/s" if not 0 < per_second < 1 else f"{1 / per_second:.1f} s/{noun}"


def split_names(names: str | Iterable[str]) -> tuple[str, ...]:
    """Take names one by one, or as one text in which commas separate them.

    >>> split_names("snr, wave_l2,"), split_names(["snr"])
    (('snr', 'wave_l2'), ('snr',))
    """
    return tuple(filter(None, map(str.strip, names.split(",")))) if isinstance(names, str) else tuple(names)


def readable(name: str) -> str:
    r"""Write a file's name as text that every program takes: bytes that are not in UTF-8 as `\xff`.

    >>> print(readable("caf\xe9 \udcff"))
    café \xff
    """
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Compare two maps: (dotted key, old value, new value) of each difference, None for a missing value.

    >>> list(differences({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}))
    [('b.c', 2, 3)]
    """
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from differences(before, after, f"{prefix}{key}.")
        elif before != after:
            yield f"{prefix}{key}", before, after


def markdown_table(rows: Iterable[Sequence[str]], rules: Sequence[str] | None = None) -> str:
    """Write rows as a Markdown table, the first as its head.

    Args:
        rows: Cells of equal number; `|` and line breaks in them are escaped.
        rules: How each column is aligned: `---`, `:--` or `--:` [default: `---` for all].

    Returns:
        The lines of the table, without a final line break.
    """
    head, *rest = rows
    lines = [[_cell(cell) for cell in row] for row in (head, rules or ["---"] * len(head), *rest)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
