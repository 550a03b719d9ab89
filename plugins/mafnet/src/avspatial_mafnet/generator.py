"""The decoder of the Main network: MONO2BINAURAL's, with attention between sound and picture at every level."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.interfaces import FeatureLevel, FeatureShape
from avspatial.models.unet import UnetMaskGenerator, initialise
from avspatial_mafnet.attention import Avafm
from avspatial_mafnet.settings import AvafmSettings


class AvafmMaskGenerator(UnetMaskGenerator):
    """The U-Net's decoder, pictures repeated at its bottleneck, and an AVAFM behind each of up1, up2, ... (all
    up-convolutions but the last), which takes the picture's map as the visual encoder gives it.

    RecipeError for a model without pictures, and as `UnetMaskGenerator`.
    """

    def __init__(self, settings: AvafmSettings, *, levels: Sequence[FeatureLevel], visual: FeatureShape | None) -> None:
        super().__init__(settings, levels=levels, visual=visual)
        if visual is None:
            raise RecipeError(
                "attention between sound and picture needs pictures, and the model has no visual encoder",
                where="model.mask_generator",
                fix="Give the model a visual encoder, or take the mask generator unet.",
            )
        decoded = [level.channels for level in self.levels[-2::-1]]
        self.attention = nn.ModuleList(Avafm(count, visual.channels, settings.narrowing) for count in decoded)
        initialise(self.attention.modules())

    def refine(self, place: int, decoded: Tensor, visual: Tensor | None) -> Tensor:
        """decoded (B, C, F', M'), visual (B, C', N', H', W') -> (B, C, F', M'); all pictures are attended to."""
        assert visual is not None, "built for visual features"
        refined: Tensor = self.attention[place](decoded, visual.flatten(2, 3))
        return refined
