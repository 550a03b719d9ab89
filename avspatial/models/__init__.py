"""Networks: encoders, mask generators, the masking spatializer, and published weights.

Public, for plugins that build on them: what is listed in `__all__`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avspatial.models.masking import MaskingSpatializer, check_planes, check_spectrogram
    from avspatial.models.pretrained import load_exactly, read_weights
    from avspatial.models.settings import MaskingSettings, UnetEncoderSettings, UnetMaskSettings
    from avspatial.models.unet import UnetEncoder, UnetMaskGenerator, initialise, squash, up

__all__ = [
    "MaskingSettings",
    "MaskingSpatializer",
    "UnetEncoder",
    "UnetEncoderSettings",
    "UnetMaskGenerator",
    "UnetMaskSettings",
    "check_planes",
    "check_spectrogram",
    "initialise",
    "load_exactly",
    "read_weights",
    "squash",
    "up",
]

_MODULES = {
    **dict.fromkeys(("MaskingSettings", "UnetEncoderSettings", "UnetMaskSettings"), "settings"),
    **dict.fromkeys(("MaskingSpatializer", "check_planes", "check_spectrogram"), "masking"),
    **dict.fromkeys(("UnetEncoder", "UnetMaskGenerator", "initialise", "squash", "up"), "unet"),
    **dict.fromkeys(("load_exactly", "read_weights"), "pretrained"),
}
"""The module of each name, imported on first use: settings are checked without torch."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
