"""Directions over time as WebVTT cues: `avspatial preview --vtt` writes them, the panner's tracks read them.

A cue is a time span and one line, `azimuth: 32.5`: degrees, positive is left. Silent spans have no cue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from avspatial.errors import DataError

_TIMES = re.compile(r"((?:\d+:)?\d\d:\d\d\.\d{3})[ \t]+-->[ \t]+((?:\d+:)?\d\d:\d\d\.\d{3})(?:[ \t].*)?")
_PAYLOAD = re.compile(r"azimuth:[ \t]*([-+]?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Direction:
    """The direction of the sound between two times.

    Attributes:
        start: Seconds.
        end: Seconds.
        azimuth: Degrees, positive is left.
    """

    start: float
    end: float
    azimuth: float


def vtt(directions: Iterable[Direction]) -> str:
    """Write directions as the text of a WebVTT file, one cue for each.

    Args:
        directions: The directions in the order of their times.

    Returns:
        The text of the file.

    Example:
        >>> print(vtt([Direction(0.0, 0.5, 22.6)]))
        WEBVTT
        <BLANKLINE>
        00:00:00.000 --> 00:00:00.500
        azimuth: 22.6
        <BLANKLINE>
    """
    cues = [f"{_stamp(cue.start)} --> {_stamp(cue.end)}\nazimuth: {cue.azimuth:.1f}\n" for cue in directions]
    return "\n".join(["WEBVTT\n", *cues])


def read_directions(path: Path) -> list[Direction]:
    """Read the cues of a WebVTT file; comments, styles and regions are ignored.

    Args:
        path: The file.

    Returns:
        At least one direction, in the order of the file.

    Raises:
        DataError: The file is no WebVTT, has no cue, or a cue without an azimuth; `where` names the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot be read: {error}", where=path) from error
    if not lines or not re.fullmatch(r"WEBVTT(?:[ \t].*)?", lines[0]):
        raise DataError("not a WebVTT file: its first line is not WEBVTT", where=path)
    cues = [_cue(lines, number, path) for number, line in enumerate(lines) if "-->" in line]
    if not cues:
        raise DataError("holds no cue", where=path, fix="`avspatial preview FILE --vtt OUT.vtt` writes such a file.")
    return cues


def _cue(lines: list[str], number: int, path: Path) -> Direction:
    times = _TIMES.fullmatch(lines[number].strip())
    if times is None:
        fix = "Write times as 00:00:01.000 --> 00:00:01.500."
        raise DataError(f"not the times of a cue: {lines[number]!r}", where=f"{path}:{number + 1}", fix=fix)
    text = lines[number + 1].strip() if number + 1 < len(lines) else ""
    payload = _PAYLOAD.fullmatch(text)
    start, end = (_seconds(stamp) for stamp in times.groups())
    azimuth = float(payload[1]) if payload else math.nan
    if not -180 <= azimuth <= 180:
        fix = "Write one line such as `azimuth: 30.0`, degrees within -180 and 180, positive is left."
        raise DataError(f"not a direction: {text!r}", where=f"{path}:{number + 2}", fix=fix)
    if end <= start:
        raise DataError("the cue ends before it begins", where=f"{path}:{number + 1}")
    return Direction(start, end, azimuth)


def _seconds(stamp: str) -> float:
    seconds = 0.0
    for part in stamp.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _stamp(seconds: float) -> str:
    thousandths = round(1000 * seconds)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
