"""What a paired difference is worth: against scipy, against enumeration, by hand, and by simulation."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, permutation_test, rankdata, t, ttest_1samp, wilcoxon

from avspatial.evaluation.statistics import paired
from avspatial.evaluation.statistics.bootstrap import interval, ratio, resample

ALONE = np.arange  # each clip is its own recording


def test_differences_up_to_rounding_are_none() -> None:
    a = np.array([1.0, 2.0, 1e-3, 5.0])
    d = paired.differences(a + np.array([1e-9, 1e-3, 0, 0]), a)
    assert d.tolist() == [0, pytest.approx(1e-3), 0, 0]


def test_differences_near_zero_are_rounding_only_next_to_the_metrics_own_size() -> None:
    tiny = np.array([1e-12, 1e-12])
    assert paired.differences(np.array([2e-12, 1.0]), np.array([1e-12, 1.0])).tolist() == [0, 0]
    assert paired.differences(2 * tiny, tiny).tolist() == tiny.tolist()


@pytest.mark.parametrize("n", [5, 12, 40])
def test_without_ties_it_is_scipys_exact_wilcoxon_test(n: int) -> None:
    d = np.random.default_rng(n).normal(0.3, 1, n)
    assert paired.signed_rank(d, ALONE(n)).p == pytest.approx(wilcoxon(d, method="exact").pvalue, rel=1e-9)


def test_with_many_clips_it_is_scipys_normal_approximation_with_pratts_zeros() -> None:
    d = np.random.default_rng(3).normal(0.05, 1, 900).round(1)
    assert (d == 0).sum() > 20
    expected = wilcoxon(d, zero_method="pratt", method="asymptotic", correction=False).pvalue
    assert paired.signed_rank(d, ALONE(900)).p == pytest.approx(expected, rel=1e-6)


def test_the_exact_and_the_normal_distribution_meet() -> None:
    d = np.random.default_rng(4).normal(0.08, 1, 400)
    expected = wilcoxon(d, method="asymptotic", correction=False).pvalue
    assert paired.signed_rank(d, ALONE(400)).p == pytest.approx(expected, rel=0.02)


def test_with_ties_and_zeros_it_is_the_permutation_distribution() -> None:
    d = np.array([0, 0, 1, 1, -1, 2, 2, 3, -1, 4.0])
    ranks = np.sign(d) * rankdata(np.abs(d))
    exact = permutation_test((ranks,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert paired.signed_rank(d, ALONE(10)).p == pytest.approx(exact.pvalue)


def test_worked_by_hand() -> None:
    # |d| 0 1 2 2 3: ranks 1 2 3.5 3.5 5; the zero's rank 1 is left out; signed sum 2 - 3.5 + 3.5 + 5 = 7 of 14.
    # Of the 16 signs, sums >= 7 in size: +-14, +-10 (2 flipped), +-7 (each 3.5 flipped, twice) -> 8 of 16.
    found = paired.signed_rank(np.array([0, 1, -2, 2, 3.0]), ALONE(5))
    assert (found.p, found.effect) == (pytest.approx(8 / 16), pytest.approx(7 / 15))


def test_clips_of_one_recording_keep_their_signs_together() -> None:
    d, recordings = np.array([1.0, 2, 3, 4, 5, 6, 7, -8]), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    ranks = np.sign(d) * rankdata(np.abs(d))
    sums = [ranks[recordings == one].sum() for one in range(4)]
    flips = [abs(np.dot(signs, sums)) for signs in product((1, -1), repeat=4)]
    found = paired.signed_rank(d, recordings)
    assert found.p == pytest.approx(np.mean(np.array(flips) >= abs(sum(sums))))
    assert found.p > paired.signed_rank(d, ALONE(8)).p


def test_large_clusters_take_rosners_variance() -> None:
    # z of Rosner, Glynn and Lee: the sum over the root of the sum of squared recordings' sums.
    generator = np.random.default_rng(0)
    recordings = np.repeat(np.arange(300), 2)
    d = np.repeat(generator.normal(0.1, 1, 300), 2) + generator.normal(0, 0.1, 600)
    ranks = np.sign(d) * rankdata(np.abs(d))
    own = np.bincount(recordings, ranks)
    assert 2 * np.abs(own).sum() > paired._EXACT
    expected = 2 * norm.sf(abs(own.sum()) / np.sqrt((own**2).sum()))
    assert paired.signed_rank(d, recordings).p == pytest.approx(expected)


def test_no_difference_at_all_is_no_evidence() -> None:
    assert paired.signed_rank(np.zeros(30), ALONE(30)) == paired.SignedRank(1.0, 0.0)
    assert paired.signed_rank(np.zeros(0), ALONE(0)) == paired.SignedRank(1.0, 0.0)


def test_the_effect_is_one_when_all_clips_agree_and_ties_draw_it_to_zero() -> None:
    assert paired.signed_rank(np.arange(1.0, 9), ALONE(8)).effect == 1
    assert paired.signed_rank(-np.arange(1.0, 9), ALONE(8)).effect == -1
    lone = paired.signed_rank(np.array([0.0] * 9 + [1]), ALONE(10))
    assert lone.effect == pytest.approx(10 / 55)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_the_smallest_p_is_that_of_recordings_that_all_agree(n: int) -> None:
    assert paired.signed_rank(np.arange(1.0, n + 1), ALONE(n)).p == pytest.approx(paired.smallest_p(n))


def test_holm_by_hand() -> None:
    # In order .01 x 4 = .04, .02 x 3 = .06, .03 x 2 = .06, .04 x 1 -> raised to .06
    assert paired.holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert paired.holm([0.6, 0.9]) == [1.0, 1.0]
    assert paired.holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(ps: list[float]) -> None:
    adjusted = paired.holm(ps)
    assert all(p <= q <= min(1, len(ps) * p) + 1e-12 for p, q in zip(ps, adjusted, strict=True))
    by_p = [q for _, q in sorted(zip(ps, adjusted, strict=True))]
    assert by_p == sorted(by_p)


def test_the_standard_error_of_lone_clips_is_the_usual_one() -> None:
    d = np.random.default_rng(0).normal(size=25)
    assert paired.standard_error(paired.sums(d, ALONE(25))) == pytest.approx(d.std(ddof=1) / 5)


def test_the_standard_error_of_equal_recordings_is_that_of_their_means() -> None:
    d = np.random.default_rng(0).normal(size=(12, 4))
    expected = d.mean(1).std(ddof=1) / np.sqrt(12)
    assert paired.standard_error(paired.sums(d.ravel(), np.repeat(np.arange(12), 4))) == pytest.approx(expected)
    assert paired.standard_error(np.array([[3.0, 2], [0, 0]])) is None


def test_the_detectable_difference_by_hand_and_by_simulation() -> None:
    # t(.975, 29) = 2.045, t(.8, 29) = 0.854; standard error 1 / sqrt(30)
    found = paired.detectable(1 / np.sqrt(30), 29)
    assert found == pytest.approx((2.0452 + 0.8542) / np.sqrt(30), abs=1e-4)
    d = np.random.default_rng(0).normal(found, 1, (4000, 30))
    assert (ttest_1samp(d, 0, axis=1).pvalue < 0.05).mean() == pytest.approx(0.8, abs=0.025)
    assert paired.detectable(None, 29) is None and paired.detectable(0.1, 0) is None


def test_the_variance_over_splits_by_hand() -> None:
    # means 1 2 3 4: variance 5/3; factor 1/4 + 187/1497; three degrees of freedom
    found = paired.over_splits(np.array([1.0, 2, 3, 4]), 187 / 1497)
    error = np.sqrt(5 / 3 * (0.25 + 187 / 1497))
    assert (found.mean, found.error) == (2.5, pytest.approx(error))
    assert found.interval == pytest.approx((2.5 - 3.18245 * error, 2.5 + 3.18245 * error), abs=1e-5)
    assert found.p == pytest.approx(2 * t.sf(2.5 / error, 3))


def test_with_one_split_or_equal_ones_there_is_no_variance_to_judge_by() -> None:
    assert paired.over_splits(np.array([3.0]), 0.1) == paired.Estimate(3.0)
    assert paired.over_splits(np.full(10, 0.1), 0.1) == paired.Estimate(pytest.approx(0.1), freedom=9)


def simulated(generator: np.random.Generator, recordings: int) -> tuple[np.ndarray, np.ndarray]:
    """Differences with mean 0 of 1 to 5 clips a recording, half of the variance between recordings, skewed as scores
    are (a gamma distribution of shape 4), and their recordings."""
    counts = generator.integers(1, 6, recordings)
    places = np.repeat(np.arange(recordings), counts)
    skewed = [(generator.gamma(4, 1, size) - 4) / 2 for size in (recordings, len(places))]
    return skewed[0][places] + skewed[1], places


COVERAGE = {10: (0.89, 0.97), 30: (0.915, 0.975), 60: (0.92, 0.975)}


@pytest.mark.parametrize("recordings", COVERAGE)
def test_the_interval_of_a_difference_holds_the_truth_as_often_as_it_says(recordings: int) -> None:
    generator, hits, found = np.random.default_rng(7), 0, 600
    for _ in range(found):
        d, places = simulated(generator, recordings)
        drawn = resample(paired.sums(d, places), draws=600)
        low, high = interval(ratio(drawn[:, 0], drawn[:, 1]), recordings) or (0.0, 0.0)
        hits += low <= 0 <= high
    least, most = COVERAGE[recordings]
    assert least <= hits / found <= most


def test_clustered_differences_without_an_effect_are_found_as_seldom_as_promised() -> None:
    # Of 1000 experiments, 5 % are to be significant; ranked clip by clip they would be far more.
    generator, found, naive = np.random.default_rng(8), 0, 0
    for _ in range(1000):
        recordings = np.repeat(np.arange(20), 4)
        d = generator.normal(size=20)[recordings] + generator.normal(size=80)
        found += paired.signed_rank(d, recordings).p < 0.05
        naive += paired.signed_rank(d, ALONE(80)).p < 0.05
    assert 0.03 <= found / 1000 <= 0.07 < 0.15 < naive / 1000
