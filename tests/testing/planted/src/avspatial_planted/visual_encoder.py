"""Visual encoders, each with one mistake."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avspatial.interfaces import VisualEncoder


class Good(VisualEncoder):
    """One convolution a picture: nothing to find."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.channels, self.reductions = 4, (1, 8, 8)
        self.layer = nn.Conv2d(3, 4, 8, 8)

    def forward(self, frames: Tensor) -> Tensor:
        maps: Tensor = self.layer(frames.flatten(0, 1)).unflatten(0, frames.shape[:2]).transpose(1, 2)
        return maps


class Construct(Good):
    def __init__(self, settings: Any) -> None:
        raise ValueError("no such settings")


class Shapes(Good):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.reductions = (1, 4, 4)


class Finite(Good):
    def forward(self, frames: Tensor) -> Tensor:
        return super().forward(frames / frames.std())


class Learns(Good):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.forgotten = nn.Linear(2, 2)


class PicturesMatter(Good):
    def forward(self, frames: Tensor) -> Tensor:
        return super().forward(torch.zeros_like(frames))


class Deterministic(Good):
    def forward(self, frames: Tensor) -> Tensor:
        return nn.functional.dropout(super().forward(frames))


class ItemsIndependent(Good):
    def forward(self, frames: Tensor) -> Tensor:
        maps = super().forward(frames)
        return maps - maps.mean(0)


class InputsUntouched(Good):
    def forward(self, frames: Tensor) -> Tensor:
        return super().forward(frames.sub_(0.5))


class StateSurvives(Good):
    level = 0.0

    def forward(self, frames: Tensor) -> Tensor:
        if self.training:
            self.level = float(frames.mean())
        return super().forward(frames) - self.level


class Bfloat16(Good):
    def forward(self, frames: Tensor) -> Tensor:
        maps = super().forward(frames)
        return torch.complex(maps, maps).abs()


class Seeded(Good):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        with torch.no_grad():
            self.layer.bias.copy_(torch.from_numpy(np.random.standard_normal(4)))


class DevicesAgree(Good):
    def forward(self, frames: Tensor) -> Tensor:
        return super().forward(frames) + float(frames.is_cuda)
