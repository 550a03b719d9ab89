"""Scoring conventions: sample rate, normalisation and spectrogram, under a name that every score carries.

One pair of files scores 3.5 times differently under two of them. `fairplay` is the evaluation of "2.5D Visual Sound"
(Gao and Grauman, CVPR 2019) as its README runs it; the code reads its `--normalization False` as true.
`fairplay_reflect` is the same evaluation under librosa before 0.9.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from avspatial.errors import AvspatialError, did_you_mean
from avspatial.interfaces import Convention
from avspatial.metrics.inputs import Array, Audio, as_pair, as_stereo

PEAK_FLOOR = 1e-20
"""Least peak that a signal is divided by, so that silence stays silence."""

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
    """Return a convention by name; AvspatialError for an unknown one."""
    if name not in CONVENTIONS:
        what = f"unknown convention {name!r}{did_you_mean(name, CONVENTIONS)}"
        raise AvspatialError(what, fix=f"There are: {', '.join(CONVENTIONS)}.")
    return CONVENTIONS[name]


def resampled(audio: Audio, rate: int, convention: Convention) -> Array:
    """audio (2, T) at `rate` Hz -> (2, T') float64 at the convention's rate. ValueError as `as_stereo`."""
    array = as_stereo(audio, "audio")
    if rate == convention.rate:
        return array
    from avspatial.media.resample import resample

    return resample(array, rate, convention.rate).astype(np.float64)


def normalized(prediction: Audio, reference: Audio, convention: Convention) -> tuple[Array, Array]:
    """Both (2, T), divided as the convention says; a peak is that over both channels, at least 1e-20."""
    y, x = as_pair(prediction, reference)
    if convention.normalization == "none":
        return y, x
    peak_x = _peak(x)
    peak_y = peak_x if convention.normalization == "reference_peak" else _peak(y)
    return y / peak_y, x / peak_x


def _peak(x: Array) -> float:
    return float(max(x.max(), -x.min(), PEAK_FLOOR))


def prepare(prediction: Audio, reference: Audio, rate: int, convention: str = "fairplay") -> tuple[Array, Array]:
    """Resample and normalise a prediction and its reference as a convention says.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Their sample rate in Hz.
        convention: Name of a convention, one of `CONVENTIONS`.

    Returns:
        Prediction and reference, float64 (2, T'), at the convention's rate.

    Raises:
        AvspatialError: Unknown convention.
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import prepare
        >>> reference = np.array([[0.5, -0.25], [0.0, 0.25]])
        >>> y, x = prepare(0.5 * reference, reference, rate=16000, convention="reference_peak")
        >>> y.tolist(), x.tolist()
        ([[0.5, -0.25], [0.0, 0.25]], [[1.0, -0.5], [0.0, 0.5]])
    """
    chosen = get(convention)
    y, x = as_pair(prediction, reference)
    return normalized(resampled(y, rate, chosen), resampled(x, rate, chosen), chosen)
