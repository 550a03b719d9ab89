"""The intervals: against scipy's bootstrap, against theory, and by simulation."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from avspatial.evaluation.statistics.bootstrap import interval, pooled_correlation, ratio, resample


def mean_interval(values: np.ndarray, recordings: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    names = np.unique(recordings)
    sums = np.array([[values[recordings == name].sum(), (recordings == name).sum()] for name in names])
    drawn = resample(sums.astype(float), draws)
    found = interval(ratio(drawn[:, 0], drawn[:, 1]), len(names))
    assert found is not None
    return found


def test_with_many_clips_it_is_scipys_percentile_interval() -> None:
    values = np.random.default_rng(0).gamma(2, size=400)
    low, high = mean_interval(values, np.arange(400))
    expected = bootstrap((values,), np.mean, method="percentile", rng=1).confidence_interval
    assert (low, high) == pytest.approx(tuple(expected), abs=0.01)


def test_with_few_clips_it_is_as_wide_as_students() -> None:
    # Expanded percentile: t quantile times s / sqrt(n), up to the bootstrap's discreteness.
    values = np.random.default_rng(0).standard_normal(10)
    low, high = mean_interval(values, np.arange(10))
    student = 2 * 2.262 * values.std(ddof=1) / np.sqrt(10)
    assert high - low == pytest.approx(student, rel=0.1)


def test_clips_of_one_recording_are_drawn_together() -> None:
    values = np.repeat(np.random.default_rng(0).standard_normal(20), 10)
    apart = mean_interval(values, np.arange(200))
    together = mean_interval(values, np.repeat(np.arange(20), 10))
    assert together[1] - together[0] > 2.5 * (apart[1] - apart[0])


@pytest.mark.parametrize("recordings", [8, 30])
def test_95_of_100_intervals_hold_the_truth(recordings: int) -> None:
    # 400 experiments with two clips a recording; the standard error of the share is 0.011
    generator, hits = np.random.default_rng(5), 0
    place = np.repeat(np.arange(recordings), 2)
    for _ in range(400):
        values = generator.standard_normal(recordings)[place] + 0.5 * generator.standard_normal(2 * recordings)
        low, high = mean_interval(values, place, draws=500)
        hits += low <= 0 <= high
    assert 0.92 <= hits / 400 <= 0.98


def test_the_same_seed_gives_the_same_draws_and_columns_share_them() -> None:
    sums = np.random.default_rng(0).standard_normal((50, 2))
    drawn = resample(sums, draws=200)
    np.testing.assert_array_equal(drawn, resample(sums, draws=200))
    np.testing.assert_allclose(resample(sums[:, :1], draws=200)[:, 0], drawn[:, 0])
    assert not np.array_equal(drawn, resample(sums, draws=200, seed=1))


def test_many_recordings_are_resampled_in_parts() -> None:
    drawn = resample(np.ones((20_000, 1)), draws=450)
    np.testing.assert_array_equal(drawn, 20_000)


def test_one_recording_has_no_interval() -> None:
    assert interval(np.ones(100), 1) is None
    assert interval(np.full(100, np.nan), 5) is None


def moments(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([len(a), a.sum(), b.sum(), a @ a, b @ b, a @ b])


def test_the_pooled_correlation_is_that_of_all_frames() -> None:
    a, b = np.random.default_rng(0).normal([[3], [-1]], 1, (2, 300))
    pooled = moments(a[:100], b[:100]) + moments(a[100:], b[100:])
    assert pooled_correlation(pooled) == pytest.approx(np.corrcoef(a, b)[0, 1])


def test_a_flat_curve_has_no_correlation_and_no_frames_none_at_all() -> None:
    wave = np.sin(np.arange(100.0))
    assert pooled_correlation(moments(wave, np.full(100, 2.0))) == 0
    assert np.isnan(pooled_correlation(np.zeros(6)))
