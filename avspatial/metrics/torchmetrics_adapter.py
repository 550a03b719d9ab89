"""Any metric as a `torchmetrics.Metric`, for training loops that speak that language (`pip install torchmetrics`).

from avspatial.metrics import torchmetric
metric = torchmetric("stft_distance", rate=48000, convention="fairplay")
metric.update(prediction, target)     # (B, 2, T) each
metric.compute()                      # {"stft_distance": mean, "stft_distance_n": ..., "stft_distance_failed": ...}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from avspatial.errors import PluginError
from avspatial.interfaces import Convention, Metric
from avspatial.metrics import conventions
from avspatial.metrics.conventions import normalized, resampled
from avspatial.registry import discover
from avspatial.settings import Selected

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric

_TOTAL, _COUNT, _FAILED = range(3)


def _built(metric: str | Metric, convention: str | None, settings: dict[str, Any]) -> Metric:
    """The metric itself, or the component of that name with those settings; PluginError for an unknown name."""
    if isinstance(metric, Metric):
        if settings or convention not in (None, metric.convention.name):
            raise ValueError("a metric that is built already has its settings and convention")
        return metric
    chosen = conventions.get("fairplay" if convention is None else convention)
    registry = discover()
    entry = registry.get("metric", metric)
    valid = entry.settings_class().model_validate(settings)
    selected = Selected("metric", entry.id, entry.version, valid)
    built = registry.build(selected, convention=chosen)
    assert isinstance(built, Metric)
    return built


def _scored(metric: Metric, prediction: Tensor, target: Tensor, rate: int, convention: Convention) -> dict[str, float]:
    """prediction and target (2, T) at `rate` Hz -> the metric's numbers, as an evaluation gets them."""
    pair = resampled(prediction, rate, convention), resampled(target, rate, convention)
    return dict(metric(*(normalized(*pair, convention) if metric.normalized else pair), convention.rate))


def torchmetric(metric: str | Metric, *, rate: int, convention: str | None = None, **settings: Any) -> TorchMetric:
    """A `torchmetrics.Metric` whose `update` takes prediction and target (B, 2, T) at `rate` Hz, one clip an item.

    metric: a name (`stft_distance`, `plugin.name`), built under the convention (`fairplay` unless told) with the
    settings; or a metric that is built already. `compute` gives {name: mean, name_n: clips with a value,
    name_failed: clips for which the metric failed or gave no finite number}; a clip on which there is nothing to
    measure counts in neither, and a mean over none is nan. All three are summed over processes. Sounds that cannot be
    scored at all (NaN, unequal lengths) are failures, not errors; batches of unequal shapes are a ValueError.
    PluginError for an unknown name, for a metric that needs true angles, and where torchmetrics is not installed.
    """
    try:
        from torchmetrics import Metric as Base
    except ImportError as error:
        raise PluginError(
            "torchmetrics is not installed", fix="Install it: pip install 'avspatial[torchmetrics]'."
        ) from error
    built = _built(metric, convention, settings)
    if built.requires_source_angles:
        raise PluginError(
            f"{built.names[0]} needs true angles, which a batch does not hold", fix="Use `avspatial run`."
        )
    return _adapter(Base, built)(built, rate)


def _adapter(base: Any, adapted: Metric) -> Any:
    """The class, made on first use: torchmetrics is imported by nobody who does not ask for it."""

    class Adapter(base):
        """Sums, counts and failures (names, 3) of a metric of avspatial."""

        is_differentiable = False
        higher_is_better = adapted.higher_is_better[adapted.names[0]]
        full_state_update = False
        sums: Tensor

        def __init__(self, metric: Metric, rate: int) -> None:
            super().__init__()
            self.metric, self.rate = metric, rate
            self.add_state("sums", torch.zeros(len(metric.names), 3, dtype=torch.float64), dist_reduce_fx="sum")

        def update(self, prediction: Tensor, target: Tensor) -> None:
            if prediction.shape != target.shape or prediction.ndim != 3:
                raise ValueError(
                    f"prediction {tuple(prediction.shape)} and target {tuple(target.shape)} must both be (B, 2, T)"
                )
            for pair in zip(prediction.detach().cpu(), target.detach().cpu(), strict=True):
                self.sums += torch.from_numpy(self._tally(*pair)).to(self.sums)

        def _tally(self, prediction: Tensor, target: Tensor) -> np.ndarray:
            """One clip's share of the sums."""
            tally = np.zeros((len(self.metric.names), 3))
            try:
                found = _scored(self.metric, prediction, target, self.rate, self.metric.convention)
            except ValueError:
                tally[:, _FAILED] = 1
                return tally
            for row, name in enumerate(self.metric.names):
                value = found.get(name)
                if value is not None:
                    finite = bool(np.isfinite(value))
                    tally[row] = [value, 1, 0] if finite else [0, 0, 1]
            return tally

        def compute(self) -> dict[str, Tensor]:
            found: dict[str, Tensor] = {}
            for name, row in zip(self.metric.names, self.sums, strict=True):
                total, count, failed = row.unbind()
                found |= {name: total / count, f"{name}_n": count.long(), f"{name}_failed": failed.long()}
            return found

    return Adapter
