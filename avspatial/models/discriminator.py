"""SAGM's discriminator (arXiv 2311.07630, section 3.3): does a difference spectrogram belong to the images?"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avspatial.errors import RecipeError
from avspatial.interfaces import Discriminator, FeatureShape, Judgement
from avspatial.models.fusion import TiledVisual
from avspatial.models.settings import UnetEncoderSettings, VisualPatchSettings
from avspatial.models.unet import UnetEncoder, initialise


class VisualPatchDiscriminator(Discriminator):
    """An encoder like AudioNet, visual features tiled at its bottleneck, two convolutions, average pooling.

    The paper names the two convolutions without sizes. Here both are 3x3: the first keeps the encoder's channels
    (batch normalisation, LeakyReLU), the second gives one logit a patch; the result is their mean.
    RecipeError if it needs images and the model has no visual encoder.
    """

    def __init__(self, settings: VisualPatchSettings, *, visual: FeatureShape | None) -> None:
        super().__init__(settings, visual=visual if settings.visual else None)
        if settings.visual and visual is None:
            raise RecipeError(
                "the discriminator is to see images, but the model has no visual encoder",
                where="trainer.discriminator.visual",
                fix="Set visual: false for the discriminator, or give the model a visual encoder.",
            )
        self.encoder = UnetEncoder(UnetEncoderSettings(width=settings.width))
        channels = self.encoder.levels[-1].channels
        self.fusion = TiledVisual(visual, settings.visual_channels) if settings.visual and visual else None
        self.patch = nn.Sequential(
            nn.Conv2d(channels + (self.fusion.channels if self.fusion else 0), channels, 3, 1, 1),
            nn.BatchNorm2d(channels),
            nn.LeakyReLU(0.2),
            nn.Conv2d(channels, 1, 3, 1, 1),
        )
        initialise(self.modules())

    def forward(self, difference: Tensor, visual: Tensor | None) -> Judgement:
        """difference (B, 2, F, M), visual (B, C, N', H', W') or None -> logits (B,), features: the encoder's maps."""
        features = self.encoder(difference)
        top = features[-1]
        if self.fusion is not None:
            assert visual is not None, "built for visual features"
            top = torch.cat((self.fusion(visual, (top.shape[-2], top.shape[-1])), top), 1)
        return Judgement(self.patch(top).mean((1, 2, 3)), features)
