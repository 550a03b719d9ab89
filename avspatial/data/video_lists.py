"""Published splits of 360-degree recordings: YT-Music, YT-Clean, YT-All and REC-Street (Morgado et al., NeurIPS 2018).

`youtube_splits/README.md` says where the lists come from and what their numbers mean.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from avspatial.data.layout import PARTS
from avspatial.errors import DataError, did_you_mean
from avspatial.media.csv_rows import read_table
from avspatial.text import listed

SETS = ("ytmusic", "ytclean", "ytall", "recstreet")
NAMES = tuple(f"{name}/{number}" for name in SETS for number in (1, 2, 3))
VALIDATION_SHARE = 0.1
"""Share of the training videos that validate: no list of them was published."""
_NAMED = 20
"""Missing videos that a message names."""
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


def is_published(splits: str) -> bool:
    """Whether a setting names a published split, which need not exist, and not a file."""
    return splits.partition("/")[0] in SETS


@dataclass(frozen=True)
class ListedVideos:
    """The videos of a published split, and which of them a data set has.

    Attributes:
        name: `SET/NUMBER`.
        there: Ids that the data set has, listed or not.
    """

    name: str
    there: AbstractSet[str]

    @cached_property
    def split_of(self) -> Mapping[str, str]:
        """The part of each listed video, there or not: "train", "val" or "test"."""
        return {video: part for part, videos in published_split(self.name).items() for video in videos}

    @cached_property
    def missing(self) -> Sequence[str]:
        """Listed videos that are not there, those of the test set first."""
        gone = [(video, part) for video, part in self.split_of.items() if video not in self.there]
        return [video for video, part in sorted(gone, key=lambda one: (-PARTS.index(one[1]), one[0]))]

    def counts(self, used: AbstractSet[str]) -> str:
        """How many of the listed videos are among these: `268/268,30/30,99/99`, train, val and test."""
        parts = Counter(self.split_of.values())
        found = Counter(part for video, part in self.split_of.items() if video in used)
        return ",".join(f"{found[part]}/{parts[part]}" for part in PARTS)

    def reasons(self) -> dict[str, str]:
        """Each missing video, and what it is in the split."""
        return {video: f"not there: {self.name} lists it for {self.split_of[video]}" for video in self.missing}

    def describe(self) -> str:
        """A sentence about what is missing; empty if nothing is."""
        if not self.missing:
            return ""
        parts, gone = Counter(self.split_of.values()), Counter(self.split_of[video] for video in self.missing)
        numbers = ", ".join(f"{gone[part]} of {parts[part]} {part}" for part in reversed(PARTS) if gone[part])
        return f"{self.name}: missing are {numbers} videos: {listed(self.missing, most=_NAMED)}"

    def refuse_missing(self, root: Path) -> None:
        """DataError, with counts and names, unless all videos are there."""
        if self.missing:
            fix = (
                "A smaller test set is another test set: add the videos, or go on with those that are there by "
                "data.missing=report, which the run's record states."
            )
            raise DataError(self.describe(), where=root, fix=fix)


def _digest(video: str) -> bytes:
    return hashlib.sha256(video.encode()).digest()
