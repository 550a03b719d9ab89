"""Distances between level-difference curves (SAGM, arXiv 2311.07630, eqs. 16-23).

P is the reference's curve, left minus right in dB for each frame, P^ the prediction's (`signal.level`). The level is
broad-band: it ignores time differences and the content of the audio, so it must never be the only spatial metric. The
audio is not normalised: a common gain cancels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avspatial.interfaces import Truth
from avspatial.metrics.inputs import Audio, as_pair
from avspatial.metrics.scalar import ScalarMetric
from avspatial.metrics.settings import SplSettings
from avspatial.signal.level import FRAME, HOP, active_frames, level_difference

DEAD_ZONE = 1.0
"""Level differences of at most this many dB count as the centre, in `spl_direction`."""
FLAT = 1e-3
"""A curve that varies by less than this many dB (rms) has no shape to correlate; below it there is no size either."""

Curve = NDArray[np.float64]


def curves(
    prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP
) -> tuple[Curve, Curve]:
    """Return the level differences P^ and P, (K,) each, in dB, positive left."""
    y, x = as_pair(prediction, reference)
    return level_difference(y, rate, frame, hop), level_difference(x, rate, frame, hop)


def _rms(values: Curve) -> float:
    return float(np.sqrt(np.square(values).mean()))


def spl_distance(prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """SPL distance of SAGM: L2 norm between the level-difference curves. Lower is better.

    || P^ - P ||_2 over all frames; it grows with the square root of the length. Source: SAGM, eq. 23.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Distance in dB, at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import spl_distance
        >>> reference = np.repeat([[0.2, 0.1, 0.1], [0.1, 0.1, 0.2]], 1600, axis=1)
        >>> mono = np.full_like(reference, 0.1)
        >>> round(spl_distance(mono, reference, 16000), 2)
        10.21
    """
    predicted, true = curves(prediction, reference, rate, frame, hop)
    return float(np.linalg.norm(predicted - true))


def spl_rmse(prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """Root mean square error of the level-difference curve. Lower is better.

    sqrt(mean (P^ - P)^2) over all frames: `spl_distance` independent of the length. Source: as `spl_distance`.

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Error in dB, at least 0.

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import spl_rmse
        >>> reference = np.repeat([[0.2, 0.1, 0.1], [0.1, 0.1, 0.2]], 1600, axis=1)
        >>> mono = np.full_like(reference, 0.1)
        >>> round(spl_rmse(mono, reference, 16000), 2)
        4.56
    """
    predicted, true = curves(prediction, reference, rate, frame, hop)
    return _rms(predicted - true)


def spl_correlation(prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """Pearson correlation of the level-difference curves. Higher is better.

    Correlation of P^ and P over all frames; 0 if the prediction's curve is flat. Source: on the curves of SAGM (see
    the module).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Correlation, -1 to 1; NaN if the reference's curve is flat (within 0.001 dB rms).

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import spl_correlation
        >>> reference = np.repeat([[0.2, 0.1, 0.1], [0.1, 0.1, 0.2]], 1600, axis=1)
        >>> round(spl_correlation(reference[::-1], reference, 16000), 2)
        -1.0
        >>> spl_correlation(np.full_like(reference, 0.1), reference, 16000)
        0.0
    """
    predicted, true = (curve - curve.mean() for curve in curves(prediction, reference, rate, frame, hop))
    if _rms(true) < FLAT:
        return float("nan")
    if _rms(predicted) < FLAT:
        return 0.0
    return float(np.clip(predicted @ true / (np.linalg.norm(predicted) * np.linalg.norm(true)), -1, 1))


def spl_direction(prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """Share of active frames whose side agrees. Higher is better.

    mean [side(P^) = side(P)] over the reference's active frames; the side is left, right or centre (within 1 dB).
    Source: on the curves of SAGM (see the module).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Share, 0 to 1; NaN if the reference has no active frame (silence).

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import spl_direction
        >>> reference = np.repeat([[0.2, 0.1, 0.1], [0.1, 0.1, 0.2]], 1600, axis=1)
        >>> spl_direction(np.full_like(reference, 0.1), reference, 16000)  # one frame of five is at the centre
        0.2
    """
    predicted, true = (np.sign(c) * (np.abs(c) > DEAD_ZONE) for c in curves(prediction, reference, rate, frame, hop))
    active = active_frames(as_pair(prediction, reference)[1], rate, frame, hop)
    return float((predicted == true)[active].mean()) if active.any() else float("nan")


def spl_magnitude(prediction: Audio, reference: Audio, rate: int, frame: float = FRAME, hop: float = HOP) -> float:
    """Size of the predicted level difference relative to the reference's. Descriptive: 1 is as wide, 0 is mono.

    rms(P^) / rms(P) over all frames. Source: on the curves of SAGM (see the module).

    Args:
        prediction: Stereo (2, T), left then right, array or tensor.
        reference: Stereo (2, T) of the same length.
        rate: Sample rate in Hz.
        frame: Length of a frame in s.
        hop: Step between frames in s.

    Returns:
        Ratio, at least 0; NaN if the reference has no level difference (within 0.001 dB rms).

    Raises:
        ValueError: NaN or infinity, no samples, not two channels, or unequal lengths.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import spl_magnitude
        >>> reference = np.repeat([[0.2, 0.1, 0.1], [0.1, 0.1, 0.2]], 1600, axis=1)
        >>> wider = reference**2
        >>> round(spl_magnitude(wider, reference, 16000), 2)
        2.11
    """
    predicted, true = curves(prediction, reference, rate, frame, hop)
    return _rms(predicted) / _rms(true) if _rms(true) >= FLAT else float("nan")


class LevelMetric(ScalarMetric):
    """Base of metrics on level-difference curves: the framing is a setting, the audio is not normalised.

    Class argument `compute`: function of prediction, reference, rate in Hz, frame and hop in s.
    """

    settings: SplSettings
    normalized = False
    invariant_to = frozenset({"gain", "delay"})

    compute: Callable[..., float]

    def __init_subclass__(cls, compute: Callable[..., float], **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.compute = staticmethod(compute)

    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        return self.compute(prediction, reference, rate, frame=self.settings.frame, hop=self.settings.hop)


class SplDistance(LevelMetric, name="spl_distance", unit="dB", higher_is_better=False, compute=spl_distance):
    """L2 norm between the level-difference curves."""


class SplRmse(LevelMetric, name="spl_rmse", unit="dB", higher_is_better=False, compute=spl_rmse):
    """Error of the level-difference curve a frame."""


class SplCorrelation(LevelMetric, name="spl_correlation", higher_is_better=True, compute=spl_correlation):
    """Correlation of the level-difference curves."""


class SplDirection(LevelMetric, name="spl_direction", higher_is_better=True, compute=spl_direction):
    """Share of active frames whose side agrees."""


class SplMagnitude(LevelMetric, name="spl_magnitude", higher_is_better=None, compute=spl_magnitude):
    """Predicted over true size of the level difference."""
