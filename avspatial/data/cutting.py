"""Cutting long recordings into clips of a fixed length, and names for them."""

from __future__ import annotations

__all__ = ["clip_id", "clip_spans", "clip_starts", "shortest"]

_MISSING_SECONDS, _MISSING_SHARE = 0.1, 0.02
"""What a clip may lack at its end: files that were cut to a round length often lack a frame."""
_DECIMALS = (1, 3, 6)
"""A clip's name states where it begins with as few of these decimals as it takes."""


def shortest(seconds: float) -> float:
    """Length that a clip of `seconds` must have: up to 2 %, but no more than 0.1 s, may be missing at its end.

    Example:
        >>> shortest(10.0), shortest(1.0)
        (9.9, 0.98)
    """
    return seconds - min(_MISSING_SECONDS, _MISSING_SHARE * seconds)


def clip_starts(total_seconds: float, seconds: float, hop: float) -> tuple[float, ...]:
    """Where the clips of a recording begin, at 0, hop, 2 hop .., as long as a clip of full length is left.

    Args:
        total_seconds: Length of the recording.
        seconds: Length of a clip, above 0; the last clip may be as short as `shortest` says.
        hop: Step between the beginnings of two clips, above 0; clips overlap if it is below `seconds`.

    Returns:
        The starts in seconds, ascending, rounded to microseconds; none if the recording is too short for a clip.

    Example:
        >>> clip_starts(35.0, 10.0, 10.0), clip_starts(9.984, 10.0, 10.0), clip_starts(9.0, 10.0, 10.0)
        ((0.0, 10.0, 20.0), (0.0,), ())
    """
    spare = total_seconds - shortest(seconds)
    return tuple(round(number * hop, 6) for number in range(int(spare / hop + 1e-9) + 1)) if spare >= 0 else ()


def clip_spans(start: float, end: float, seconds: float, hop: float) -> list[tuple[float, float]]:
    """Cut a part of a recording into clips.

    Args:
        start: Where the part begins, seconds.
        end: Where it ends.
        seconds: Length of a clip, as for `clip_starts`.
        hop: Step between the beginnings of two clips.

    Returns:
        Beginning and length of each clip in seconds, rounded to microseconds.

    Example:
        >>> clip_spans(5.0, 24.95, 10.0, 10.0)
        [(5.0, 10.0), (15.0, 9.95)]
    """
    begins = [round(start + offset, 6) for offset in clip_starts(end - start, seconds, hop)]
    return [(begin, round(min(seconds, end - begin), 6)) for begin in begins]


def clip_id(recording: str, start: float) -> str:
    """Name a clip by its recording and where it begins; different starts, in microseconds, give different names.

    Args:
        recording: The recording.
        start: Where the clip begins in it, seconds.

    Returns:
        The name, in which the clips of a recording sort by time up to 9999 s.

    Example:
        >>> clip_id("concert/song", 10.0), clip_id("concert/song", 0.125)
        ('concert/song_0010.0', 'concert/song_0000.125')
    """
    decimals = next(d for d in _DECIMALS if d == _DECIMALS[-1] or round(start, d) == start)
    return f"{recording}_{start:0{5 + decimals}.{decimals}f}"
