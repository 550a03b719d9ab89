"""Faults of networks of any kind, each to be mixed into the `Good` network of that kind.

A `Good` network passes its audio through `on_audio`, its images through `on_images` and its output through
`on_output`, which change nothing; each of these faults changes something.
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

    def on_audio(self, x: Tensor) -> Tensor:
        return x

    def on_images(self, x: Tensor) -> Tensor:
        return x

    def on_output(self, x: Tensor) -> Tensor:
        return x


class Construct(Good):
    def __init__(self, settings: Any, **context: Any) -> None:
        raise ValueError("no such settings")


class Finite(Good):
    """Divides by what silence and black do not have."""

    def on_audio(self, x: Tensor) -> Tensor:
        return x / x.std()

    def on_images(self, x: Tensor) -> Tensor:
        return x / x.std()


class Learns(Good):
    """Has a layer that it never uses."""

    def __init__(self, settings: Any, **context: Any) -> None:
        super().__init__(settings, **context)  # type: ignore[call-arg]
        self.forgotten = nn.Linear(2, 2)


class SoundMatters(Good):
    def on_audio(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)


class PicturesMatter(Good):
    def on_images(self, x: Tensor) -> Tensor:
        return torch.ones_like(x)


class Deterministic(Good):
    def on_output(self, x: Tensor) -> Tensor:
        return x + torch.rand_like(x)


class ItemsIndependent(Good):
    def on_output(self, x: Tensor) -> Tensor:
        return x - x.mean(0)


class InputsUntouched(Good):
    def on_audio(self, x: Tensor) -> Tensor:
        return x.sub_(0.5)

    def on_images(self, x: Tensor) -> Tensor:
        return x.sub_(0.5)


class StateSurvives(Good):
    """Keeps a level of its training outside `state_dict`."""

    level = 0.0

    def on_output(self, x: Tensor) -> Tensor:
        if self.training:
            self.level = float(x.mean())
        return x - self.level


class Bfloat16(Good):
    """Uses what torch has for no bfloat16."""

    def on_output(self, x: Tensor) -> Tensor:
        return torch.complex(x, x).abs()


class Seeded(Good):
    """Starts from random numbers that are not torch's."""

    def __init__(self, settings: Any, **context: Any) -> None:
        super().__init__(settings, **context)  # type: ignore[call-arg]
        with torch.no_grad():
            next(self.parameters()).fill_(float(np.random.standard_normal()))  # type: ignore[attr-defined]


class DevicesAgree(Good):
    def on_output(self, x: Tensor) -> Tensor:
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
    """One class for each fault: the good network with that fault."""
    return {fault.__name__: types.new_class(fault.__name__, (fault, good)) for fault in FAULTS}
