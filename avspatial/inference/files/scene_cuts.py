"""The pictures of a video as they are decoded, a few at a time, with its cuts.

A cut is where two neighbouring grid pictures have other colours, in other places: a window must not mix the pictures
of both sides, so it sees only those of the scene in which its middle lies; the nearest of them stands in for the rest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avspatial.data.windows import image_indices
from avspatial.framing import Window
from avspatial.inference.visual_features import Group

NEW_COLOURS = 0.5
"""Share of the picture whose colours are others than in the grid picture before, at a cut. Motion moves colours about,
and brings few new ones."""
NEW_PLACES = 20.0
"""How far the picture's 8 x 8 parts differ on average, of 255, at a cut. A change of light stays below."""
STILL = 1.0
"""A picture differs from the first one by this on average, of 255, if anything moves at all."""


@dataclass(frozen=True)
class FrameSignature:
    """A picture at a glance: the share of it in each of 8 x 8 x 8 colours, and the means of its 8 x 8 parts."""

    colours: np.ndarray
    parts: np.ndarray

    @classmethod
    def of(cls, picture: np.ndarray) -> FrameSignature:
        """picture (H, W, 3) uint8, H and W at least 8."""
        levels = picture.reshape(-1, 3) >> 5
        places = (levels[:, 0].astype(np.int64) << 6) | (levels[:, 1] << 3) | levels[:, 2]
        sums = picture.astype(np.float32)
        for axis in (0, 1):
            edges = np.arange(8) * picture.shape[axis] // 8
            sizes = np.diff([*edges, picture.shape[axis]])
            sums = np.add.reduceat(sums, edges, axis) / np.expand_dims(sizes, [1 - axis, 2])
        return cls(np.bincount(places, minlength=512) / len(places), sums)

    def is_cut_from(self, before: FrameSignature) -> bool:
        """Whether it belongs to another scene than its neighbour."""
        new = np.abs(self.colours - before.colours).sum() / 2
        return bool(new > NEW_COLOURS and np.abs(self.parts - before.parts).mean() > NEW_PLACES)


class SceneImages:
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
        self._before: FrameSignature | None = None
        self.cuts: list[int] = []
        self.still = True

    def group(self, start_seconds: float, window: Window) -> Group:
        wanted = image_indices(start_seconds, window, self._count)
        middle = window.model_copy(update={"pictures": 1})
        centre = int(image_indices(start_seconds, middle, self._count)[0])
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
        now = FrameSignature.of(picture)
        if self._before is not None and now.is_cut_from(self._before):
            self.cuts.append(index)
        self._before = now
        if self._start is None:
            self._start = picture.astype(np.int16)
        elif self.still:
            self.still = bool(np.abs(picture - self._start).mean() < STILL)
