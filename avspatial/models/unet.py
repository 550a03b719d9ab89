"""U-Net over the spectrogram: AudioNet and the generator of SAGM (arXiv 2311.07630, section 3.2).

With one image and a sigmoid, the same layers are MONO2BINAURAL's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from avspatial.errors import RecipeError
from avspatial.interfaces import AudioEncoder, FeatureLevel, FeatureShape, MaskGenerator, Masks
from avspatial.models.fusion import TiledVisual
from avspatial.models.settings import UnetEncoderSettings, UnetMaskSettings

CHANNELS = (64, 128, 256, 512, 512)


def initialise(modules: Iterable[nn.Module]) -> None:
    """Initialise as pix2pix and MONO2BINAURAL: convolutions N(0, 0.02), normalisation N(1, 0.02), biases 0.

    Args:
        modules: The modules; all but convolutions and normalisations are left as they are.
    """
    for module in modules:
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def down(inputs: int, outputs: int) -> nn.Sequential:
    """Convolution 4x4, stride 2, with normalisation and LeakyReLU: (B, inputs, F, M) -> (B, outputs, F / 2, M / 2)."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))


def up(inputs: int, outputs: int) -> nn.Sequential:
    """Make an up-convolution 4x4 with normalisation and ReLU: (B, inputs, F, M) -> (B, outputs, 2 F, 2 M).

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.

    Returns:
        The three layers.
    """
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.ReLU())


class UnetEncoder(AudioEncoder):
    """Five convolutions, each halving F and M: channels 64, 128, 256, 512, 512 times `width`.

    Args:
        settings: Width and planes.
    """

    def __init__(self, settings: UnetEncoderSettings) -> None:
        super().__init__(settings)
        channels = [max(1, round(count * settings.width)) for count in CHANNELS]
        self.levels = tuple(FeatureLevel(count, 2 ** (depth + 1)) for depth, count in enumerate(channels))
        self.planes = settings.planes
        self.convolutions = nn.ModuleList(
            down(inputs, outputs) for inputs, outputs in zip([self.planes, *channels], channels, strict=False)
        )
        initialise(self.modules())

    def forward(self, spectrogram: Tensor) -> list[Tensor]:
        """spectrogram (B, planes, F, M), F and M multiples of 32 -> maps (B, C, F / 2^k, M / 2^k), finest first."""
        maps = [spectrogram]
        for convolution in self.convolutions:
            maps.append(convolution(maps[-1]))
        return maps[1:]


