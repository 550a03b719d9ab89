"""Interfaces that plugins implement: one class for each kind of component, constructed by the registry.

Shape letters, in every docstring of avspatial: B clips or windows, N images of a window, P images of a clip, H W image
size, C channels, T samples, F frequency bins, M STFT frames. Audio is float32 in [-1, 1]; stereo is left then right. A
mixture is left + right, a difference is left - right. Angles are azimuths in degrees, positive is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.interfaces.clips import Batch, Clip, Dataset, Progress, Rendering, Truth
from avspatial.interfaces.metric import Convention, Metric
from avspatial.lazy import lazy_names

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
    "Rendering",
    "Spatializer",
    "Trainer",
    "TrainingStage",
    "Truth",
    "VisualEncoder",
]

__getattr__ = lazy_names(__name__)
