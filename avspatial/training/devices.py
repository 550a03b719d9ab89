"""Devices of a training: one code path for a CPU, a GPU, or many of them under `accelerate launch`."""

from __future__ import annotations

import atexit
import contextlib
import textwrap
from collections.abc import Sequence
from typing import cast

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast_object_list
from torch import Tensor, nn

from avspatial.errors import RunError


class Devices:
    """This process's device and its place among the processes that train together.

    Outside a launcher there is one process, on `device` (a torch name; if None, accelerate's choice: a GPU if there is
    one). Under a launcher the launcher assigns the devices. RunError for a device that this machine does not have.
    """

    def __init__(self, device: str | None = None) -> None:
        # A phase leaves the other phase's parameters without a gradient; the wrapper must expect that.
        unused = DistributedDataParallelKwargs(find_unused_parameters=True)
        # The recipe decides on precision and device; accelerate's own settings are global to the process.
        self._accelerator = Accelerator(mixed_precision="no", device_placement=False, kwargs_handlers=[unused])
        self.count: int = self._accelerator.num_processes
        self.index: int = self._accelerator.process_index
        self.main: bool = self._accelerator.is_main_process
        self.device: torch.device = self._accelerator.device
        if device is not None and self.count == 1:
            self.device = _named(device)
        if self.count > 1:
            atexit.register(_leave)  # a process that ends within its group aborts now and then

    def check_precision(self, precision: str) -> None:
        """RunError for bf16 on a CPU.

        There torch 2.11 (oneDNN) takes the weight gradients of small 3-D convolutions from uninitialised memory: they
        are sometimes not numbers.
        """
        if precision == "bf16" and self.device.type == "cpu":
            fix = "Set trainer.precision=fp32, or train on a GPU."
            raise RunError("bf16 cannot be trusted on a CPU", where="trainer.precision", fix=fix)

    def wrap(self, module: nn.Module) -> nn.Module:
        """Wrap the module so that backward passes average gradients over the devices."""
        return cast(nn.Module, self._accelerator.prepare_model(module))

    def backward(self, total: Tensor) -> None:
        self._accelerator.backward(total)

    def autocast(self, precision: str) -> contextlib.AbstractContextManager[object]:
        """Context in which the networks compute in `precision`."""
        if precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def mean(self, values: Sequence[Tensor]) -> list[float]:
        """Mean of each scalar over the devices."""
        stacked = torch.stack([value.detach().float().reshape(()) for value in values])
        return cast(list[float], self._accelerator.reduce(stacked, "mean").tolist())

    def any(self, here: bool) -> bool:
        """Whether `here` is true on any device; waits for all of them."""
        if self.count == 1:
            return here
        return self.mean([torch.tensor(float(here), device=self.device)])[0] > 0

    def share(self, text: str) -> str:
        """The first process's text, in all processes."""
        return str(broadcast_object_list([text])[0]) if self.count > 1 else text

    def wait(self) -> None:
        self._accelerator.wait_for_everyone()


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def _named(name: str) -> torch.device:
    fix = "Name a device that this machine has, such as cpu or cuda:0, or leave --device away."
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except NotImplementedError as error:  # torch's text speaks of its operators
        what = f"no such device: this machine, or this build of torch, has no {name.partition(':')[0]}"
        raise RunError(what, where=name, fix=fix) from error
    except (RuntimeError, AssertionError, ImportError) as error:
        raise RunError(f"no such device: {_first_sentence(str(error))}", where=name, fix=fix) from error
    if device.type == "meta":
        raise RunError("no such device: 'meta' computes nothing", where=name, fix=fix)
    return device


def _first_sentence(text: str) -> str:
    """Of torch's text, which may go on for pages; at most 200 characters."""
    return textwrap.shorten(text.splitlines()[0].partition(". ")[0].rstrip("."), 200, placeholder=" ...")
