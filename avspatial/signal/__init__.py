"""Signal processing shared by models, metrics and data: stereo, spectrograms, levels, loudness and head models.

Public, for plugins: what is listed in `__all__`. `stereo` (mixture and difference) and `level` (sound pressure levels)
are modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names

if TYPE_CHECKING:
    from avspatial.signal import level, stereo
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
    "apply_mask",
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
