"""The adapter to torchmetrics: batches, means with n and failures, sums over processes; torchmetrics' own SNR."""

import copy
import pickle
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torchmetrics import MetricCollection
from torchmetrics.audio import SignalNoiseRatio

from avspatial.errors import AvspatialError, PluginError
from avspatial.interfaces import Convention
from avspatial.metrics import prepare, snr, stft_distance, torchmetric
from avspatial.metrics.fairplay import Snr
from avspatial.metrics.settings import MetricSettings

RATE = 16000


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Prediction and target (3, 2, T), float64."""
    rng = np.random.default_rng(0)
    target = 0.1 * rng.standard_normal((3, 2, RATE // 2))
    return torch.from_numpy(target + 0.02 * rng.standard_normal(target.shape)), torch.from_numpy(target)


def test_snr_is_that_of_torchmetrics(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    # theirs is over the last axis: both channels laid end to end are one
    theirs = SignalNoiseRatio()
    theirs.update(batch[0].flatten(1), batch[1].flatten(1))
    expected = float(theirs.compute())
    assert np.mean([snr(y, x) for y, x in zip(*batch, strict=True)]) == pytest.approx(expected, rel=1e-6)
    ours = torchmetric("snr", rate=RATE, convention="raw")
    ours.update(*batch)
    assert float(ours.compute()["snr"]) == pytest.approx(expected, rel=1e-6)


def test_it_is_the_mean_over_the_clips_of_all_batches(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    metric = torchmetric("avspatial.stft_distance", rate=RATE)
    metric.update(batch[0][:2], batch[1][:2])
    metric.update(batch[0][2:], batch[1][2:])
    expected = np.mean([stft_distance(*prepare(y, x, RATE)) for y, x in zip(*batch, strict=True)])
    found = metric.compute()
    assert float(found["stft_distance"]) == pytest.approx(expected, rel=1e-12)
    assert (int(found["stft_distance_n"]), int(found["stft_distance_failed"])) == (3, 0)
    metric.reset()
    metric.update(batch[1], batch[1])
    assert float(metric.compute()["stft_distance"]) == 0
    assert metric.higher_is_better is False


def test_a_clip_that_cannot_be_scored_is_counted_as_failed(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    broken = batch[0].clone()
    broken[1, 0, 5] = torch.nan
    metric = torchmetric("snr", rate=RATE)
    metric.update(broken, batch[1])
    found = metric.compute()
    assert (int(found["snr_n"]), int(found["snr_failed"])) == (2, 1)
    assert torch.isfinite(found["snr"])


def test_a_clip_with_nothing_to_measure_counts_in_neither(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    metric = torchmetric("spl_direction", rate=RATE)
    metric.update(batch[0], torch.zeros_like(batch[1]))
    found = metric.compute()
    assert (int(found["spl_direction_n"]), int(found["spl_direction_failed"])) == (0, 0)
    assert torch.isnan(found["spl_direction"])


def test_states_of_several_processes_are_summed(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    single, parts = torchmetric("snr", rate=RATE), [torchmetric("snr", rate=RATE) for _ in range(2)]
    single.update(*batch)
    parts[0].update(batch[0][:1], batch[1][:1])
    parts[1].update(batch[0][1:], batch[1][1:])
    parts[0].sums = parts[0]._reductions["sums"](torch.stack([part.sums for part in parts]))
    assert float(parts[0].compute()["snr"]) == pytest.approx(float(single.compute()["snr"]), rel=1e-12)


def test_a_built_metric_settings_and_other_rates(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    built = torchmetric(Snr(MetricSettings(), convention=Convention()), rate=RATE)
    assert built.metric.names == ("snr",)
    assert torchmetric("spl_rmse", rate=RATE, frame=0.2).metric.settings.frame == 0.2
    slow = torchmetric("snr", rate=8000)
    slow.update(*batch)
    assert torch.isfinite(slow.compute()["snr"])


def test_what_is_no_batch_is_refused(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match=r"^prediction \(2, 8000\) and target \(2, 8000\) must both be \(B, 2, T\)$"):
        torchmetric("snr", rate=RATE).update(batch[0][0], batch[1][0])


def test_metrics_that_cannot_be_adapted_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError) as refused:
        torchmetric("left_right", rate=RATE)
    assert str(refused.value) == "left_right needs true angles, which a batch does not hold\n  Use `avspatial run`."
    with pytest.raises(AvspatialError, match="unknown convention 'fair'"):
        torchmetric("snr", rate=RATE, convention="fair")
    with pytest.raises(ValueError, match="a metric that is built already has its settings and convention"):
        torchmetric(Snr(MetricSettings(), convention=Convention()), rate=RATE, convention="raw")
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    monkeypatch.delitem(sys.modules, "avspatial.metrics.averaged_metric")
    with pytest.raises(PluginError) as missing:
        torchmetric("snr", rate=RATE)
    assert str(missing.value) == ("torchmetrics is not installed\n  Install it: pip install 'avspatial[torchmetrics]'.")


@pytest.mark.parametrize(
    "duplicate",
    [lambda metric: pickle.loads(pickle.dumps(metric)), copy.copy, copy.deepcopy, lambda metric: metric.clone()],
)
@pytest.mark.parametrize("name", ["snr", "ild_error", "spl_rmse"])
def test_a_duplicate_goes_on_where_the_metric_was(
    name: str, duplicate: Callable[[Any], Any], batch: tuple[torch.Tensor, torch.Tensor]
) -> None:
    metric = torchmetric(name, rate=RATE)
    metric.update(batch[0][:2], batch[1][:2])
    other = duplicate(metric)
    for each in (metric, other):
        each.update(batch[0][2:], batch[1][2:])
    assert other.compute() == metric.compute() and int(other.compute()[f"{name}_n"]) == 3
    assert other.higher_is_better is metric.higher_is_better


def test_it_stands_in_a_collection(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    collection = MetricCollection({"a": torchmetric("snr", rate=RATE), "b": torchmetric("wave_l2", rate=RATE)})
    clone = collection.clone(prefix="val_")
    clone.update(*batch)
    assert {"val_snr", "val_wave_l2"} <= set(clone.compute())


def test_bfloat16_is_scored_and_integers_are_refused(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    metric = torchmetric("snr", rate=RATE)
    metric.update(*(each.bfloat16() for each in batch))
    expected = torchmetric("snr", rate=RATE)
    expected.update(*(each.bfloat16().double() for each in batch))
    assert metric.compute() == expected.compute() and int(metric.compute()["snr_n"]) == 3
    with pytest.raises(ValueError, match=r"prediction torch.int16 and target torch.int16 must be floating point"):
        metric.update(*((each * 1000).to(torch.int16) for each in batch))
