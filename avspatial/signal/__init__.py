"""Signal processing of models, metrics and data: stereo, spectrograms, levels, loudness, head models and ambisonics.

Public, for plugins: what is listed in `__all__`. `ambisonics` (first-order fields), `decoders` (of such fields to two
ears), `level` (sound pressure levels) and `stereo` (mixture and difference) are modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names

if TYPE_CHECKING:
    from avspatial.signal import ambisonics, decoders, level, stereo
    from avspatial.signal.gain import level_scale, rms, window_scale
    from avspatial.signal.head import RESPONSE_SECONDS, Head, SphericalHead, head_model, render
    from avspatial.signal.loudness import LoudnessMeter, TruePeakMeter, integrated_loudness, true_peak
    from avspatial.signal.sofa import MeasuredHead
    from avspatial.signal.spectrogram import Spectrogram, apply_mask

__all__ = [
    "RESPONSE_SECONDS",
    "Head",
    "LoudnessMeter",
    "MeasuredHead",
    "Spectrogram",
    "SphericalHead",
    "TruePeakMeter",
    "ambisonics",
    "apply_mask",
    "decoders",
    "head_model",
    "integrated_loudness",
    "level",
    "level_scale",
    "render",
    "rms",
    "stereo",
    "true_peak",
    "window_scale",
]

__getattr__ = lazy_names(__name__)
