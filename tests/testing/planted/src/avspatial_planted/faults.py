"""Mistakes that a network of any kind can make, each for the `Good` one of that kind to inherit.

A `Good` network passes its sound through `heard`, its pictures through `seen` and what it makes of them through
`said`; it changes nothing there, and each of these mistakes does.
"""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


class Good:
    """Changes nothing anywhere."""

    training: bool

    def heard(self, x: Tensor) -> Tensor:
        return x

    def seen(self, x: Tensor) -> Tensor:
        return x

    def said(self, x: Tensor) -> Tensor:
        return x


class Construct(Good):
    def __init__(self, settings: Any, **context: Any) -> None:
        raise ValueError("no such settings")


class Finite(Good):
    """Divides by what silence and black do not have."""

    def heard(self, x: Tensor) -> Tensor:
        return x / x.std()

    def seen(self, x: Tensor) -> Tensor:
        return x / x.std()


class Learns(Good):
    """Has a layer that it never uses."""

    def __init__(self, settings: Any, **context: Any) -> None:
        super().__init__(settings, **context)  # type: ignore[call-arg]
        self.forgotten = nn.Linear(2, 2)


class SoundMatters(Good):
    def heard(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class PicturesMatter(Good):
    def seen(self, x: Tensor) -> Tensor:
        return torch.ones_like(x)


class Deterministic(Good):
    def said(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class ItemsIndependent(Good):
    def said(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class InputsUntouched(Good):
    def heard(self, x: Tensor) -> Tensor:
        return x.sub_(0.5)

    def seen(self, x: Tensor) -> Tensor:
        return x.sub_(0.5)


class StateSurvives(Good):
    """Keeps a level of its training where `state_dict` does not look."""

    level = 0.0

    def said(self, x: Tensor) -> Tensor:
        if self.training:
            self.level = float(x.mean())
        return x - self.level


class Bfloat16(Good):
    """Uses what torch has for no bfloat16."""

    def said(self, x: Tensor) -> Tensor:
        return torch.complex(x, x).abs()


class Seeded(Good):
    """Starts from random numbers that are not torch's."""

    def __init__(self, settings: Any, **context: Any) -> None:
        super().__init__(settings, **context)  # type: ignore[call-arg]
        with torch.no_grad():
            next(self.parameters()).fill_(float(np.random.standard_normal()))  # type: ignore[attr-defined]


class DevicesAgree(Good):
    def said(self, x: Tensor) -> Tensor:
        return x + float(x.is_cuda)


FAULTS = (
    Construct,
    Finite,
    Learns,
    SoundMatters,
    PicturesMatter,
    Deterministic,
    ItemsIndependent,
    InputsUntouched,
    StateSurvives,
    Bfloat16,
    Seeded,
    DevicesAgree,
)


def faulty(good: type) -> dict[str, type]:
    """A class for each mistake: the good one, and that mistake in it."""
    return {fault.__name__: types.new_class(fault.__name__, (fault, good)) for fault in FAULTS}
