"""What the spatializer sees at each window, each distinct group of pictures encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from avspatial.data.windows import image_indices
from avspatial.errors import DataError
from avspatial.framing import Window
from avspatial.interfaces import Spatializer

VisualCondition = Literal["normal", "blank", "mirrored"]
"""What the spatializer is shown: the clip's pictures, black pictures, or the pictures with left and right exchanged."""

Group = tuple[int, ...]
"""The grid pictures of one window, by number."""
Key = tuple[Group, int]
"""Images of a window and its start in samples, which is 0 for spatializers that are not `time_dependent`."""


CPU_BATCH = 4
"""Looks that a CPU makes at once, however many a batch has: the maps of more do not stay in its caches, and memory of
their size is asked of the system anew for every layer."""


class ImageSource(Protocol):
    """The pictures of a clip on the model's grid, in memory or still to be decoded."""

    def group(self, start_seconds: float, window: Window) -> Group:
        """The pictures that the window starting there sees."""

    def take(self, groups: Sequence[Group]) -> np.ndarray:
        """The pictures of the groups, uint8 (G, N, H, W, 3)."""


class ClipImages:
    """All pictures of a clip, (P, H, W, 3) uint8, in memory. DataError for another shape or no picture."""

    def __init__(self, pictures: np.ndarray) -> None:
        if pictures.ndim != 4 or pictures.shape[-1] != 3 or not pictures.shape[0]:
            raise DataError(f"needs pictures (P, H, W, 3), got {tuple(pictures.shape)}")
        self._pictures = pictures

    def group(self, start_seconds: float, window: Window) -> Group:
        return tuple(int(index) for index in image_indices(start_seconds, window, len(self._pictures)))

    def take(self, groups: Sequence[Group]) -> np.ndarray:
        return self._pictures[np.array(groups)]


class VisualFeatureCache:
    """Visual features of windows. They come in the order of time, so only the groups of the last call are kept."""

    def __init__(
        self, spatializer: Spatializer, pictures: ImageSource, batch_size: int, condition: VisualCondition = "normal"
    ) -> None:
        self._spatializer = spatializer
        self._pictures = pictures
        on_cpu = spatializer.mixture_rms.device.type == "cpu"
        self._at_once = min(batch_size, CPU_BATCH) if on_cpu else batch_size
        self._condition = condition
        self._known: dict[Key, Tensor] = {}

    def __call__(self, starts: Sequence[int]) -> Tensor | None:
        """Features of the windows at `starts` (samples), first axis B; None where no pictures are needed."""
        timed = self._spatializer.time_dependent
        keys = [(self._group(start), start if timed else 0) for start in starts]
        wanted = dict.fromkeys(keys)
        self._known = {key: look for key, look in self._known.items() if key in wanted}
        fresh = [key for key in wanted if key not in self._known]
        for first in range(0, len(fresh), self._at_once):
            some = fresh[first : first + self._at_once]
            looks = self._look(some)
            if looks is None:
                return None
            self._known.update(zip(some, looks, strict=True))
        return torch.stack([self._known[key] for key in keys])

    def _look(self, keys: Sequence[Key]) -> Tensor | None:
        images = self._frames([group for group, _ in keys])
        starts = torch.tensor([start for _, start in keys], device=images.device)
        return self._spatializer.encode_images_at(images, starts / self._spatializer.framing.window.rate)

    def _group(self, start: int) -> Group:
        """The pictures of the window at `start`; black pictures are all alike, so they are one group."""
        window = self._spatializer.framing.window
        if self._condition == "blank":
            return (0,) * window.pictures
        return self._pictures.group(start / window.rate, window)

    def _frames(self, groups: list[Group]) -> Tensor:
        """images (B, N, 3, H, W) in [0, 1] of the groups, as `condition` shows them, on the spatializer's device."""
        chosen = torch.from_numpy(self._pictures.take(groups)).to(self._spatializer.mixture_rms.device)
        images = chosen.permute(0, 1, 4, 2, 3).float() / 255
        if self._condition == "blank":
            return torch.zeros_like(images)
        return images.flip(-1) if self._condition == "mirrored" else images
