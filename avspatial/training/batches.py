"""Batches of training windows: the order in which steps consume them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Protocol

import numpy as np
import torch

from avspatial.errors import RunError
from avspatial.interfaces import Batch


class Windows(Protocol):
    """Interface of training windows; `avspatial.data.windows.TrainingWindows` implements it."""

    @property
    def mixture_rms(self) -> float: ...
    def __len__(self) -> int: ...
    def order(self, epoch: int) -> Sequence[int] | np.ndarray: ...
    def batch(self, epoch: int, indices: Sequence[int]) -> Batch: ...


def concatenate(parts: Sequence[Batch]) -> Batch:
    """Batches of B1, B2, ... windows -> one batch of B1 + B2 + ... windows."""
    if len(parts) == 1:
        return parts[0]
    mixture, reference, images = (
        torch.cat([getattr(part, name) for part in parts]) for name in ("mixture", "reference", "images")
    )
    return Batch(mixture, reference, images)


class Stream:
    """The orders of all epochs, concatenated and cut into steps of equal size.

    Every batch is full (batch normalisation never sees a batch of one window unless all have one), no clip is dropped,
    and the windows of a step are a pure function of its number: resuming needs no stored position.
    With several devices each takes an equal part of every step; RunError if the parts cannot be equal.
    """

    def __init__(self, windows: Windows, batch_size: int, *, device: int = 0, devices: int = 1) -> None:
        if batch_size % devices:
            fix = f"Set trainer.batch_size to a multiple of {devices}, or use another number of processes."
            raise RunError(f"{batch_size} windows a step cannot be shared equally by {devices} devices", fix=fix)
        self.windows = windows
        self.batch_size = batch_size
        self.part = batch_size // devices
        self.first = device * self.part

    def batch(self, step: int) -> Batch:
        """This device's windows of `step`, which counts from 1."""
        start = (step - 1) * self.batch_size + self.first
        positions = [divmod(position, len(self.windows)) for position in range(start, start + self.part)]
        parts = []
        for epoch, group in groupby(positions, key=lambda position: position[0]):
            order = self.windows.order(epoch)
            parts.append(self.windows.batch(epoch, [int(order[index]) for _, index in group]))
        return concatenate(parts)


def held_out(windows: Windows, batch_size: int) -> list[Sequence[int]]:
    """Indices of the fixed validation windows, batch by batch; the last batch may be smaller."""
    order = [int(index) for index in windows.order(0)]
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
