"""Discriminators, each with one mistake."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from avspatial.interfaces import Discriminator, FeatureShape, Judgement


class PicturesMatter(Discriminator):
    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__(settings, visual=visual)
        self.layer = nn.Conv2d(2, 1, 4, 4)

    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        return Judgement(self.layer(difference).mean((1, 2, 3)))


class Shapes(PicturesMatter):
    """One verdict over the whole batch."""

    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        return Judgement(super().forward(difference, visual).logits.mean())
