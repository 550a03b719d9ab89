"""Discriminators, each with one mistake."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from avspatial.interfaces import Discriminator, FeatureShape, Judgement
from avspatial_planted import faults


class Good(faults.Good, Discriminator):
    """Adds up what sound and pictures say: nothing to find."""

    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__(settings, visual=visual)
        self.layer = nn.Conv2d(2, 1, 4, 4)
        self.pictures = None if visual is None else nn.Linear(visual.channels, 1)

    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        logits = self.layer(self.heard(difference)).mean((2, 3))
        if self.pictures is not None and visual is not None:
            logits = logits + self.shown(visual)
        return Judgement(self.said(logits))

    def shown(self, visual: Tensor) -> Tensor:
        """visual (B, C, N', H', W') -> (B, 1)."""
        assert self.pictures is not None
        averaged: Tensor = self.pictures(self.seen(visual).mean((2, 3, 4)))
        return averaged


class Shapes(Good):
    """One verdict over the whole batch."""

    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        return Judgement(super().forward(difference, visual).logits.mean())


class ShapesOneSize(Good):
    """Made for features of one size, whatever it is told of them."""

    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__(settings, visual=visual)
        self.pictures = None if visual is None else nn.Linear(visual.channels * 2 * 2 * 3, 1)

    def shown(self, visual: Tensor) -> Tensor:
        assert self.pictures is not None
        flat: Tensor = self.pictures(visual.flatten(1))
        return flat


globals().update(faults.faulty(Good))
