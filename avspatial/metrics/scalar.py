"""Base class of metrics with a single value."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from avspatial.interfaces import Metric, Truth
from avspatial.metrics.inputs import Audio


class ScalarMetric(Metric):
    """Base of metrics with one value, declared in the class statement.

    Class arguments:
        name: Name of the value.
        unit: Its unit, "" if it has none.
        higher_is_better: Direction; None for a descriptive value.

    Example:
        >>> import numpy as np
        >>> from avspatial.metrics import ScalarMetric, as_pair
        >>> class PeakError(ScalarMetric, name="peak_error", higher_is_better=False):
        ...     def measure(self, prediction, reference, rate, truth):
        ...         y, x = as_pair(prediction, reference)
        ...         return float(abs(abs(y).max() - abs(x).max()))
        >>> PeakError(settings=None)(np.full((2, 8), 0.5), np.ones((2, 8)), 16000)
        {'peak_error': 0.5}
    """

    def __init_subclass__(
        cls, name: str = "", unit: str = "", higher_is_better: bool | None = None, **rest: Any
    ) -> None:
        super().__init_subclass__(**rest)
        if name:
            cls.names = (name,)
            cls.unit = {name: unit}
            cls.higher_is_better = {name: higher_is_better}

    def __call__(
        self, prediction: Audio, reference: Audio, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        """Score one clip: {name: value}, or {} if `measure` returns NaN."""
        value = self.measure(prediction, reference, sample_rate, truth)
        return {} if np.isnan(value) else {self.names[0]: value}

    @abstractmethod
    def measure(self, prediction: Audio, reference: Audio, rate: int, truth: Truth | None) -> float:
        """Compute the value.

        Args:
            prediction: Stereo (2, T), not yet checked: `as_pair` does.
            reference: Stereo (2, T).
            rate: Sample rate in Hz.
            truth: True source angles, or None if unknown.

        Returns:
            The value, or NaN if the reference holds nothing to measure.
        """
