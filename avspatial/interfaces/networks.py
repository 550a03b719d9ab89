"""Parts of a masking model: encoders, mask generator and discriminator, and the types that pass between them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class FeatureShape:
    """Shape of visual features without the batch, (C, N', H', W').

    Attributes:
        channels: C.
        images: N'.
        height: H'.
        width: W'.
    """

    channels: int
    images: int
    height: int
    width: int


@dataclass(frozen=True)
class FeatureLevel:
    """One level of an audio encoder.

    Attributes:
        channels: C.
        reduction: Factor by which F and M are divided.
    """

    channels: int
    reduction: int


@dataclass(frozen=True)
class Masks:
    """Complex ratio masks of the mixture, each (B, 2, F, M), real then imaginary.

    Attributes:
        difference: Mask whose product with the mixture is the difference.
        left: Mask of the left channel, if there is one.
        right: Mask of the right channel, if there is one.
    """

    difference: Tensor
    left: Tensor | None = None
    right: Tensor | None = None


@dataclass(frozen=True)
class Judgement:
    """Output of a discriminator.

    Attributes:
        logits: (B, ...), before the sigmoid.
        features: Its inner feature maps.
    """

    logits: Tensor
    features: Sequence[Tensor] = ()


class VisualEncoder(nn.Module, ABC):
    """Network from images to features. Constructed as `Target(settings)`. It normalises the images itself.

    Args:
        settings: The component's settings.

    Attributes:
        channels: C of the features.
        reductions: Factors by which N, H and W are divided, rounding down.
    """

    channels: int
    reductions: tuple[int, int, int]

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    def shape(self, images: int, height: int, width: int) -> FeatureShape:
        """Shape of the features.

        Args:
            images: N.
            height: H, pixels.
            width: W, pixels.

        Returns:
            Shape of the result of `forward`, without the batch.
        """
        time, down, across = self.reductions
        return FeatureShape(self.channels, images // time, height // down, width // across)

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Encode images.

        Args:
            images: (B, N, 3, H, W), RGB in [0, 1].

        Returns:
            Features (B, C, N', H', W').
        """


class AudioEncoder(nn.Module, ABC):
    """Network from spectrogram to feature maps. Constructed as `Target(settings)`.

    Args:
        settings: The component's settings.

    Attributes:
        levels: The feature maps, finest first.
        planes: Planes of the input: 2, the real and the imaginary part of one spectrogram, unless the encoder is made
            for several spectrograms, whose planes are concatenated.
    """

    levels: tuple[FeatureLevel, ...]
    planes: int = 2

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings = settings

    @abstractmethod
    def forward(self, spectrogram: Tensor) -> list[Tensor]:
        """Encode spectrograms.

        Args:
            spectrogram: (B, planes, F, M), real then imaginary.

        Returns:
            One feature map for each level, finest first.
        """


class MaskGenerator(nn.Module, ABC):
    """Network from audio and visual features to masks. Constructed as `Target(settings, levels=..., visual=...)`.

    Args:
        settings: The component's settings.
        levels: The audio encoder's levels.
        visual: Shape of the visual features; None for a model without images.
    """

    def __init__(self, settings: Any, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__()
        self.settings = settings
        self.levels = tuple(levels)
        self.visual = visual

    @property
    def supports_variable_length(self) -> bool:
        """Whether `forward` also takes spectrograms of other lengths with visual features that vary along time.

        These are (B, S, C, N', H', W'): S is M divided by the coarsest level's reduction, and visual[:, s] belongs to
        the frames of step s. Inference in one pass (`--mode continuous`) needs it.
        """
        return False

    @abstractmethod
    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        """Generate masks.

        Args:
            maps: The audio encoder's feature maps, finest first.
            visual: (B, C, N', H', W'), or None.
            mixture: Spectrogram (B, 2, F, M).

        Returns:
            Masks (B, 2, F, M).
        """


class Discriminator(nn.Module, ABC):
    """Network that tells true difference spectrograms from generated ones: `Target(settings, visual=...)`.

    Args:
        settings: The component's settings.
        visual: Shape of the visual features; None if there are none, or if the discriminator does not use them.
    """

    def __init__(self, settings: Any, *, visual: FeatureShape | None) -> None:
        super().__init__()
        self.settings = settings
        self.visual = visual

    @abstractmethod
    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        """Judge difference spectrograms.

        Args:
            difference: (B, 2, F, M).
            visual: (B, C, N', H', W'), or None.

        Returns:
            Logits and feature maps.
        """
