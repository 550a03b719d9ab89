"""Mask generators, each with one fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from avspatial.interfaces import FeatureLevel, FeatureShape, MaskGenerator, Masks
from avspatial_planted import faults


class Good(faults.Good, MaskGenerator):
    """Adds up what each map and the pictures' average say of a place: nothing to find."""

    def __init__(self, settings: Any, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        self.layers = nn.ModuleList(nn.Conv2d(level.channels, 2, 1) for level in levels)
        self.pictures = None if visual is None else nn.Linear(visual.channels, 2)

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        return Masks(self.on_output(self.mask(maps, visual, mixture)))

    def mask(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Tensor:
        parts = [layer(self.on_audio(feature_map)) for layer, feature_map in zip(self.layers, maps, strict=True)]
        if self.pictures is not None and visual is not None:
            parts.append(self.shown(visual)[..., None, None])
        return torch.stack([nn.functional.interpolate(part, mixture.shape[2:]) for part in parts]).sum(0)

    def shown(self, visual: Tensor) -> Tensor:
        """visual (B, C, N', H', W') -> (B, 2)."""
        assert self.pictures is not None
        averaged: Tensor = self.pictures(self.on_images(visual).mean((2, 3, 4)))
        return averaged


class Shapes(Good):
    """Every second bin and frame."""

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        return Masks(super().forward(maps, visual, mixture).difference[..., ::2, ::2])


class ShapesOneSize(Good):
    """Made for features of one size, though it is built for another."""

    def __init__(self, settings: Any, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        self.pictures = None if visual is None else nn.Linear(visual.channels * 2 * 2 * 3, 2)

    def shown(self, visual: Tensor) -> Tensor:
        assert self.pictures is not None
        flat: Tensor = self.pictures(visual.flatten(1))
        return flat


class ShapesSighted(Good):
    """Can be built for a model without pictures, and not be used there."""

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        masks = super().forward(maps, visual, mixture)
        return masks if visual is not None else Masks(masks.difference[:1])


globals().update(faults.faulty(Good))
