"""State of the random number generators of Python, numpy and torch."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def torch_random_state() -> dict[str, Tensor]:
    """State of torch's generators, on the CPU and on the current GPU."""
    state = {"random/cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        state["random/cuda"] = torch.cuda.get_rng_state()
    return state


def set_torch_random_state(state: Mapping[str, Tensor]) -> None:
    """Restore what `torch_random_state` returned."""
    torch.set_rng_state(state["random/cpu"])
    if "random/cuda" in state and torch.cuda.is_initialized():
        torch.cuda.set_rng_state(state["random/cuda"])


@contextmanager
def preserve_random_state() -> Iterator[None]:
    """Restore all generators on exit: random numbers drawn inside do not change those drawn afterwards."""
    torch_state, numpy_state, python_state = torch_random_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        set_torch_random_state(torch_state)
        np.random.set_state(numpy_state)
        random.setstate(python_state)
