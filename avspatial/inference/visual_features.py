"""Cache of visual features, one entry per distinct group of images."""

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
"""The images that a spatializer gets: those of the clip, black ones, or those of the clip with left and right
exchanged."""

Group = tuple[int, ...]
"""Numbers of the grid images of one window."""
Key = tuple[Group, int]
"""Images of a window and its start in samples, which is 0 for spatializers that are not `time_dependent`."""

CPU_BATCH = 4
"""Groups that a CPU encodes at once, at most: the maps of more do not stay in its caches, and memory of their size is
requested from the system anew for every layer."""


class ImageSource(Protocol):
    """The images of a clip on the model's grid, in memory or still to be decoded."""

    def group(self, start_seconds: float, window: Window) -> Group:
        """The images of the window that starts there."""

    def take(self, groups: Sequence[Group]) -> np.ndarray:
        """The images of the groups, uint8 (G, N, H, W, 3)."""


class ClipImages:
    """All images of a clip in memory: (P, H, W, 3) uint8, at least one.

    Raises:
        DataError: For another shape, or no image.
    """

    def __init__(self, images: np.ndarray) -> None:
        if images.ndim != 4 or images.shape[-1] != 3 or not images.shape[0]:
            raise DataError(f"needs images (P, H, W, 3), got {tuple(images.shape)}")
        self._images = images

    def group(self, start_seconds: float, window: Window) -> Group:
        return tuple(int(index) for index in image_indices(start_seconds, window, len(self._images)))

    def take(self, groups: Sequence[Group]) -> np.ndarray:
        return self._images[np.array(groups)]


class VisualFeatureCache:
    """Visual features of windows. Windows come in the order of time, so only the groups of the last call are kept."""

    def __init__(
        self,
        spatializer: Spatializer,
        images: ImageSource,
        batch_size: int,
        condition: VisualCondition = "normal",
    ) -> None:
        self._spatializer = spatializer
        self._images = images
        on_cpu = spatializer.mixture_rms.device.type == "cpu"
        self._batch_size = min(batch_size, CPU_BATCH) if on_cpu else batch_size
        self._condition = condition
        self._features: dict[Key, Tensor] = {}

    def __call__(self, starts: Sequence[int]) -> Tensor | None:
        """Features of the windows at `starts` (samples), first axis B; None if the spatializer needs no images."""
        time_dependent = self._spatializer.time_dependent
        keys = [(self._group(start), start if time_dependent else 0) for start in starts]
        wanted = dict.fromkeys(keys)
        self._features = {key: features for key, features in self._features.items() if key in wanted}
        missing = [key for key in wanted if key not in self._features]
        for first in range(0, len(missing), self._batch_size):
            batch = missing[first : first + self._batch_size]
            features = self._encode(batch)
            if features is None:
                return None
            self._features.update(zip(batch, features, strict=True))
        return torch.stack([self._features[key] for key in keys])

    def _encode(self, keys: Sequence[Key]) -> Tensor | None:
        """Encode the images of the keys, (B, N, 3, H, W) in [0, 1], under the condition."""
        device = self._spatializer.mixture_rms.device
        pixels = torch.from_numpy(self._images.take([group for group, _ in keys])).to(device)
        images = pixels.permute(0, 1, 4, 2, 3).float() / 255
        if self._condition == "blank":
            images = torch.zeros_like(images)
        elif self._condition == "mirrored":
            images = images.flip(-1)
        starts = torch.tensor([start for _, start in keys], device=device)
        return self._spatializer.encode_images_at(images, starts / self._spatializer.framing.window.rate)

    def _group(self, start: int) -> Group:
        window = self._spatializer.framing.window
        if self._condition == "blank":
            return (0,) * window.pictures  # black images are all alike: one group
        return self._images.group(start / window.rate, window)
