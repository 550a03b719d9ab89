"""Confidence intervals of means: the cluster bootstrap over recordings.

Clips cut from one recording resemble each other, so recordings are drawn, with all their clips (Davison and Hinkley,
1997, section 3.8). The interval is the expanded percentile interval of Hesterberg (2015, "What Teachers Should Know
About the Bootstrap", section 5.2): with few clusters the plain percentile interval is too narrow by the factor
between the normal and the t distribution, which the expanded one puts back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
SEED = 0
LEVEL = 0.95
_CELLS = 400_000

Array = NDArray[np.float64]


def resample(sums: Array, draws: int = DRAWS, seed: int = SEED) -> Array:
    """sums (recordings, S): each recording's sums over its clips -> (draws, S): those of resampled data sets.

    All columns share the draws. Memory is bounded whatever the number of recordings.
    """
    recordings = len(sums)
    generator = np.random.default_rng(seed)
    chances = np.full(recordings, 1 / recordings)
    drawn = np.empty((draws, sums.shape[1]))
    step = max(1, _CELLS // recordings)
    for start in range(0, draws, step):
        part = drawn[start : start + step]
        part[:] = generator.multinomial(recordings, chances, size=len(part)) @ sums
    return drawn


def interval(replicates: Array, recordings: int, level: float = LEVEL) -> tuple[float, float] | None:
    """replicates (draws,) of a statistic over so many recordings -> its interval; None from fewer than two.

    Replicates that are nan (a draw in which nothing was measured) are left out.
    """
    from scipy.special import ndtr, stdtrit  # scipy.stats has them too, and takes most of a second to import

    replicates = replicates[np.isfinite(replicates)]
    if recordings < 2 or not len(replicates):
        return None
    tail = ndtr(stdtrit(recordings - 1, (1 - level) / 2) * np.sqrt(recordings / (recordings - 1)))
    low, high = np.quantile(replicates, [tail, 1 - tail])
    return float(low), float(high)


def ratio(sums: Array, counts: Array) -> Array:
    """sums / counts, nan where nothing was counted: the means of resampled data sets."""
    return np.divide(sums, counts, out=np.full(np.shape(sums), np.nan), where=counts > 0)


def pooled_correlation(moments: Array) -> Array:
    """moments (..., 6), sums of 1, a, b, a^2, b^2, ab -> Pearson correlation of a and b (...).

    0 where a or b varies by less than 0.001 (standard deviation); nan where there is nothing.
    """
    count, a, b, aa, bb, ab = np.moveaxis(moments, -1, 0)
    count = np.where(count > 0, count, np.nan)
    spread = [np.sqrt(np.maximum(square / count - (total / count) ** 2, 0)) for total, square in ((a, aa), (b, bb))]
    flat = np.minimum(*spread) < 1e-3
    value = (ab / count - a * b / count**2) / np.where(flat, 1, spread[0] * spread[1])
    return np.where(np.isnan(count), np.nan, np.where(flat, 0.0, np.clip(value, -1, 1)))
