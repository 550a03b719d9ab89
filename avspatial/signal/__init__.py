"""Signal processing shared by models, metrics and data: stereo, spectrograms, levels, loudness and head models.

Public, for plugins: what is listed in `__all__`. `stereo` (mixture and difference) and `level` (sound pressure levels)
are modules.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avspatial.signal import level, stereo
    from avspatial.signal.gain import level_scale, rms, window_scale
    from avspatial.signal.head import RESPONSE_SECONDS, Head, SphericalHead, render
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
    "integrated_loudness",
    "level",
    "level_scale",
    "render",
    "rms",
    "stereo",
    "true_peak",
    "window_scale",
]

_MODULES = {
    **dict.fromkeys(("level_scale", "rms", "window_scale"), "gain"),
    **dict.fromkeys(("RESPONSE_SECONDS", "Head", "SphericalHead", "render"), "head"),
    **dict.fromkeys(("LoudnessMeter", "TruePeakMeter", "integrated_loudness", "true_peak"), "loudness"),
    "MeasuredHead": "sofa",
    **dict.fromkeys(("Spectrogram", "apply_mask"), "spectrogram"),
}
"""The module of each name, imported on first use: scoring does not wait for torch, nor training for h5py."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
