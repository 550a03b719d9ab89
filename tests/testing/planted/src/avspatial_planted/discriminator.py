"""Discriminators, each with one fault."""

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
        logits = self.layer(self.on_audio(difference)).mean((2, 3))
        if self.pictures is not None and visual is not None:
            logits = logits + self.shown(visual)
        return Judgement(self.on_output(logits))

    def shown(self, visual: Tensor) -> Tensor:
        """visual (B, C, N', H', W') -> (B, 1)."""
        assert self.pictures is not None
        averaged: Tensor = self.pictures(self.on_images(visual).mean((2, 3, 4)))
        return averaged


class Shapes(Good):
    """One logit for the entire batch."""

    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        return Judgement(super().forward(difference, visual).logits.mean())


class ShapesOneSize(Good):
    """Made for features of one size, though it is built for another."""

    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__(settings, visual=visual)
        self.pictures = None if visual is None else nn.Linear(visual.channels * 2 * 2 * 3, 1)

    def shown(self, visual: Tensor) -> Tensor:
        assert self.pictures is not None
        flat: Tensor = self.pictures(visual.flatten(1))
        return flat


globals().update(faults.faulty(Good))
