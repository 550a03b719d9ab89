"""A csv of directions over time, and directions on the fixed grid of `interfaces.Truth`.

Times may be irregular. Moments that no row covers have the energy 0, which every metric of direction leaves out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from avspatial.errors import DataError
from avspatial.interfaces import Clip, Truth
from avspatial.media.audio import audio_info
from avspatial.media.csv_rows import number, read_table

RATE = 20.0
"""Rate of the grid, Hz, as of simulated scenes."""
REACH = 0.75
"""A row covers the moments nearest to it, at most this many steps away. Half a step would leave holes where times are
rounded."""
_FIX = "Write clip,time,azimuth[,energy]: an id, seconds from its beginning, degrees (positive is left), a power."


@dataclass(frozen=True)
class _Row:
    """One source at one time; `where` is the file and line. Without `time` it holds for the entire clip."""

    where: str
    time: float | None
    azimuth: float
    energy: float


@dataclass(frozen=True)
class TruthTable:
    """The rows of a csv of directions, by clip.

    Attributes:
        path: The file.
        rows: Rows of each clip, in the order of the file.
        step: Median time from one row of a clip to the next, s; None without times.
    """

    path: Path
    rows: Mapping[str, Sequence[_Row]]
    step: float | None

    @cached_property
    def known(self) -> AbstractSet[str]:
        """The clips that have a direction with energy."""
        return {clip for clip, rows in self.rows.items() if any(row.energy for row in rows)}

    def strange(self, ids: AbstractSet[str]) -> Sequence[str]:
        """The clips of the file that are not among these."""
        return sorted(set(self.rows) - ids)

    def truth(self, clip: Clip) -> Truth | None:
        """The truth of a clip, if it is known. DataError for a row after the clip's end."""
        if clip.id not in self.known:
            return None
        rows, seconds = self.rows[clip.id], clip_seconds(clip)
        if self.step is None:
            return constant_truth([row.azimuth for row in rows], seconds, [row.energy for row in rows])
        for row in rows:
            if row.time is not None and row.time > seconds + self.step:
                what = f"time {row.time:g} s is after the end of clip {clip.id} ({seconds:.2f} s)"
                raise DataError(what, where=row.where, fix="Times are counted from the clip's own beginning.")
        truth = _on_grid(rows, seconds, self.step)
        return truth if truth.energy.any() else None

    def digest(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def read_truth_table(path: Path) -> TruthTable:
    """Read a csv with the columns clip,azimuth and, if wanted, time,energy.

    Args:
        path: The file. Without the column `time`, directions hold for the entire clip; without `energy`, it is 1.

    Returns:
        Its rows.

    Raises:
        DataError: A file that cannot be read, or a line whose numbers are not what they should be.
    """
    rows: dict[str, list[_Row]] = {}
    table = read_table(path, ("clip", "azimuth"), ("time", "energy"), _FIX)
    timed = any(row["time"] for _, row in table)
    for where, row in table:
        if timed and not row["time"]:
            raise DataError("no time in this line, though others have one", where=where, fix="Write it.")
        time = _number(row["time"], "time", where, low=0.0) if timed else None
        azimuth = _number(row["azimuth"], "azimuth", where, low=-180.0, high=180.0)
        energy = _number(row["energy"], "energy", where, low=0.0) if row["energy"] else 1.0
        rows.setdefault(row["clip"], []).append(_Row(where, time, azimuth, energy))
    if not rows:
        raise DataError("lists no direction", where=path, fix=_FIX)
    return TruthTable(path, rows, _step(path, rows) if timed else None)


def _number(cell: str, column: str, where: str, low: float, high: float = math.inf) -> float:
    value = number(cell)
    if low <= value <= high and math.isfinite(value):
        return value
    allowed = f"a number of {low:g} or more" if high == math.inf else f"a number from {low:g} to {high:g}"
    raise DataError(f"{column} must be {allowed}, not {cell!r}", where=where, fix=_FIX)


def _step(path: Path, rows: Mapping[str, Sequence[_Row]]) -> float:
    """Median of the intervals between the times of a clip."""
    steps = [np.diff(np.unique([row.time for row in of_clip if row.time is not None])) for of_clip in rows.values()]
    intervals = np.concatenate(steps)
    if not len(intervals):
        raise DataError(
            "each clip has a single time, so nothing says how long its direction holds",
            where=path,
            fix="Leave the column time out: directions then hold for the entire clip.",
        )
    return float(np.median(intervals))


def _on_grid(rows: Sequence[_Row], seconds: float, step: float) -> Truth:
    times, index = np.unique([row.time for row in rows], return_inverse=True)
    sources = int(np.bincount(index).max())
    azimuth, energy = np.zeros((sources, len(times))), np.zeros((sources, len(times)))
    used = np.zeros(len(times), int)
    for row, column in zip(rows, index, strict=True):
        azimuth[used[column], column], energy[used[column], column] = row.azimuth, row.energy
        used[column] += 1
    grid = (np.arange(_columns(seconds)) + 0.5) / RATE
    middles = (times[1:] + times[:-1]) / 2
    nearest = np.searchsorted(middles, grid, side="right")
    covered = np.abs(times[nearest] - grid) <= REACH * step + 1e-9
    return Truth(RATE, azimuth[:, nearest] * covered, energy[:, nearest] * covered)


def constant_truth(azimuths: Sequence[float], seconds: float, energies: Sequence[float] | None = None) -> Truth:
    """The truth of sources that stay where they are: (S,) degrees and, if they differ, (S,) energies."""
    shape = (1, _columns(seconds))
    energy = np.ones(len(azimuths)) if energies is None else np.asarray(energies, float)
    return Truth(RATE, np.tile(np.asarray(azimuths, float)[:, None], shape), np.tile(energy[:, None], shape))


def _columns(seconds: float) -> int:
    return max(1, round(seconds * RATE))


def clip_seconds(clip: Clip) -> float:
    """Length of a clip, s. MediaError for audio that cannot be read."""
    return audio_info(clip.audio).seconds - clip.start if clip.seconds is None else clip.seconds
