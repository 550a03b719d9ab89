"""Settings of the encoder. No torch here: recipes are checked without it."""

from __future__ import annotations

from pathlib import Path

from pydantic import StrictBool

from avspatial.settings import Settings, setting


class ResnetSettings(Settings):
    """A convolutional network of timm, applied to each image separately."""

    example = {"pretrained": False}

    backbone: str = setting(
        "resnet18", pattern=r"^[a-z0-9_.]+$", form="lower case letters, digits and . _", max_length=120
    )
    """Model name in timm, with or without a tag (`resnet18.a1_in1k`)."""
    pretrained: StrictBool | Path = setting()
    """`true`: timm's own weights, which must be on this machine; `false`: from scratch; or a file of weights. There is
    no default, because these are different methods."""
    average: int = setting(1, unit="images", ge=1, le=64)
    """Number of consecutive images whose features are averaged; 4 reduces time as SAGM's C3D does."""
