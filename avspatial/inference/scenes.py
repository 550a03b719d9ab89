"""The pictures of a video as they are decoded, a few at a time, with its cuts.

A cut is where the colours of two neighbouring grid pictures have little in common: a window must not mix the pictures
of both sides, so it sees only those of the scene in which its middle lies; the nearest of them stands in for the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence

import numpy as np

from avspatial.data.windows import picture_indices
from avspatial.inference.looks import Group
from avspatial.settings import Window

CUT = 0.5
"""Share of the picture whose colours must have changed from one grid picture to the next. Motion within a scene stays
far below: it moves colours about, and brings few new ones."""
STILL = 1.0
"""A picture differs from the first one by this on average, of 255, if anything moves at all."""


def colours(picture: np.ndarray) -> np.ndarray:
    """picture (H, W, 3) uint8 -> (512,): the share of the picture in each of 8 x 8 x 8 colours."""
    levels = picture[::2, ::2].reshape(-1, 3) >> 5
    places = (levels[:, 0].astype(np.int64) << 6) | (levels[:, 1] << 3) | levels[:, 2]
    return np.bincount(places, minlength=512) / len(places)


def is_cut(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether two neighbouring pictures, by their `colours`, belong to two scenes."""
    return bool(np.abs(before - after).sum() / 2 > CUT)


class ScenePictures:
    """Grid pictures (H, W, 3) uint8 from an iterator; only those of the windows at hand are in memory.

    Groups are asked for in the order of time. There are `count` pictures, one for every grid time within the sound.
    `cuts` are the numbers of the pictures that begin a new scene, `still` whether nothing has moved, so far.
    """

    def __init__(self, pictures: Iterator[np.ndarray], count: int) -> None:
        self._source = pictures
        self._count = count
        self._kept: deque[np.ndarray] = deque()
        self._first = 0
        self._start: np.ndarray | None = None
        self._colours: np.ndarray | None = None
        self.cuts: list[int] = []
        self.still = True

    def group(self, start_seconds: float, window: Window) -> Group:
        wanted = picture_indices(start_seconds, window, self._count)
        middle = window.model_copy(update={"pictures": 1})
        centre = int(picture_indices(start_seconds, middle, self._count)[0])
        self._decode(max(int(wanted[-1]), centre))
        after = bisect_right(self.cuts, centre)
        begin = self.cuts[after - 1] if after else 0
        end = self.cuts[after] if after < len(self.cuts) else self._count
        return tuple(int(index) for index in np.clip(wanted, begin, end - 1))

    def take(self, groups: Sequence[Group]) -> np.ndarray:
        taken = np.stack([[self._kept[index - self._first] for index in group] for group in groups])
        while self._first < min(groups[0]):
            self._kept.popleft()
            self._first += 1
        return taken

    def _decode(self, index: int) -> None:
        while self._first + len(self._kept) <= index:
            picture = next(self._source)
            self._note(picture, self._first + len(self._kept))
            self._kept.append(picture)

    def _note(self, picture: np.ndarray, index: int) -> None:
        now = colours(picture)
        if self._colours is not None and is_cut(self._colours, now):
            self.cuts.append(index)
        self._colours = now
        if self._start is None:
            self._start = picture.astype(np.int16)
        elif self.still:
            self.still = bool(np.abs(picture - self._start).mean() < STILL)
