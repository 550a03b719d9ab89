"""Settings of APNet, AssoConv and Sep-Stereo. No torch here: recipes are checked without it."""

from __future__ import annotations

from typing import Literal

from avspatial_mono2binaural.settings import Mono2BinauralSettings
from avspatial_resnet.settings import ResnetSettings
from pydantic import model_validator

from avspatial.models import UnetMaskSettings
from avspatial.settings import DatasetChoice, setting
from avspatial.training import StageSettings, TrainerSettings


class DilatedResnetSettings(ResnetSettings):
    """A network of timm whose features are one in 16 instead of one in 32 pixels, then averaged over squares."""

    pool: int = setting(2, ge=1, le=16)
    """Side of the squares over which the features are averaged."""


class ApnetSettings(UnetMaskSettings):
    """The U-Net's up-convolutions for the difference; what they find and the picture, place by place, for the sides."""

    activation: Literal["tanh", "sigmoid"] = "sigmoid"
    """What bounds all three masks to -1..1: `tanh`, or `sigmoid`, times 2 minus 1 (as published)."""
    variant: Literal["apnet", "assoconv"] = "apnet"
    """Which maps of the U-Net are joined with the picture: all, in a pyramid (`apnet`), or the finest (`assoconv`)."""


class SepStereoSettings(Mono2BinauralSettings):
    """MONO2BINAURAL's networks, and masks for left and right."""

    example = {
        "visual_encoder": {"use": "sepstereo.dilated_resnet", "pretrained": False},
        "audio_encoder": {"use": "avspatial.unet", "width": 1 / 16},
        "mask_generator": "sepstereo.apnet",
    }

    output: Literal["fused", "backbone"] = "fused"
    """Where the stereo comes from: the masks for left and right (`fused`), or the one for the difference."""

    @model_validator(mode="after")
    def _as_in_the_paper(self) -> SepStereoSettings:
        """Weights fit either order and either bound: only the settings can keep the function."""
        mask = self.mask_generator.settings
        if not isinstance(mask, ApnetSettings) or (mask.activation, mask.order) != ("sigmoid", "visual_audio"):
            raise ValueError("Sep-Stereo's mask_generator is {use: apnet, activation: sigmoid, order: visual_audio}")
        if self.visual_encoder is None:
            raise ValueError("Sep-Stereo needs a visual_encoder: it joins audio and images position by position")
        return self


class SeparationSettings(StageSettings):
    """The first stage of Sep-Stereo: separation alone."""

    epochs: int = setting(200, unit="epochs", ge=1)
    """How long: passes over the solos."""
    schedule: Literal["constant", "step", "cosine"] = "step"
    """How the learning rates move."""
    decay_every: int = setting(2, unit="epochs", ge=1)
    """Epochs between two factors of the `step` schedule."""
    lr: float = setting(1e-3, gt=0, le=10)
    """Adam's learning rate."""
    lr_visual: float | None = setting(None, ge=0, le=10)
    """Learning rate of the visual encoder; `lr` where not given."""
    lr_fusion: float | None = setting(None, ge=0, le=10)
    """Learning rate of what joins sound and picture for left and right; `lr` where not given."""


class SepStereoTrainerSettings(TrainerSettings):
    """Separation of two solos is stereo with sources at the far ends: trained alone first, then with stereo."""

    example_spatializer = "sepstereo.sepstereo"
    example = {"solos": {"use": "avspatial.solos", "root": "{folder}"}}

    solos: DatasetChoice
    """Videos of one instrument each; their sound is taken as mono."""
    loss: Literal["mse", "l1"] = "l1"
    """Distance to the reference, in both stages."""
    separation: SeparationSettings | None = SeparationSettings()
    """The first stage; `null` leaves it out."""
    separation_weight: float = setting(0.4, ge=0, le=100)
    """Weight of separation relative to stereo in the second stage."""
    lr_fusion: float | None = setting(None, ge=0, le=10)
    """Learning rate, in the second stage, of what joins sound and picture for left and right; `lr` where not given."""

    @model_validator(mode="after")
    def _both_stages(self) -> SepStereoTrainerSettings:
        first = self.separation.steps if self.separation else None
        if self.steps is not None and first is not None and first >= self.steps:
            raise ValueError(
                f"steps counts both stages; separation.steps {first} of {self.steps} leave nothing for the second"
            )
        return self
