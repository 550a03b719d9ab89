"""Adapter of any metric to `torchmetrics.Metric`, for training loops (`pip install 'avspatial[torchmetrics]'`)."""

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
    """Return a built metric as it is, or build the component of that name; PluginError for an unknown name."""
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
    """prediction and target (2, T) at `rate` Hz -> the metric's values, as an evaluation computes them."""
    pair = resampled(prediction, rate, convention), resampled(target, rate, convention)
    return dict(metric(*(normalized(*pair, convention) if metric.normalized else pair), convention.rate))


def torchmetric(metric: str | Metric, *, rate: int, convention: str | None = None, **settings: Any) -> TorchMetric:
    """Wrap a metric as a `torchmetrics.Metric` that averages over clips.

    `update` takes prediction and target (B, 2, T), one clip an item; batches of unequal shapes are a ValueError.
    `compute` returns {name: mean, name_n: clips with a value, name_failed: clips for which the metric failed or was not
    finite}. A clip with nothing to measure counts in neither; the mean of no clips is NaN. Audio that cannot be scored
    (NaN, no samples) is a failure, not an error. All three are summed over processes.

    Args:
        metric: Name of a metric (`stft_distance`, `plugin.name`), or a metric that is already built.
        rate: Sample rate of the batches in Hz.
        convention: Name of the convention, `fairplay` by default; a built metric has its own.
        **settings: Settings of the metric.

    Returns:
        The `torchmetrics.Metric`.

    Raises:
        AvspatialError: Unknown convention.
        PluginError: Unknown metric, a metric that needs true angles, or torchmetrics is not installed.
        ValueError: Settings or another convention for a metric that is already built.

    Example:
        >>> import torch
        >>> from avspatial.metrics import torchmetric
        >>> metric = torchmetric("snr", rate=16000, convention="raw")
        >>> target = torch.rand(3, 2, 800)
        >>> metric.update(0.5 * target, target)
        >>> values = metric.compute()
        >>> round(values["snr"].item(), 2), values["snr_n"].item(), values["snr_failed"].item()
        (6.02, 3, 0)
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
    """Define the adapter class, on first use: torchmetrics is optional."""

    class Adapter(base):  # type: ignore[misc]
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
                self.sums += torch.from_numpy(self._contribution(*pair)).to(self.sums)

        def _contribution(self, prediction: Tensor, target: Tensor) -> np.ndarray:
            """One clip's contribution to the sums."""
            sums = np.zeros((len(self.metric.names), 3))
            try:
                values = _scored(self.metric, prediction, target, self.rate, self.metric.convention)
            except ValueError:
                sums[:, _FAILED] = 1
                return sums
            for row, name in enumerate(self.metric.names):
                value = values.get(name)
                if value is not None:
                    finite = bool(np.isfinite(value))
                    sums[row] = [value, 1, 0] if finite else [0, 0, 1]
            return sums

        def compute(self) -> dict[str, Tensor]:
            values: dict[str, Tensor] = {}
            for name, row in zip(self.metric.names, self.sums, strict=True):
                total, count, failed = row.unbind()
                values |= {name: total / count, f"{name}_n": count.long(), f"{name}_failed": failed.long()}
            return values

    return Adapter
