"""Decoder of the Main network: MONO2BINAURAL's, with audio-visual attention at every level."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.interfaces import FeatureLevel, FeatureShape
from avspatial.models import UnetMaskGenerator, initialise
from avspatial_mafnet.attention import Avafm
from avspatial_mafnet.settings import AvafmSettings


class AvafmMaskGenerator(UnetMaskGenerator):
    """The U-Net's decoder with visual features tiled at its bottleneck, and an AVAFM after each of up1, up2, ...

    All up-convolutions but the last have one; it takes the visual feature map as the visual encoder gives it.
    RecipeError for a model without images, and as `UnetMaskGenerator`.
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

    @property
    def supports_variable_length(self) -> bool:
        """No: attention reaches every frame of the window."""
        return False

    def refine(self, index: int, decoded: Tensor, visual: Tensor | None) -> Tensor:
        """decoded (B, C, F', M'), visual (B, C', N', H', W') -> (B, C, F', M'), by attention to all images."""
        assert visual is not None, "built for visual features"
        refined: Tensor = self.attention[index](decoded, visual.flatten(2, 3))
        return refined
