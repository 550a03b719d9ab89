"""Audio encoders, each with one fault."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from avspatial.interfaces import AudioEncoder, FeatureLevel
from avspatial_planted import faults


class Good(faults.Good, AudioEncoder):
    """One strided convolution: nothing to find."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.levels = (FeatureLevel(4, 2),)
        self.layer = nn.Conv2d(2, 4, 4, 2, 1)

    def forward(self, spectrogram: Tensor) -> list[Tensor]:
        return [self.on_output(self.layer(self.on_audio(spectrogram)))]


class Shapes(Good):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.levels = (FeatureLevel(4, 2), FeatureLevel(4, 4))


class ShapesOneSize(Good):
    """Makes a map of one length of whatever it hears."""

    def forward(self, spectrogram: Tensor) -> list[Tensor]:
        return [found[..., :32] for found in super().forward(spectrogram)]


globals().update(faults.faulty(Good))
