"""Track of the source, azimuths over time in degrees, positive is left: read from a file, or found in the images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from avspatial.errors import DataError
from avspatial.media import read_directions, read_rows

GLIDE = 0.25
"""The angle moves towards that of the next cue in this many seconds before the end of a cue."""
ALIKE = 0.1
"""Weight of a region whose motion does not go with the audio, relative to one whose motion does."""
AROUND = 5
"""Number of images around a time whose motion gives the position of the source."""


def read_track(path: Path) -> tuple[list[float], list[float]]:
    """Times in s, ascending, and azimuths in degrees of a csv or WebVTT file; DataError for one that is neither.

    Between two times the azimuth is on the straight line between theirs; a cue holds its angle, but for 0.25 s at
    either end, in which it moves from or to a neighbour's (so cues of 0.5 s are points joined by lines).
    """
    if not path.is_file():
        raise DataError("no such file of a track", where=path, fix="Set model.track to a csv or WebVTT file.")
    if path.suffix.lower() == ".vtt":
        points = []
        for cue in read_directions(path):
            margin = min(GLIDE, (cue.end - cue.start) / 2)
            points += [(time, cue.azimuth) for time in sorted({cue.start + margin, cue.end - margin})]
    else:
        points = _read_csv(path)
    times = [time for time, _ in points]
    if any(later <= earlier for earlier, later in pairwise(times)):
        raise DataError("its times do not rise", where=path, fix="Sort its lines by time, each time once.")
    return times, [azimuth for _, azimuth in points]


def _read_csv(path: Path) -> list[tuple[float, float]]:
    rows = read_rows(path, "Write lines such as 0.5,30: seconds, degrees to the left.")
    if rows and [cell.lower() for cell in rows[0][1]] == ["time", "azimuth"]:
        rows = rows[1:]
    if not rows:
        raise DataError("holds no angle", where=path, fix="Write lines such as 0.5,30: seconds, degrees to the left.")
    return [_point(row, f"{path}:{number}") for number, row in rows]


def _point(row: Sequence[str], where: str) -> tuple[float, float]:
    """A decimal comma is possible: `0,5;30`."""
    try:
        time, azimuth = (float(cell.replace(",", ".")) for cell in row)
    except ValueError:
        time = azimuth = math.nan
    if not (math.isfinite(time) and -180 <= azimuth <= 180):
        fix = "Each line has a time in seconds and an azimuth within -180 and 180 degrees, positive is left."
        raise DataError(f"not a time and an azimuth: {','.join(row)!r}", where=where, fix=fix)
    return time, azimuth


def interpolate(times: Tensor, known: Tensor, values: Tensor) -> Tensor:
    """Values at `times` on the lines between (known (K,), values (K,)), K at least 2; the ends are held.

    `times` has any shape; or it is (M,) and `values` (B, K): then the result is (B, M).
    """
    upper = torch.searchsorted(known, times.contiguous()).clamp(1, len(known) - 1)
    low, high = known[upper - 1], known[upper]
    share = ((times - low) / (high - low)).clamp(0, 1)
    return values[..., upper - 1] * (1 - share) + values[..., upper] * share


def motion(images: Tensor) -> Tensor:
    """images (B, N, 3, H, W) in [0, 1], N at least 2 -> how much each column moves between neighbours (B, N - 1, W).

    Pictures are brought to one brightness first. The motion of the median column is that of the camera, its noise and
    the codec: what moves no more does not move.
    """
    grey = images.float().mean(2)
    grey = grey / grey.mean((-2, -1), keepdim=True).clamp_min(1e-3)
    moved = grey.diff(dim=1).square().mean(-2).sqrt()
    return (moved - moved.median(-1, keepdim=True).values).clamp_min(0)


def activity(mixture: Tensor, steps: int) -> Tensor:
    """mixture (B, T) -> what may move with it between `steps` + 1 pictures (B, 2, steps): the sound's envelope, for
    things that move while they sound, and the size of its changes, for things that move when they are struck."""
    levels = functional.adaptive_avg_pool1d(mixture.float().square()[:, None], steps + 1)[:, 0].sqrt()
    return torch.stack(((levels[:, 1:] + levels[:, :-1]) / 2, levels.diff(dim=1).abs()), 1)


def places(moved: Tensor, mixture: Tensor) -> Tensor:
    """moved (B, K, W) of `motion`, mixture (B, T) -> the source's place (B, K), from -1, left edge, to 1; 0 where
    nothing moves.

    A column weighs as much as it moves, times how its motion goes with the sound (the better of the two correlations
    with `activity`). The place at a moment is the mean over what moves around it, so weighted.
    """
    steps, width = moved.shape[1:]
    smooth = functional.avg_pool1d(moved, 2 * (width // 24) + 1, 1, width // 24, count_include_pad=False)
    correlation = torch.einsum(
        "baks,bkw->bsaw", _standard(activity(mixture, steps), -1)[..., None], _standard(smooth, 1)
    )
    match = ALIKE + (correlation[:, 0].amax(1) / steps).clamp_min(0)
    now = functional.avg_pool1d(moved.transpose(1, 2), AROUND, 1, AROUND // 2, count_include_pad=False).transpose(1, 2)
    weight = (match[:, None] * (now + 0.05 * moved.mean(1, keepdim=True))).square()
    across = (torch.arange(width, device=moved.device) + 0.5) * 2 / width - 1
    return (weight @ across) / weight.sum(-1).clamp_min(1e-20)


def _standard(x: Tensor, axis: int) -> Tensor:
    """Mean 0 and variance 1 along an axis; 0 where nothing varies."""
    centred = x - x.mean(axis, keepdim=True)
    return centred / centred.square().mean(axis, keepdim=True).sqrt().clamp_min(1e-9)


def azimuth_of(place: Tensor, field_of_view: float) -> Tensor:
    """Places from -1, left edge, to 1 -> azimuth in degrees, for a pinhole camera that faces forward."""
    return -torch.rad2deg(torch.atan(place * math.tan(math.radians(field_of_view / 2))))
