"""Images of a video as they are decoded, a few at a time, and its scene cuts.

A cut is where two neighbouring grid images have different colours in different places. A window must not mix images of
both sides, so it gets only those of the scene in which its middle lies; the nearest of them replaces the others.
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
"""At a cut a larger share of the image than this has colours that the grid image before does not have. Motion moves
colours about and brings few new ones."""
NEW_PLACES = 20.0
"""At a cut the image's 8 x 8 parts differ by more than this on average, of 255. A change of light stays below."""
STILL = 1.0
"""If anything moves, an image differs from the first one by this on average, of 255."""


@dataclass(frozen=True)
class FrameSignature:
    """A coarse description of an image: the share of it in each of 8 x 8 x 8 colours, and the means of its 8 x 8
    parts."""

    colours: np.ndarray
    parts: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> FrameSignature:
        """image (H, W, 3) uint8, H and W at least 8."""
        levels = image.reshape(-1, 3) >> 5
        bins = (levels[:, 0].astype(np.int64) << 6) | (levels[:, 1] << 3) | levels[:, 2]
        sums = image.astype(np.float32)
        for axis in (0, 1):
            edges = np.arange(8) * image.shape[axis] // 8
            sizes = np.diff([*edges, image.shape[axis]])
            sums = np.add.reduceat(sums, edges, axis) / np.expand_dims(sizes, [1 - axis, 2])
        return cls(np.bincount(bins, minlength=512) / len(bins), sums)

    def is_cut_from(self, before: FrameSignature) -> bool:
        """Whether the image belongs to another scene than its predecessor."""
        new = np.abs(self.colours - before.colours).sum() / 2
        return bool(new > NEW_COLOURS and np.abs(self.parts - before.parts).mean() > NEW_PLACES)


class SceneImages:
    """Grid images (H, W, 3) uint8 from an iterator; only those of the current windows are in memory.

    Groups are requested in the order of time. There are `count` images, one for every grid time within the audio.
    `cuts` are the numbers of the images that begin a new scene, `still` whether nothing has moved, so far.
    """

    def __init__(self, images: Iterator[np.ndarray], count: int) -> None:
        self._source = images
        self._count = count
        self._kept: deque[np.ndarray] = deque()
        self._first = 0
        self._first_image: np.ndarray | None = None
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
        images = np.stack([[self._kept[index - self._first] for index in group] for group in groups])
        while self._first < min(groups[0]):
            self._kept.popleft()
            self._first += 1
        return images

    def _decode(self, index: int) -> None:
        while self._first + len(self._kept) <= index:
            image = next(self._source)
            self._analyse(image, self._first + len(self._kept))
            self._kept.append(image)

    def _analyse(self, image: np.ndarray, index: int) -> None:
        signature = FrameSignature.of(image)
        if self._before is not None and signature.is_cut_from(self._before):
            self.cuts.append(index)
        self._before = signature
        if self._first_image is None:
            self._first_image = image.astype(np.int16)
        elif self.still:
            self.still = bool(np.abs(image - self._first_image).mean() < STILL)
