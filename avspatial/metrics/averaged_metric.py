"""A metric as a `torchmetrics.Metric` that averages over clips; imports torchmetrics, which is optional."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchmetrics import Metric as TorchMetric

from avspatial.interfaces import Metric
from avspatial.metrics.conventions import normalized, resampled

_TOTAL, _COUNT, _FAILED = range(3)


class AveragedMetric(TorchMetric):  # type: ignore[misc]
    """Sums, counts and failures (names, 3) of a metric of avspatial, at `rate` Hz; `torchmetric` makes it."""

    is_differentiable = False
    full_state_update = False
    sums: Tensor

    def __init__(self, metric: Metric, rate: int) -> None:
        super().__init__()
        self.metric, self.rate = metric, rate
        self.add_state("sums", torch.zeros(len(metric.names), 3, dtype=torch.float64), dist_reduce_fx="sum")

    @property
    def higher_is_better(self) -> bool | None:
        """Direction of the first value."""
        return self.metric.higher_is_better[self.metric.names[0]]

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add a batch (B, 2, T); ValueError for other shapes and for integers."""
        if prediction.shape != target.shape or prediction.ndim != 3:
            raise ValueError(
                f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must both be (B, 2, T)"
            )
        if not (prediction.is_floating_point() and target.is_floating_point()):
            raise ValueError(f"prediction {prediction.dtype} and target {target.dtype} must be floating point")
        for pair in zip(prediction.detach().cpu(), target.detach().cpu(), strict=True):
            self.sums = self.sums + torch.from_numpy(self._contribution(*pair)).to(self.sums)  # a copy keeps its own

    def _contribution(self, prediction: Tensor, target: Tensor) -> np.ndarray:
        """One clip's contribution to the sums, scored as an evaluation does."""
        sums = np.zeros((len(self.metric.names), 3))
        convention = self.metric.convention
        try:
            pair = resampled(prediction, self.rate, convention), resampled(target, self.rate, convention)
            pair = normalized(*pair, convention) if self.metric.normalized else pair
            values = self.metric(*pair, convention.rate)
        except ValueError:
            sums[:, _FAILED] = 1
            return sums
        for own, name in zip(sums, self.metric.names, strict=True):
            value = values.get(name)
            if value is not None:
                own[:] = [value, 1, 0] if np.isfinite(value) else [0, 0, 1]
        return sums

    def compute(self) -> dict[str, Tensor]:
        """Return {name: mean, name_n: clips with a value, name_failed: clips that failed}."""
        values: dict[str, Tensor] = {}
        for name, own in zip(self.metric.names, self.sums, strict=True):
            total, count, failed = own.unbind()
            values |= {name: total / count, f"{name}_n": count.long(), f"{name}_failed": failed.long()}
        return values
