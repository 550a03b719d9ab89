"""Spatializers, each with one mistake."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from avspatial.interfaces import Batch, Builder, Spatializer
from avspatial.settings import Framing
from avspatial.signal import stereo


class Good(Spatializer):
    """Pans by the colours of the picture's halves: nothing to find."""

    def __init__(self, settings: Any, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.side = nn.Linear(6, 1)

    def look(self, frames: Tensor) -> Tensor:
        halves = torch.cat([half.mean((1, 3, 4)) for half in frames.chunk(2, -1)], -1)
        return self.side(halves).tanh()

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return stereo.stereo(mixture, visual * mixture)


class Shapes(Good):
    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return super().spatialize(mixture, visual).flip(0)[1:]


class Learns(Good):
    """Its loss leaves out what it says in use."""

    def terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        return {"nothing": self.side.bias.sum()}


class PicturesMatter(Good):
    def look(self, frames: Tensor) -> Tensor:
        return super().look(torch.zeros_like(frames))


class LengthsKept(Good):
    """Drops the last sample of a window."""

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return super().spatialize(mixture, visual)[..., :-1]


class TruthUnseen(Good):
    """Keeps the answers of its last lesson."""

    known: Tensor | None = None

    def terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        self.known = batch.reference
        return super().terms(batch, loss)

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        made = super().spatialize(mixture, visual)
        return made if self.known is None else (made + self.known) / 2


class SidesSeen(Good):
    """Sees the average colour, which has no side."""

    def look(self, frames: Tensor) -> Tensor:
        return super().look(frames.mean(-1, keepdim=True).expand(*frames.shape[:-1], 2))


class MixtureKept(Good):
    keeps_mixture = True

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return 1.1 * super().spatialize(mixture, visual)
