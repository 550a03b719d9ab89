"""One file a metric family; each metric is importable and usable alone.

    from avspatial.metrics import prepare, stft_distance
    stft_distance(*prepare(prediction, reference, rate, "fairplay"))

The functions take arrays or tensors (2, T), left then right, and return a float; nan where the reference holds
nothing to measure, ValueError for sound that cannot be scored. Nothing heavy is imported before first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avspatial.metrics.conventions import CONVENTIONS, prepare
    from avspatial.metrics.cue_errors import coherence_error, ild_error, itd_error
    from avspatial.metrics.direction import azimuth_error, lateral_gain, left_right
    from avspatial.metrics.fairplay import (
        envelope_distance,
        magnitude_distance,
        phase_distance,
        snr,
        stft_distance,
        wave_l2,
    )
    from avspatial.metrics.loudness import loudness_change, true_peak
    from avspatial.metrics.mono_compatibility import mono_error
    from avspatial.metrics.multiresolution_stft import mrstft
    from avspatial.metrics.spl import spl_correlation, spl_direction, spl_distance, spl_magnitude, spl_rmse
    from avspatial.metrics.torchmetrics_adapter import torchmetric

__all__ = [
    "CONVENTIONS",
    "azimuth_error",
    "coherence_error",
    "envelope_distance",
    "ild_error",
    "itd_error",
    "lateral_gain",
    "left_right",
    "loudness_change",
    "magnitude_distance",
    "mono_error",
    "mrstft",
    "phase_distance",
    "prepare",
    "snr",
    "spl_correlation",
    "spl_direction",
    "spl_distance",
    "spl_magnitude",
    "spl_rmse",
    "stft_distance",
    "torchmetric",
    "true_peak",
    "wave_l2",
]

_MODULES = {
    **dict.fromkeys(("coherence_error", "ild_error", "itd_error"), "cue_errors"),
    **dict.fromkeys(("CONVENTIONS", "prepare"), "conventions"),
    **dict.fromkeys(("azimuth_error", "lateral_gain", "left_right"), "direction"),
    **dict.fromkeys(("loudness_change", "true_peak"), "loudness"),
    "mono_error": "mono_compatibility",
    "mrstft": "multiresolution_stft",
    **dict.fromkeys(("spl_correlation", "spl_direction", "spl_distance", "spl_magnitude", "spl_rmse"), "spl"),
    "torchmetric": "torchmetrics_adapter",
}
"""Where a name is; in `fairplay` unless told."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'fairplay')}"), name)
