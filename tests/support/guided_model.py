"""SAGM's networks with a few channels and a strong influence of the images on the output."""

from __future__ import annotations

import torch

from avspatial.framing import Framing
from avspatial.models.masking import MaskingSpatializer
from avspatial.models.settings import C3dSettings, MaskingSettings, UnetEncoderSettings, UnetMaskSettings
from avspatial.registry import Registry
from avspatial.settings import Selected


def guided_model(
    framing: Framing, registry: Registry, *, visual_width: float, width: float, louder: float
) -> MaskingSpatializer:
    """Widths of C3D and of the U-Net; `louder` is what the weights of the up-convolutions are multiplied by."""
    visual = C3dSettings(pretrained=False, width=visual_width)
    settings = MaskingSettings.model_validate(
        {
            "visual_encoder": Selected("visual_encoder", "avspatial.c3d", "1", visual),
            "audio_encoder": Selected("audio_encoder", "avspatial.unet", "1", UnetEncoderSettings(width=width)),
            "mask_generator": Selected("mask_generator", "avspatial.unet", "1", UnetMaskSettings()),
        }
    )
    torch.manual_seed(0)
    made = MaskingSpatializer(settings, framing=framing, builder=registry)
    torch.nn.init.normal_(made.mask_generator.last.weight, 0, 1)
    with torch.no_grad():
        made.mask_generator.fusion.reduce[0].weight.mul_(100)
        for up in made.mask_generator.convolutions:
            up[0].weight.mul_(louder)
    return made.eval()
