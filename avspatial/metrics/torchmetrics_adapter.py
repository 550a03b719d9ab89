"""Adapter of any metric to `torchmetrics.Metric`, for training loops (`pip install 'avspatial[torchmetrics]'`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avspatial.errors import PluginError
from avspatial.interfaces import Metric
from avspatial.metrics import conventions
from avspatial.registry import discover
from avspatial.settings import Selected

if TYPE_CHECKING:
    from torchmetrics import Metric as TorchMetric


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


def torchmetric(metric: str | Metric, *, rate: int, convention: str | None = None, **settings: Any) -> TorchMetric:
    """Wrap a metric as a `torchmetrics.Metric` that averages over clips.

    `update` takes prediction and target (B, 2, T), one clip an item; batches of unequal shapes or of integers are a
    ValueError. `compute` returns {name: mean, name_n: clips with a value, name_failed: clips for which the metric
    failed or was not finite}. A clip with nothing to measure counts in neither; the mean of no clips is NaN. Audio that
    cannot be scored (NaN, no samples) is a failure, not an error. All three are summed over processes.

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
        from avspatial.metrics.averaged_metric import AveragedMetric
    except ImportError as error:
        raise PluginError(
            "torchmetrics is not installed", fix="Install it: pip install 'avspatial[torchmetrics]'."
        ) from error
    built = _built(metric, convention, settings)
    if built.requires_source_angles:
        raise PluginError(
            f"{built.names[0]} needs true angles, which a batch does not hold", fix="Use `avspatial run`."
        )
    return AveragedMetric(built, rate)
