"""Settings of the Main and the Complete network. No torch here: recipes are checked without it."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from avspatial.models import MaskingSettings, UnetMaskSettings
from avspatial.settings import AudioEncoderChoice, setting


class AvafmSettings(UnetMaskSettings):
    """The U-Net's up-convolutions, each but the last followed by an audio-visual attention fusion module (AVAFM)."""

    activation: Literal["tanh", "sigmoid"] = "sigmoid"
    """Function that bounds the mask to -1..1: 2 `sigmoid` - 1 (as in MONO2BINAURAL, the front end), or `tanh`."""
    narrowing: int = setting(4, ge=1, le=64)
    """Factor by which attention reduces the channels of a map, audio and visual alike."""


class CompleteSettings(MaskingSettings):
    """Masking in several passes: the first predicts a mask, every later one adds a residual to it."""

    example = {
        "visual_encoder": {"use": "resnet.resnet", "backbone": "test_resnet", "pretrained": False},
        "audio_encoder": {"use": "avspatial.unet", "width": 1 / 16},
        "refining_encoder": {"use": "avspatial.unet", "width": 1 / 16, "planes": 4},
        "mask_generator": {"use": "mafnet.avafm"},
    }

    refining_encoder: AudioEncoderChoice | None = None
    """Audio encoder of the passes after the first, with `planes` 4 for `feedback: difference` and 2 for `none`. `null`
    if no pass needs one: with `passes: 1` or `shared: all`."""
    passes: int = setting(2, ge=1, le=8)
    """Number of passes, including the first (K)."""
    shared: Literal["none", "later", "all"] = "later"
    """Which passes share one encoder and one mask generator: `none`, all but the first (`later`), or `all`; with
    `all` the first pass gets a difference of zeros. The visual encoder is always shared."""
    feedback: Literal["difference", "none"] = "difference"
    """Input of later passes in addition to the mixture: the spectrogram of the difference predicted so far, or
    nothing."""

    @model_validator(mode="after")
    def _an_encoder_for_every_pass(self) -> CompleteSettings:
        needed = self.passes > 1 and self.shared != "all"
        if needed and self.refining_encoder is None:
            raise ValueError("the passes after the first need a refining_encoder, or `shared: all`")
        if not needed and self.refining_encoder is not None:
            why = "one pass" if self.passes == 1 else "`shared: all`"
            raise ValueError(f"with {why} no pass would use refining_encoder: set it to null")
        if self.passes > 1 and (self.shared, self.feedback) == ("all", "none"):
            raise ValueError("with `shared: all` and `feedback: none` every pass would compute the same")
        return self
