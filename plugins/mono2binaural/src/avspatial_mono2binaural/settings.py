"""Settings of MONO2BINAURAL. No torch here: recipes are checked without it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from avspatial.models import MaskingSettings, UnetMaskSettings

_LAYERS = "use: unet, activation: sigmoid, order: visual_audio"


class Mono2BinauralSettings(MaskingSettings):
    """A masking spatializer with the paper's layers; widths and initial weights can be set."""

    example = {
        "visual_encoder": {"use": "resnet.resnet", "pretrained": False},
        "audio_encoder": {"use": "avspatial.unet", "width": 1 / 16},
        "mask_generator": {"use": "avspatial.unet", "activation": "sigmoid", "order": "visual_audio"},
    }

    pretrained: Literal[False] | Path = False
    """File from `avspatial weights import` with all weights, including the visual encoder's; `false`: no file."""

    @model_validator(mode="after")
    def _as_in_the_paper(self) -> Mono2BinauralSettings:
        """Weights fit either order and either bound: only the settings can keep the function."""
        mask = self.mask_generator.settings
        if not isinstance(mask, UnetMaskSettings) or (mask.activation, mask.order) != ("sigmoid", "visual_audio"):
            raise ValueError(f"MONO2BINAURAL's mask_generator is {{{_LAYERS}}}")
        return self
