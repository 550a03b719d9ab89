"""The parts of a masking model: encoders, mask generator, discriminator, and what passes between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class FeatureShape:
    """Shape of visual features without the batch: C, N', H', W'."""

    channels: int
    images: int
    height: int
    width: int


@dataclass(frozen=True)
class FeatureLevel:
    """One level of an audio encoder: its channels, and by how much it divides F and M."""

    channels: int
    reduction: int


@dataclass(frozen=True)
class Masks:
    """Complex ratio masks for the mixture, each (B, 2, F, M): real then imaginary."""

    difference: Tensor
    left: Tensor | None = None
    right: Tensor | None = None


@dataclass(frozen=True)
class Judgement:
    """What a discriminator says: logits (B, ...) before the sigmoid, and its inner feature maps."""

    logits: Tensor
    features: Sequence[Tensor] = ()


class VisualEncoder(nn.Module, ABC):
    """Pictures to features. Constructed as `Target(settings)`.

    Declares `channels` (C) and `reductions`: by how much N, H and W are divided (rounding down). Owns its
    normalisation: images arrive as RGB in [0, 1].
    """

    channels: int
    reductions: tuple[int, int, int]

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def shape(self, images: int, height: int, width: int) -> FeatureShape:
        """The shape of `forward`'s result for N pictures of H x W."""
        time, down, across = self.reductions
        return FeatureShape(self.channels, images // time, height // down, width // across)

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """images (B, N, 3, H, W) in [0, 1] -> features (B, C, N', H', W')."""


class AudioEncoder(nn.Module, ABC):
    """Spectrogram to feature maps. Constructed as `Target(settings)`. Declares `levels`, finest first, and `planes`.

    `planes` is 2, the real and the imaginary part of one spectrogram, unless the encoder is made for more of them: a
    spatializer that shows it several spectrograms lays them one after the other.
    """

    levels: tuple[FeatureLevel, ...]
    planes: int = 2

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    @abstractmethod
    def forward(self, spectrogram: Tensor) -> list[Tensor]:
        """spectrogram (B, `planes`, F, M), real then imaginary -> one map a level, finest first."""


class MaskGenerator(nn.Module, ABC):
    """Feature maps and visual features to masks; how sound and picture meet is its business.

    Constructed as `Target(settings, levels=..., visual=...)`: the audio encoder's levels and the visual encoder's
    `FeatureShape`, None for a model without pictures.
    """

    def __init__(self, settings: Any, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__()
        self.settings = settings
        self.levels = tuple(levels)
        self.visual = visual

    @property
    def supports_variable_length(self) -> bool:
        """Whether `forward` also takes spectrograms of other lengths, and with them visual features that vary along
        time: (B, S, C, N', H', W'), where S is M divided by the coarsest level's reduction and visual[:, s] belongs to
        the frames of step s. Inference in one pass (`--mode continuous`) needs it."""
        return False

    @abstractmethod
    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        """maps finest first, visual (B, C, N', H', W') or None, mixture (B, 2, F, M) -> masks (B, 2, F, M)."""


class Discriminator(nn.Module, ABC):
    """Tells true difference spectrograms from generated ones. Constructed as `Target(settings, visual=...)`.

    `visual` is the shape of the features that it looks at; None if there are none, or if it chooses not to look.
    """

    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__()
        self.settings = settings
        self.visual = visual

    @abstractmethod
    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        """difference spectrogram (B, 2, F, M), visual (B, C, N', H', W') or None -> judgement."""
