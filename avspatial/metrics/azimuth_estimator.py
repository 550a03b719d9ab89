"""Azimuth estimation from binaural cues, matched against the responses of a head.

For one source at a time. Each band and frame votes for the azimuths at which the head's responses have the same time
and level difference; the votes of a block of frames are summed, and a parabola through the best three azimuths gives
the estimate. After May, van de Par and Kohlrausch (2011), with templates in place of trained densities.
"""

from __future__ import annotations

import numpy as np

from avspatial.metrics.cues import Cues, cues
from avspatial.metrics.inputs import Array
from avspatial.signal.head import Head

SIGMA_ITD, SIGMA_ILD = 60e-6, 3.0
"""Widths of a vote, in s and in dB."""
ACTIVE_RANGE = 35.0
"""Bands and frames this many dB below the loudest do not vote."""
STEP = 2.5
"""Spacing of the candidate azimuths in degrees, from -90 to 90: front and back are not distinguished."""


class AzimuthEstimator:
    """Estimator for one head and rate; computing its templates takes about half a second."""

    def __init__(self, head: Head, rate: int) -> None:
        self.rate = rate
        self.azimuths = np.arange(-90, 90 + STEP / 2, STEP)
        length = 2 * round(0.008 * rate)
        responses = head.responses(self.azimuths, rate, length)
        # One frame that holds the entire response: two hops, of which the first has all of it.
        templates = cues(responses, rate, hop=length)
        self._itd, self._ild = templates.itd[..., 0], templates.ild[..., 0]

    def votes(self, observed: Cues, voters: np.ndarray) -> Array:
        """cues (J, K), voters (J, K) -> sum of the votes of the bands, each in [0, 1]: (candidates, K)."""
        total = np.zeros((len(self.azimuths), voters.shape[-1]))
        for band, voting in enumerate(voters):
            time = (observed.itd[band] - self._itd[:, band, None]) / SIGMA_ITD
            level = (observed.ild[band] - self._ild[:, band, None]) / SIGMA_ILD
            total += np.exp(-0.5 * (time**2 + level**2)) * voting
        return total

    def active(self, power: Array) -> Array:
        """power (J, K) of the reference (`cues.band_power`) -> which bands and frames vote."""
        return np.asarray(power > max(1e-13, power.max() * 10 ** (-ACTIVE_RANGE / 10)))

    def estimate(self, observed: Cues, active: np.ndarray, frames: int) -> Array:
        """cues (J, K), voters (J, K), frames a block -> azimuth (K // frames, at least 1) in degrees.

        A last, shorter block joins the one before it. NaN for a block without votes.
        """
        votes = self.votes(observed, active)
        edges = np.arange(max(1, votes.shape[-1] // frames)) * frames
        totals = np.add.reduceat(votes, edges, axis=-1)
        voters = np.add.reduceat(active.sum(0), edges)
        return np.where(voters > 0, [self._peak(total) for total in totals.T], np.nan)

    def _peak(self, votes: Array) -> float:
        best = int(np.clip(votes.argmax(), 1, len(votes) - 2))
        below, top, above = (float(vote) for vote in votes[best - 1 : best + 2])
        curvature = below - 2 * top + above
        shift = 0.5 * (below - above) / curvature if curvature < 0 else 0.0
        return float(self.azimuths[best] + STEP * np.clip(shift, -1, 1))
