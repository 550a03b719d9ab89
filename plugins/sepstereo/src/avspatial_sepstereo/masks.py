"""Associative fusion (Zhou et al., "Sep-Stereo", ECCV 2020): one audio map for each position in the image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.interfaces import FeatureLevel, FeatureShape, Masks
from avspatial.models import UnetMaskGenerator, initialise, squash, up
from avspatial_sepstereo.settings import ApnetSettings


class Associative(nn.Module):
    """The features of each position P in the image become weights of the audio channels: one audio map a position."""

    def __init__(self, visual: int, audio: int) -> None:
        super().__init__()
        self.weights = nn.Conv1d(visual, audio, 1)

    def forward(self, audio: Tensor, positions: Tensor) -> Tensor:
        """audio (B, C, F, M), positions (B, C', P) -> (B, P, F, M)."""
        weights = self.weights(positions).relu()
        return torch.einsum("bcp,bcfm->bpfm", weights, audio)


class ApnetHead(nn.Module):
    """Joins the decoder's maps with the image, coarsest first; the result of a level is up-convolved into the next.

    With a single map (AssoConv) there is no up-convolution.
    """

    def __init__(self, channels: Sequence[int], visual: FeatureShape) -> None:
        super().__init__()
        positions = visual.images * visual.height * visual.width
        self.fusions = nn.ModuleList(Associative(visual.channels, count) for count in channels)
        inputs = [positions] + [2 * positions] * (len(channels) - 1)
        self.ups = nn.ModuleList(up(count, positions) for count in inputs[:-1])
        self.left = nn.ConvTranspose2d(inputs[-1], 2, 4, 2, 1)
        self.right = nn.ConvTranspose2d(inputs[-1], 2, 4, 2, 1)
        initialise(self.modules())

    def forward(self, decoded: Sequence[Tensor], visual: Tensor) -> tuple[Tensor, Tensor]:
        """decoded coarsest first, visual (B, C, N', H', W') -> left and right (B, 2, F, M) before their bounds."""
        positions = visual.flatten(2)
        joined = self.fusions[0](decoded[0], positions)
        for up_convolution, fusion, audio in zip(self.ups, self.fusions[1:], decoded[1:], strict=True):
            joined = torch.cat((fusion(audio, positions), up_convolution(joined)), 1)
        return self.left(joined), self.right(joined)


class ApnetMaskGenerator(UnetMaskGenerator):
    """The U-Net's mask for the difference, and APNet's or AssoConv's masks for left and right.

    RecipeError for levels that the U-Net refuses, and without visual features.
    """

    def __init__(self, settings: ApnetSettings, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        if visual is None:
            raise RecipeError(
                "APNet joins audio and images position by position, and the model has no visual encoder",
                where="model.mask_generator",
                fix="Give the model a visual_encoder, or take the mask generator unet.",
            )
        channels = [level.channels for level in self.levels[-2::-1]]
        self.head = ApnetHead(channels if settings.variant == "apnet" else channels[-1:], visual)

    @property
    def supports_variable_length(self) -> bool:
        """No: the head takes one feature map for all frames."""
        return False

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        """maps finest first, visual (B, C, N', H', W'), mixture (B, 2, F, M) -> three masks in -1..1."""
        assert visual is not None, "built for visual features"
        decoded = self.decode(maps, visual)
        last = self.last(torch.cat((decoded[-1], maps[0]), 1))
        sides = self.head(decoded[-len(self.head.fusions) :], visual)
        return Masks(*(squash(output, self.settings.activation) for output in (last, *sides)))
