"""The named conventions. The same pair of files scores 3.5 times differently under two of them, so each number
carries the name of its own.

`fairplay` is the evaluation of "2.5D Visual Sound" (Gao and Grauman, CVPR 2019) as its README runs it; whose
`--normalization False` is read as true. `fairplay_reflect` is what librosa before 0.9 made of it.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from avspatial.errors import AvspatialError, did_you_mean
from avspatial.interfaces import Convention
from avspatial.metrics.inputs import Array, AudioLike, as_pair, as_stereo

PEAK_FLOOR = 1e-20
"""Least peak that a signal is divided by: silence stays silence."""

CONVENTIONS = MappingProxyType(
    {
        convention.name: convention
        for convention in (
            Convention(),
            Convention("raw", normalization="none"),
            Convention("reference_peak", normalization="reference_peak"),
            Convention("fairplay_reflect", pad="reflect"),
        )
    }
)


def get(name: str) -> Convention:
    """Look up a convention by name; AvspatialError for an unknown one."""
    if name not in CONVENTIONS:
        what = f"unknown convention {name!r}{did_you_mean(name, CONVENTIONS)}"
        raise AvspatialError(what, fix=f"There are: {', '.join(CONVENTIONS)}.")
    return CONVENTIONS[name]


def resampled(sound: AudioLike, rate: int, convention: Convention) -> Array:
    """sound (2, T) at `rate` Hz -> (2, T') float64 at the convention's rate. ValueError as `as_stereo`."""
    array = as_stereo(sound, "sound")
    if rate == convention.rate:
        return array
    from avspatial.media.resample import resample

    return resample(array, rate, convention.rate).astype(np.float64)


def normalized(prediction: AudioLike, reference: AudioLike, convention: Convention) -> tuple[Array, Array]:
    """Both (2, T) divided as the convention says; a peak is taken over both channels, at least 1e-20."""
    y, x = as_pair(prediction, reference)
    if convention.normalization == "none":
        return y, x
    peak_x = _peak(x)
    peak_y = peak_x if convention.normalization == "reference_peak" else _peak(y)
    return y / peak_y, x / peak_x


def _peak(x: Array) -> float:
    return float(max(x.max(), -x.min(), PEAK_FLOOR))


def prepare(
    prediction: AudioLike, reference: AudioLike, rate: int, convention: str = "fairplay"
) -> tuple[Array, Array]:
    """prediction and reference (2, T) at `rate` Hz -> both at the convention's rate and normalisation, float64.

    ValueError for NaN, no samples, unequal lengths or other than two channels; AvspatialError for an unknown
    convention.
    """
    chosen = get(convention)
    y, x = as_pair(prediction, reference)
    return normalized(resampled(y, rate, chosen), resampled(x, rate, chosen), chosen)
