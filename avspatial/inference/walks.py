"""How a sound is walked: in which mode, how wide, how exactly."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from avspatial.inference.continuous import ContinuousWalk
from avspatial.inference.looks import Looks, Pictures
from avspatial.inference.sliding import SlidingWalk
from avspatial.interfaces import Spatializer
from avspatial.recipe.schema import Inference

Mode = Literal["exact", "continuous"]
"""`exact`: overlapping windows, averaged, as in the papers. `continuous`: one long pass, faster, nearly the same."""
Precision = Literal["fp32", "bf16"]
"""The arithmetic of the networks."""


class Walk(Protocol):
    """What turns sound (1, n) at the model's rate, block by block, into stereo (2, k)."""

    def push(self, block: Tensor) -> Tensor: ...
    def finish(self) -> Tensor: ...


@dataclass(frozen=True)
class Manner:
    """How it is done; `width` is what the difference is multiplied by."""

    inference: Inference
    width: float = 1.0
    mode: Mode = "exact"
    precision: Precision = "fp32"

    def arithmetic(self, spatializer: Spatializer) -> contextlib.AbstractContextManager[object]:
        """The context in which the networks compute."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(spatializer.mixture_rms.device.type, dtype=torch.bfloat16)


def walk_over(spatializer: Spatializer, pictures: Pictures, manner: Manner) -> Walk:
    """The walk over a mono sound; DataError for a model that cannot walk so."""
    looks = Looks(spatializer, pictures, manner.inference.batch_size)
    if manner.mode == "continuous":
        return ContinuousWalk(spatializer, 1, looks)
    return SlidingWalk(spatializer, 1, looks, manner.inference)
