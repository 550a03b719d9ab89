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
    """A network of timm with stride 16 instead of 32, by dilation, whose features are then averaged over squares."""

    pool: int = setting(2, ge=1, le=16)
    """Side of the squares over which the features are averaged."""


class ApnetSettings(UnetMaskSettings):
    """U-Net decoder with a mask for the difference, and masks for left and right from associative fusion."""

    activation: Literal["tanh", "sigmoid"] = "sigmoid"
    """Function that bounds all three masks to -1..1: `tanh`, or 2 `sigmoid` - 1 (as published)."""
    variant: Literal["apnet", "assoconv"] = "apnet"
    """Which maps of the U-Net are fused with visual features: all, in a pyramid (`apnet`), or the finest
    (`assoconv`)."""


class SepStereoSettings(Mono2BinauralSettings):
    """MONO2BINAURAL's networks, and masks for left and right."""

    example = {
        "visual_encoder": {"use": "sepstereo.dilated_resnet", "pretrained": False},
        "audio_encoder": {"use": "avspatial.unet", "width": 1 / 16},
        "mask_generator": "sepstereo.apnet",
    }

    output: Literal["fused", "backbone"] = "fused"
    """Source of the stereo: the masks for left and right (`fused`), or the mask for the difference (`backbone`)."""

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
    """Length of the stage in passes over the solos."""
    schedule: Literal["constant", "step", "cosine"] = "step"
    """Learning rates after the warm-up: `constant`, `step` or `cosine`."""
    decay_every: int = setting(2, unit="epochs", ge=1)
    """Epochs between two decays of the `step` schedule."""
    lr: float = setting(1e-3, gt=0, le=10)
    """Adam's learning rate."""
    lr_visual: float | None = setting(None, ge=0, le=10)
    """Learning rate of the visual encoder [default: `lr`]."""
    lr_fusion: float | None = setting(None, ge=0, le=10)
    """Learning rate of the associative fusion [default: `lr`]."""


class SepStereoTrainerSettings(TrainerSettings):
    """Two stages: separation of pairs of solos, placed at the far left and right; then separation and stereo."""

    example_spatializer = "sepstereo.sepstereo"
    example = {"solos": {"use": "avspatial.solos", "root": "{folder}"}}

    solos: DatasetChoice
    """Data set of solos: videos of one instrument each, with mono audio."""
    loss: Literal["mse", "l1"] = "l1"
    """Distance to the reference, in both stages."""
    separation: SeparationSettings | None = SeparationSettings()
    """The first stage; `null` leaves it out."""
    separation_weight: float = setting(0.4, ge=0, le=100)
    """Weight of separation relative to stereo in the second stage."""
    lr_fusion: float | None = setting(None, ge=0, le=10)
    """Learning rate of the associative fusion in the second stage [default: `lr`]."""

    @model_validator(mode="after")
    def _both_stages(self) -> SepStereoTrainerSettings:
        first = self.separation.steps if self.separation else None
        if self.steps is not None and first is not None and first >= self.steps:
            raise ValueError(
                f"steps counts both stages; separation.steps {first} of {self.steps} leave nothing for the second"
            )
        return self
