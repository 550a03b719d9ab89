"""Paired tests: p-value, correction for several tests, effect size, and detectable difference.

d is a clip's difference, system a minus system b on the same clip. Clips of one recording resemble each other, so
everything here takes the recording of each clip and treats recordings, not clips, as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
POWER = 0.8
RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""Differences below one millionth of the value, or one milliardth of the metric's own size, are rounding."""
_EXACT = 200_000
"""The largest sum of doubled ranks for which the null distribution is enumerated; about 440 clips."""

Array = NDArray[np.float64]


def differences(a: Array, b: Array) -> Array:
    """a, b (n,), values of one metric on the same clips -> a - b, exactly 0 where the two agree up to rounding."""
    size = float(np.sqrt(np.mean(np.square([a, b])))) if len(a) else 0.0
    return np.where(np.isclose(a, b, rtol=RELATIVE, atol=ABSOLUTE * size), 0.0, a - b)


def sums(d: Array, recordings: NDArray[np.intp], count: int = 0) -> Array:
    """d (n,) and the number of each clip's recording -> (recordings, 2): sum and count of each, at least `count`."""
    return np.stack([np.bincount(recordings, d, count), np.bincount(recordings, minlength=count)], axis=1)


@dataclass(frozen=True)
class SignedRank:
    """A signed-rank test: two-sided p, and the matched-pairs rank-biserial correlation in [-1, 1]."""

    p: float
    effect: float


def signed_rank(d: Array, recordings: NDArray[np.intp]) -> SignedRank:
    """Wilcoxon's signed-rank test of differences d (n,), with Pratt's zeros, for clips in recordings.

    Pratt (1959) ranks zeros with the rest, then leaves their ranks out. The ranks of one recording keep their signs
    together (Rosner, Glynn and Lee, 2006, "The Wilcoxon Signed Rank Test for Paired Comparisons of Clustered Data",
    Biometrics 62): under the hypothesis of no difference each recording's sum is as likely negative as positive. With
    a clip a recording this is the usual test. The distribution is enumerated, so ties, zeros and few clips need no
    approximation; from about 440 clips on it is the normal one with the same variance.

    The effect is the rank-biserial correlation (Kerby, 2014, "The Simple Difference Formula"): the share of the rank
    sum that favours a positive difference, minus the share that favours a negative one. Zeros keep their ranks in the
    total, so that ties draw it to 0. Without any clip or difference, p is 1 and the effect 0.
    """
    from scipy.stats import rankdata

    if not len(d) or not d.any():
        return SignedRank(1.0, 0.0)
    ranks = np.sign(d) * rankdata(np.abs(d))  # ties at their mean rank
    effect = float(ranks.sum() / (len(d) * (len(d) + 1) / 2))
    own = np.abs(np.bincount(recordings, ranks))
    return SignedRank(_two_sided(own, abs(float(ranks.sum()))), effect)


def _two_sided(own: Array, observed: float) -> float:
    """P(|sum of +-own| >= observed), the signs fair and independent. own (recordings,): half-integers."""
    from scipy.stats import norm

    steps = np.rint(2 * own[own > 0]).astype(int)
    if not len(steps):
        return 1.0
    if steps.sum() > _EXACT:
        return float(min(1.0, 2 * norm.sf(observed / np.sqrt(np.square(own).sum()))))
    chances = np.ones(1)  # of 2 * sum + total = 2 * place, for the steps so far
    for step in steps:
        longer = np.zeros(len(chances) + step)
        longer[: len(chances)] += chances / 2
        longer[step:] += chances / 2
        chances = longer
    places = 2 * np.arange(len(chances)) - (len(chances) - 1)
    return float(min(1.0, chances[np.abs(places) >= round(2 * observed)].sum()))


def smallest_p(recordings: int) -> float:
    """The smallest p that so many recordings allow: all of them on one side."""
    return float(min(1.0, 2.0 ** (1 - recordings)))


def holm(ps: Sequence[float]) -> list[float]:
    """p values -> those adjusted so that no false positive among all stays as likely as ALPHA (Holm, 1979)."""
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, place in enumerate(order):
        least = max(least, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = least
    return adjusted


def standard_error(sums: Array) -> float | None:
    """sums (recordings, 2), sum and count of each -> standard error of the mean over all clips; None from under two.

    The cluster-robust one of a mean, with the factor G / (G - 1) for G recordings (Cameron and Miller, 2015, "A
    Practitioner's Guide to Cluster-Robust Inference", for a constant alone).
    """
    sums = sums[sums[:, 1] > 0]
    groups = len(sums)
    if groups < 2:
        return None
    total, count = sums.sum(0)
    residuals = sums[:, 0] - sums[:, 1] * total / count
    return float(np.sqrt(groups / (groups - 1) * np.square(residuals).sum()) / count)


def detectable(error: float | None, freedom: int) -> float | None:
    """The difference that one test at ALPHA would find with chance POWER, from a standard error with so many degrees.

    (t at 1 - ALPHA / 2 plus t at POWER) times the standard error (Bloom, 1995, "Minimum Detectable Effects").
    """
    from scipy.stats import t

    if error is None or freedom < 1:
        return None
    return float((t.ppf(1 - ALPHA / 2, freedom) + t.ppf(POWER, freedom)) * error)


@dataclass(frozen=True)
class Estimate:
    """A mean, its standard error, 95 % interval and degrees of freedom; None where the clips do not suffice.

    `p` is that of the corrected t-test over splits; from one split it is None, and a test of clips is another matter.
    """

    mean: float | None
    error: float | None = None
    interval: tuple[float, float] | None = None
    freedom: int = 0
    p: float | None = None


def over_splits(means: Array, test_over_train: float) -> Estimate:
    """means (k,), one a random split of the same clips -> their mean, with the variance that overlapping splits have.

    The corrected resampled t-test of Nadeau and Bengio (2003, "Inference for the Generalization Error", Machine
    Learning 52): the sample variance of the k means times 1/k + n_test / n_train instead of 1/k, and Student's t with
    k - 1 degrees. There is only a mean where no variance exists: from one split, and from splits that all say the same.
    """
    from scipy.stats import t

    k, mean = len(means), float(np.mean(means))
    error = float(np.sqrt((1 / k + test_over_train) * np.var(means, ddof=1))) if k > 1 else 0.0
    if error <= RELATIVE * abs(mean):
        return Estimate(mean, freedom=k - 1)
    reach = float(t.ppf(1 - ALPHA / 2, k - 1)) * error
    return Estimate(mean, error, (mean - reach, mean + reach), k - 1, float(2 * t.sf(abs(mean) / error, k - 1)))