class UnetMaskGenerator(MaskGenerator):
    """One up-convolution for each level; its input is the decoder's map, then the encoder's map of the same size.

    Args:
        settings: Fusion of the visual features, and the bound of the mask.
        levels: The audio encoder's levels.
        visual: Shape of the visual features; None for a model without images.

    Raises:
        RecipeError: The levels are not successive halvings.
    """

    def __init__(
        self, settings: UnetMaskSettings, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None
    ) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        reductions = [level.reduction for level in self.levels]
        if not reductions or reductions != [2 ** (depth + 1) for depth in range(len(reductions))]:
            raise RecipeError(
                f"the U-Net's up-convolutions undo halvings (2, 4, 8, ...); this audio encoder reduces by {reductions}",
                where="model.mask_generator",
                fix="Choose another audio encoder, or a mask generator made for it.",
            )
        channels = [level.channels for level in self.levels]
        self.fusion = TiledVisual(visual, settings.visual_channels) if visual else None
        inputs = [
            channels[-1] + (self.fusion.channels if self.fusion else 0),
            *(2 * count for count in channels[-2::-1]),
        ]
        self.convolutions = nn.ModuleList(up(a, b) for a, b in zip(inputs, channels[-2::-1], strict=False))
        self.last = nn.ConvTranspose2d(inputs[-1], 2, 4, 2, 1)
        initialise(self.modules())

    @property
    def supports_variable_length(self) -> bool:
        """True; a subclass that uses the maps in another way must override it."""
        return True

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        """maps finest first, visual (B, C, N', H', W') or None, mixture (B, 2, F, M) -> difference mask in -1..1."""
        decoded = self.decode(maps, visual)
        return Masks(squash(self.last(torch.cat((decoded[-1], maps[0]), 1)), self.settings.activation))

    def decode(self, maps: Sequence[Tensor], visual: Tensor | None) -> list[Tensor]:
        """Compute the outputs of the up-convolutions up1, up2, ..., without the encoder's maps.

        Args:
            maps: The audio encoder's feature maps, finest first.
            visual: Visual features, or None.

        Returns:
            The decoder's maps, coarsest first.
        """
        *skips, bottleneck = maps
        decoded = [self.refine(0, self._first(bottleneck, visual), visual)]
        for index, skip in enumerate(reversed(skips[1:]), 1):
            joined = torch.cat((decoded[-1], skip), 1)
            decoded.append(self.refine(index, self.convolutions[index](joined), visual))
        return decoded

    def _first(self, bottleneck: Tensor, visual: Tensor | None) -> Tensor:
        """up1 of the bottleneck and the visual features.

        Without gradients their two parts of the first up-convolution are computed separately: the visual part, most of
        the channels, is the same at every position and costs almost nothing so. Equal up to rounding.
        """
        first = cast(nn.Sequential, self.convolutions[0])
        up_convolution = cast(nn.ConvTranspose2d, first[0])
        # Optimisation for inference may have replaced it by a module with weights of another shape.
        separable = isinstance(up_convolution, nn.ConvTranspose2d) and not torch.is_grad_enabled()
        if self.fusion is None or visual is None or visual.ndim == 6 or not separable:
            return first(self._join(bottleneck, visual))
        split = [self.fusion.channels, bottleneck.shape[1]]
        if self.settings.order == "visual_audio":
            visual_weight, audio_weight = up_convolution.weight.split(split)
        else:
            audio_weight, visual_weight = up_convolution.weight.split(split[::-1])
        audio = functional.conv_transpose2d(bottleneck, audio_weight, up_convolution.bias, 2, 1)
        return first[1:](audio + up_convolve_constant(self.fusion(visual, (2, 2)), visual_weight, audio.shape[-2:]))

    def refine(self, index: int, decoded: Tensor, visual: Tensor | None) -> Tensor:
        """Refine the output of an up-convolution: for subclasses; here it stays unchanged.

        Args:
            index: Number of the up-convolution; 0 is up1.
            decoded: Its output.
            visual: Visual features, or None.

        Returns:
            The refined map, of the same shape.
        """
        return decoded

    def _join(self, bottleneck: Tensor, visual: Tensor | None) -> Tensor:
        if self.fusion is None:
            return bottleneck
        assert visual is not None, "built for visual features"
        parts = (self.fusion(visual, (bottleneck.shape[-2], bottleneck.shape[-1])), bottleneck)
        return torch.cat(parts if self.settings.order == "visual_audio" else parts[::-1], 1)


def up_convolve_constant(constant: Tensor, weight: Tensor, size: Sequence[int]) -> Tensor:
    """Up-convolution (4/2/1, no bias) of maps that are constant over all positions; even sides of at least 4.

    constant (B, C, 2, 2) -> (B, C', *size). The result has four different rows and columns, those of the smallest map:
    the first, the odd ones, the even ones and the last.
    """
    smallest = functional.conv_transpose2d(constant, weight, None, 2, 1)
    for axis, length in zip((-2, -1), size, strict=True):
        indices = [0, *([1, 2] * (length // 2 - 1)), 3]
        smallest = smallest.index_select(axis, torch.tensor(indices, device=constant.device))
    return smallest


def squash(last: Tensor, activation: str) -> Tensor:
    """Bound the output of a last layer to a mask.

    Args:
        last: Any shape.
        activation: "tanh", or "sigmoid" for 2 sigmoid - 1.

    Returns:
        float32 in -1..1, of the same shape.
    """
    # autocast may give bfloat16, too coarse to multiply a spectrogram with
    last = last.float()
    return last.tanh() if activation == "tanh" else last.sigmoid() * 2 - 1
