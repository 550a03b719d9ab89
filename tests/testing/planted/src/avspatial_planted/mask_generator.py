"""Mask generators, each with one mistake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from avspatial.interfaces import FeatureShape, Level, MaskGenerator, Masks


class Shapes(MaskGenerator):
    """The finest map's size is the spectrogram's half."""

    def __init__(self, settings: Any, *, levels: Sequence[Level], visual: FeatureShape | None) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        self.layer = nn.Conv2d(levels[0].channels, 2, 1)

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        return Masks(self.layer(maps[0]))


class PicturesMatter(Shapes):
    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        half = super().forward(maps, visual, mixture).difference
        return Masks(half.repeat_interleave(2, -1).repeat_interleave(2, -2))
