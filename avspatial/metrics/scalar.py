"""The common case of a metric: a function of the pair that gives one number, under the metric's own name."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from avspatial.interfaces import Metric, Truth
from avspatial.metrics.inputs import AudioLike


class ScalarMetric(Metric):
    """Declared as `class Snr(ScalarMetric, name="snr", unit="dB", higher_is_better=True)`."""

    def __init_subclass__(
        cls, name: str = "", unit: str = "", higher_is_better: bool | None = None, **rest: Any
    ) -> None:
        super().__init_subclass__(**rest)
        if name:
            cls.names = (name,)
            cls.unit = {name: unit}
            cls.higher_is_better = {name: higher_is_better}

    def __call__(
        self, prediction: AudioLike, reference: AudioLike, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        """{name: value}; nothing where `measure` gives nan: the reference holds nothing to measure."""
        value = self.measure(prediction, reference, sample_rate, truth)
        return {} if np.isnan(value) else {self.names[0]: value}

    @abstractmethod
    def measure(self, prediction: AudioLike, reference: AudioLike, rate: int, truth: Truth | None) -> float:
        """prediction and reference (2, T) at `rate` Hz -> the number, or nan."""
