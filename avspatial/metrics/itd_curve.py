"""Curve of the interaural time difference, one value a frame; for plots, not for scores.

The time differences of `cues` in bands up to 1.5 kHz, where the ear follows the waveform, and in the 20 ms frames of a
longer frame are weighted by the energy of both ears. Their weighted median is the frame's value: a few wrong bands, as
in a reverberant moment, do not move it. Frames are those of the level-difference curve.
"""

from __future__ import annotations

import numpy as np

from avspatial.metrics.cues import FINE_STRUCTURE, FRAME_HOP, centres, cues
from avspatial.metrics.inputs import Array, Audio, as_stereo
from avspatial.signal.level import FRAME, HOP, frame_times

COHERENT = 0.5
"""Bands and frames with a lower coherence have no time difference."""


def time_difference(stereo: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> Array:
    """stereo (2, T) -> (K,) s, positive if the left ear leads; NaN if no band has a time difference."""
    array = as_stereo(stereo, "audio")
    frame_cues = cues(array.astype(np.float32), rate)
    low = centres(rate) <= FINE_STRUCTURE
    weights = (frame_cues.power * (frame_cues.coherence > COHERENT))[low]
    middles = FRAME_HOP * (1 + np.arange(weights.shape[1]))
    curve = []
    for centre in frame_times(array.shape[1], rate, frame, hop):
        inside = np.abs(middles - centre) <= frame / 2 - FRAME_HOP + 1e-9
        curve.append(_weighted_median(frame_cues.itd[low][:, inside].ravel(), weights[:, inside].ravel()))
    return np.array(curve)


def _weighted_median(values: Array, weights: Array) -> float:
    """NaN if all weights are 0."""
    order = np.argsort(values)
    sums = np.cumsum(weights[order])
    if not len(sums) or sums[-1] <= 0:
        return float("nan")
    return float(values[order][np.searchsorted(sums, sums[-1] / 2)])
