"""Metrics of binaural audio: functions for one clip, and the building blocks of a metric plugin.

A metric function takes the predicted and the reference stereo, arrays or tensors (2, T), left then right, and returns
a float. The result is NaN if the reference holds nothing to measure; audio that cannot be scored raises `ValueError`.
Importing this module imports neither torch nor numpy: each name is imported when it is first used.

Example:
    >>> import numpy as np
    >>> from avspatial.metrics import prepare, stft_distance
    >>> reference = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 48000))
    >>> prediction = 0.5 * reference + 0.1
    >>> y, x = prepare(prediction, reference, rate=48000, convention="fairplay")
    >>> round(stft_distance(y, x), 3)
    16.538
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names

if TYPE_CHECKING:
    from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
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
    from avspatial.metrics.inputs import as_pair
    from avspatial.metrics.loudness import loudness_change, true_peak
    from avspatial.metrics.mono_compatibility import mono_error
    from avspatial.metrics.multiresolution_stft import mrstft
    from avspatial.metrics.scalar import ScalarMetric
    from avspatial.metrics.spl import spl_correlation, spl_direction, spl_distance, spl_magnitude, spl_rmse
    from avspatial.metrics.torchmetrics_adapter import torchmetric

__all__ = [
    "CONVENTIONS",
    "AnalysisCache",
    "CachedMetric",
    "ScalarMetric",
    "as_pair",
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

__getattr__ = lazy_names(__name__)
