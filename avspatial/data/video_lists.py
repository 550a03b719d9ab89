"""Published splits of 360-degree recordings: YT-Music, YT-Clean, YT-All and REC-Street (Morgado et al., NeurIPS 2018).

`youtube_splits/README.md` says where the lists come from and what their numbers mean.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from avspatial.data.layout import PARTS
from avspatial.errors import DataError, did_you_mean
from avspatial.media.csv_rows import read_table

SETS = ("ytmusic", "ytclean", "ytall", "recstreet")
NAMES = tuple(f"{name}/{number}" for name in SETS for number in (1, 2, 3))
VALIDATION_SHARE = 0.1
"""Share of the training videos that validate: no list of them was published."""
_VIDEOS = Path(__file__).parent / "youtube_splits" / "videos.csv"


@cache
def _videos() -> tuple[dict[str, str], ...]:
    return tuple(row for _, row in read_table(_VIDEOS, ("id", "channels"), SETS))


def channels() -> dict[str, str]:
    """What the sound of each video consists of: `WXYZ`, or `WXY` without height."""
    return {row["id"]: row["channels"] for row in _videos()}


def published_split(name: str) -> dict[str, list[str]]:
    """The ids of the videos in each part of a split.

    A digest of its id decides whether a training video validates, so the parts do not depend on which videos are there.

    Args:
        name: `SET/NUMBER`, such as `ytmusic/1`.

    Returns:
        Ids of "train", "val" and "test", sorted.

    Raises:
        DataError: There is no such split.
    """
    if name not in NAMES:
        what = f"there is no published split {name!r}{did_you_mean(name, NAMES)}"
        raise DataError(what, fix=f"There are {', '.join(f'{one}/1 to {one}/3' for one in SETS)}.")
    chosen, number = name.split("/")
    members = {row["id"]: row[chosen] for row in _videos() if row[chosen]}
    training = sorted((video for video, tested in members.items() if tested != number), key=_digest)
    count = round(VALIDATION_SHARE * len(training))
    test = [video for video, tested in members.items() if tested == number]
    return dict(zip(PARTS, map(sorted, (training[count:], training[:count], test)), strict=True))


def _digest(video: str) -> bytes:
    return hashlib.sha256(video.encode()).digest()
