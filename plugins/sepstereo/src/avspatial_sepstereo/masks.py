"""Associative fusion (Zhou et al., "Sep-Stereo", ECCV 2020): what is heard at each place of the picture."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.interfaces import FeatureLevel, FeatureShape, Masks
from avspatial.models.unet import UnetMaskGenerator, initialise, squash, up
from avspatial_sepstereo.settings import ApnetSettings


class Associative(nn.Module):
    """The features of each place P of the picture become weights of the sound's channels: one map of sound a place."""

    def __init__(self, visual: int, sound: int) -> None:
        super().__init__()
        self.weights = nn.Conv1d(visual, sound, 1)

    def forward(self, sound: Tensor, places: Tensor) -> Tensor:
        """sound (B, C, F, M), places (B, C', P) -> (B, P, F, M)."""
        weights = self.weights(places).relu()
        return torch.einsum("bcp,bcfm->bpfm", weights, sound)


class ApnetHead(nn.Module):
    """The decoder's maps joined with the picture, coarsest first, each level's result going up into the next.

    With a single map (AssoConv) there is nothing to go up to.
    """

    def __init__(self, channels: Sequence[int], visual: FeatureShape) -> None:
        super().__init__()
        places = visual.images * visual.height * visual.width
        self.fusions = nn.ModuleList(Associative(visual.channels, count) for count in channels)
        inputs = [places] + [2 * places] * (len(channels) - 1)
        self.ups = nn.ModuleList(up(count, places) for count in inputs[:-1])
        self.left = nn.ConvTranspose2d(inputs[-1], 2, 4, 2, 1)
        self.right = nn.ConvTranspose2d(inputs[-1], 2, 4, 2, 1)
        initialise(self.modules())

    def forward(self, decoded: Sequence[Tensor], visual: Tensor) -> tuple[Tensor, Tensor]:
        """decoded coarsest first, visual (B, C, N', H', W') -> left and right (B, 2, F, M) before their bounds."""
        places = visual.flatten(2)
        joined = self.fusions[0](decoded[0], places)
        for rise, fusion, sound in zip(self.ups, self.fusions[1:], decoded[1:], strict=True):
            joined = torch.cat((fusion(sound, places), rise(joined)), 1)
        return self.left(joined), self.right(joined)


class ApnetMaskGenerator(UnetMaskGenerator):
    """The U-Net's mask for the difference, and APNet's or AssoConv's for left and right.

    RecipeError for levels that the U-Net refuses, and without visual features: there would be no places.
    """

    def __init__(self, settings: ApnetSettings, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        if visual is None:
            raise RecipeError(
                "APNet joins sound and picture place by place, and this model looks at no pictures",
                where="model.mask_generator",
                fix="Give the model a visual_encoder, or take the mask generator unet.",
            )
        channels = [level.channels for level in self.levels[-2::-1]]
        self.head = ApnetHead(channels if settings.variant == "apnet" else channels[-1:], visual)

    def forward(self, maps: Sequence[Tensor], visual: Tensor | None, mixture: Tensor) -> Masks:
        """maps finest first, visual (B, C, N', H', W'), mixture (B, 2, F, M) -> three masks in -1..1."""
        assert visual is not None, "built for visual features"
        decoded = self.decode(maps, visual)
        last = self.last(torch.cat((decoded[-1], maps[0]), 1))
        sides = self.head(decoded[-len(self.head.fusions) :], visual)
        return Masks(*(squash(each, self.settings.activation) for each in (last, *sides)))
