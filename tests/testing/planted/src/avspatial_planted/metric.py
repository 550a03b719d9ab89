"""Metrics, each with one fault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from avspatial.interfaces import Metric, Truth
from avspatial.metrics import as_pair


class Good(Metric):
    """Error of the entire clip's level difference: no fault."""

    names: ClassVar = ("error",)
    unit: ClassVar = {"error": "dB"}
    higher_is_better: ClassVar[Mapping[str, bool | None]] = {"error": False}
    invariant_to = frozenset({"gain", "delay"})
    floor = 1e-12

    def __call__(
        self, prediction: np.ndarray, reference: np.ndarray, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        return {"error": self.error(*as_pair(prediction, reference))}

    def error(self, y: np.ndarray, x: np.ndarray) -> float:
        return float(abs(self.balance(y) - self.balance(x)))

    def balance(self, sound: np.ndarray) -> float:
        left, right = np.square(sound).mean(-1) + self.floor
        return float(10 * np.log10(left / right))


class Construct(Good):
    def __init__(self, settings: Any) -> None:
        super().__init__(settings)


class Declared(Good):
    unit: ClassVar = {}


class Repeatable(Good):
    def error(self, y: np.ndarray, x: np.ndarray) -> float:
        return super().error(y, x) + float(np.random.default_rng().random()) / 1000


class IdentityBest(Good):
    higher_is_better: ClassVar = {"error": True}


class WorseWithError(Good):
    """Finds everything perfect."""

    def balance(self, sound: np.ndarray) -> float:
        return 0.0


class GainAsDeclared(Good):
    def balance(self, sound: np.ndarray) -> float:
        return float(10 * np.log10(np.square(sound).mean() + self.floor))


class DelayAsDeclared(Good):
    invariant_to = frozenset({"delay"})

    def error(self, y: np.ndarray, x: np.ndarray) -> float:
        return float(np.square(y - x).mean())


class Symmetric(Good):
    """Ignores the right channel."""

    def error(self, y: np.ndarray, x: np.ndarray) -> float:
        return float(np.square(y[0] - x[0]).mean())


class FiniteOnSilence(Good):
    floor = 0.0

    def balance(self, sound: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            return super().balance(sound)


class RefusesUnequalLengths(Good):
    def __call__(
        self, prediction: np.ndarray, reference: np.ndarray, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        length = min(prediction.shape[1], reference.shape[1])
        return super().__call__(prediction[:, :length], reference[:, :length], sample_rate, truth)


class RefusesNan(Good):
    def __call__(
        self, prediction: np.ndarray, reference: np.ndarray, sample_rate: int, truth: Truth | None = None
    ) -> Mapping[str, float]:
        return super().__call__(np.nan_to_num(prediction), np.nan_to_num(reference), sample_rate, truth)
