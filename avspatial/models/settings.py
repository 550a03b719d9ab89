"""Settings of the built-in networks. No torch here: recipes are checked without it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from avspatial.settings import AudioEncoderChoice, MaskGeneratorChoice, Settings, VisualEncoderChoice, setting


class C3dSettings(Settings):
    """C3D up to conv5b, time reduced by 4: SAGM's VideoNet."""

    example = {"pretrained": False, "width": 1 / 16}

    pretrained: Literal[False] | Path = setting()
    """File of Sports-1M weights (`c3d.pickle` or `c3d-pretrained.pth`), or `false` to train from scratch. There is no
    default, because the two are different methods."""
    pooling: Literal["late", "early"] = "late"
    """Which two pooling layers halve time: the last two (`late`), or the second and third (`early`)."""
    width: float = setting(1.0, ge=1 / 64, le=4)
    """Channels, as a multiple of C3D's (64 to 512); pretrained weights need 1."""

    @model_validator(mode="after")
    def _pretrained_width(self) -> C3dSettings:
        if self.pretrained and self.width != 1:
            raise ValueError(f"pretrained weights need width 1, not {self.width:g}")
        return self


class UnetEncoderSettings(Settings):
    """Five convolutions 4x4, stride 2, with batch normalisation and LeakyReLU(0.2): SAGM's AudioNet."""

    example = {"width": 1 / 16}

    width: float = setting(1.0, ge=1 / 64, le=4)
    """Channels, as a multiple of 64, 128, 256, 512, 512."""
    planes: int = setting(2, ge=2, le=16, multiple_of=2)
    """Input planes: 2 for the mixture's spectrogram, and 2 for each further spectrogram."""


class UnetMaskSettings(Settings):
    """Up-convolutions with skips; its channels follow from the audio encoder's levels."""

    visual_channels: int = setting(8, ge=1, le=4096)
    """Channels to which a 1x1 convolution reduces the visual features before they are tiled over the audio map."""
    order: Literal["visual_audio", "audio_visual"] = "visual_audio"
    """Order in which visual features and audio map are concatenated at the bottleneck. MONO2BINAURAL's weights
    need `visual_audio`."""
    activation: Literal["tanh", "sigmoid"] = "tanh"
    """Function that bounds the mask to -1..1: `tanh` (SAGM), or 2 `sigmoid` - 1 (MONO2BINAURAL)."""


class VisualPatchSettings(Settings):
    """Encoder like AudioNet, visual features joined as in the mask generator, two convolutions, average pooling."""

    example = {"width": 1 / 16}

    visual: bool = True
    """Whether the discriminator gets the visual features; false is the ablation "D w/o V"."""
    visual_channels: int = setting(8, ge=1, le=4096)
    """Channels to which a 1x1 convolution reduces the visual features."""
    width: float = setting(1.0, ge=1 / 64, le=4)
    """Channels, as a multiple of AudioNet's."""


class MaskingSettings(Settings):
    """A spatializer that predicts the difference as a complex ratio mask of the mixture."""

    example = {
        "visual_encoder": {"use": "avspatial.c3d", **C3dSettings.example},
        "audio_encoder": {"use": "avspatial.unet", **UnetEncoderSettings.example},
        "mask_generator": "avspatial.unet",
    }

    visual_encoder: VisualEncoderChoice | None = setting()
    """Network from images to visual features; `null` is the ablation without images."""
    audio_encoder: AudioEncoderChoice
    """Network from the mixture's spectrogram to feature maps."""
    mask_generator: MaskGeneratorChoice
    """Network from feature maps and visual features to masks."""
    side_weight: float = setting(0.5, ge=0, le=100)
    """Weight of each loss term on the left and right masks, relative to the difference's (APNet); without effect for
    a mask generator that predicts the difference alone."""
