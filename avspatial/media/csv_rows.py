"""Rows of csv files as people have them: separated by commas, semicolons, tabs or bars (|), in UTF-8 or UTF-16."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Sequence
from pathlib import Path

from avspatial.errors import DataError, did_you_mean, reason


def read_table(
    path: Path, required: Sequence[str], optional: Sequence[str] = (), fix: str = ""
) -> list[tuple[str, dict[str, str]]]:
    """Read a csv file whose first line names its columns.

    Args:
        path: The file.
        required: Columns that the file must have, each filled in every line.
        optional: Columns that it may have. All further columns are ignored.
        fix: What to do about a file that cannot be read, for the message.

    Returns:
        (`path:line` for messages, cell by column) of each row; an optional column that is absent, or not filled, is "".

    Raises:
        DataError: A file that cannot be read as csv, a missing column, or a line with an empty or a surplus field.
    """
    rows = read_rows(path, fix)
    columns = rows[0][1] if rows else []
    for column in required:
        if column not in columns:
            more = f" and, if wanted, {','.join(optional)}" if optional else ""
            raise DataError(
                f"has no column {column}{did_you_mean(column, columns)}; it has {', '.join(columns) or 'none'}",
                where=path,
                fix=f"The first line names the columns: {','.join(required)}{more}.",
            )
    table = []
    for line, cells in rows[1:]:
        where = f"{path}:{line}"
        if len(cells) > len(columns):
            what = "has more fields than there are columns"
            raise DataError(what, where=where, fix="Put quotes around a name that holds a comma.")
        row = dict.fromkeys((*required, *optional), "") | dict(zip(columns, cells, strict=False))
        empty = next((column for column in required if not row[column]), None)
        if empty is not None:
            raise DataError(f"no {empty} in this line", where=where, fix="Write it, or remove the line.")
        table.append((where, row))
    return table


def read_rows(path: Path, fix: str = "") -> list[tuple[int, list[str]]]:
    r"""Read the rows of a csv file that are not blank.

    The separator is the one that a first line `sep=;` names, as spreadsheets write it; otherwise the first row decides:
    a semicolon if there is one, a tab if one stands between its texts, a bar if there is one and no comma, else a
    comma. csv.Sniffer takes any letter that is frequent. A file with a byte-order mark of UTF-16 is read as such, as
    spreadsheets write "Unicode text".

    Args:
        path: The file.
        fix: What to do about a file that cannot be read, for the message.

    Returns:
        (number of the line, cells without blanks around them) of each row.

    Raises:
        DataError: A file that cannot be read as csv.
    """
    try:
        data = path.read_bytes()
        text = data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")
        file = io.StringIO(text, newline="")
        stated = re.fullmatch(r"sep=(.)\s*", file.readline())
        skipped = 1 if stated else file.seek(0)
        separator = stated[1] if stated else _separator(text)
        rows = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
        return [(rows.line_num + skipped, [*map(str.strip, row)]) for row in rows if any(map(str.strip, row))]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"not a readable csv ({reason(error)})", where=path, fix=fix) from error


def number(cell: str) -> float:
    """The number in a cell, with a decimal point or a decimal comma; NaN for anything else."""
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return math.nan


def _separator(text: str) -> str:
    first = next(filter(str.strip, text.splitlines()), "")
    unquoted = re.sub(r'"[^"]*"', '""', first)
    if ";" in unquoted:
        return ";"
    if any("\t" in cell.strip() for cell in unquoted.split(",")):
        return "\t"
    return "|" if "|" in unquoted and "," not in unquoted else ","
