"""Interfaces that plugins implement: one class for each kind of component, constructed by the registry.

Shape letters, in every docstring of avspatial: B clips or windows, N images, H W image size, T samples, F frequency
bins, M STFT frames, C channels. Audio is float32 in [-1, 1]; stereo is left then right. A mixture is left + right, a
difference is left - right. Angles are azimuths in degrees, positive is left.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avspatial.interfaces.clips import Batch, Clip, Dataset, Progress, Truth
from avspatial.interfaces.metric import Convention, Metric

if TYPE_CHECKING:
    from avspatial.interfaces.networks import (
        AudioEncoder,
        Discriminator,
        FeatureLevel,
        FeatureShape,
        Judgement,
        MaskGenerator,
        Masks,
        VisualEncoder,
    )
    from avspatial.interfaces.spatializer import Builder, Spatializer
    from avspatial.interfaces.trainer import Trainer, TrainingStage

__all__ = [
    "AudioEncoder",
    "Batch",
    "Builder",
    "Clip",
    "Convention",
    "Dataset",
    "Discriminator",
    "FeatureLevel",
    "FeatureShape",
    "Judgement",
    "MaskGenerator",
    "Masks",
    "Metric",
    "Progress",
    "Spatializer",
    "Trainer",
    "TrainingStage",
    "Truth",
    "VisualEncoder",
]

_MODULES = {
    **dict.fromkeys(("Builder", "Spatializer"), "spatializer"),
    **dict.fromkeys(("TrainingStage", "Trainer"), "trainer"),
}
"""Modules of the names that need torch, imported on first use: scoring does not wait for it. Default: `networks`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'networks')}"), name)
