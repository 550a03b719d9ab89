"""Networks: encoders, mask generators, the masking spatializer, and published weights.

Public, for plugins that build on them: what is listed in `__all__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names

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

__getattr__ = lazy_names(__name__)
