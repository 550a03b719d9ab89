"""Visual encoders, each with one fault."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from avspatial.interfaces import VisualEncoder
from avspatial_planted import faults


class Good(faults.Good, VisualEncoder):
    """One convolution a picture: nothing to find."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.channels, self.reductions = 4, (1, 8, 8)
        self.layer = nn.Conv2d(3, 4, 8, 8)

    def forward(self, images: Tensor) -> Tensor:
        pictures = self.on_images(images).flatten(0, 1)
        return self.on_output(self.layer(pictures).unflatten(0, images.shape[:2]).transpose(1, 2))


class Shapes(Good):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.reductions = (1, 4, 4)


class ShapesOneSize(Good):
    """Makes a square of whatever it sees."""

    def forward(self, images: Tensor) -> Tensor:
        maps = super().forward(images)
        return nn.functional.adaptive_avg_pool3d(maps, (maps.shape[2], 8, 8))


globals().update(faults.faulty(Good))
