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
    """Sports-1M weights, `c3d.pickle` or `c3d-pretrained.pth`; `false` trains from scratch. There is no
    default: the two are different methods."""
    pooling: Literal["late", "early"] = "late"
    """Which two pools halve time: the last two (`late`), or the second and third (`early`)."""
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
    """Planes that come in: 2 for the mixture's spectrogram, and 2 for each further spectrogram."""


class UnetMaskSettings(Settings):
    """Up-convolutions with skips; its channels follow from the audio encoder's levels."""

    visual_channels: int = setting(8, ge=1, le=4096)
    """Channels that a 1x1 convolution leaves of the visual features before they are repeated over the audio map."""
    order: Literal["visual_audio", "audio_visual"] = "visual_audio"
    """Order in which they are concatenated at the bottleneck. MONO2BINAURAL's weights need `visual_audio`."""
    activation: Literal["tanh", "sigmoid"] = "tanh"
    """What bounds the mask to -1..1: `tanh` (SAGM), or `sigmoid`, times 2 minus 1 (MONO2BINAURAL)."""


class VisualPatchSettings(Settings):
    """Encoder like AudioNet, pictures joined as in the mask generator, two convolutions, average pooling."""

    example = {"width": 1 / 16}

    visual: bool = True
    """Whether it sees the pictures' features; false is the ablation "D w/o V"."""
    visual_channels: int = setting(8, ge=1, le=4096)
    """Channels that a 1x1 convolution leaves of the visual features."""
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
    """Pictures to features; `null` is the ablation without pictures."""
    audio_encoder: AudioEncoderChoice
    """The mixture's spectrogram to feature maps."""
    mask_generator: MaskGeneratorChoice
    """Feature maps and visual features to masks."""
    side_weight: float = setting(0.5, ge=0, le=100)
    """Weight of each loss term on the left and right masks, relative to the difference's (APNet); without effect for
    a mask generator that predicts the difference alone."""
