"""The training loop: the same code on one CPU, one GPU, or many devices under `accelerate launch`."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import Tensor

from avspatial.errors import Interrupted, TrainingError
from avspatial.interfaces import Batch, Trainer
from avspatial.runs.directory import Run
from avspatial.training import checkpoints
from avspatial.training.batches import Stream, Windows, held_out
from avspatial.training.checkpoints import TrainingState
from avspatial.training.devices import Devices
from avspatial.training.display import Display
from avspatial.training.interrupt import Interrupt
from avspatial.training.prefetch import Prefetch
from avspatial.training.schedule import Plan
from avspatial.training.settings import TrainerSettings


@dataclass(frozen=True)
class Outcome:
    """What a finished training leaves: steps done, the best validated step (None without validation) and its total,
    the share of this process's training time spent waiting for data, and that time in seconds."""

    steps: int
    best_step: int | None
    best_total: float | None
    waiting: float
    seconds: float


def train(
    trainer: Trainer,
    train_windows: Windows,
    val_windows: Windows | None,
    settings: TrainerSettings,
    run: Run,
    *,
    seed: int,
    auxiliary: Mapping[str, Windows] | None = None,
    device: str | None = None,
    resume: bool = False,
    components: Mapping[str, str] | None = None,
    observe: Callable[[Mapping[str, Any]], None] | None = None,
    console: Console | None = None,
) -> Outcome:
    """Train until the plan of `settings` is done, leaving checkpoints and `log.jsonl` records in `run`.

    The trainer's weights must be a pure function of the recipe (its seed), also on `resume`, which goes on from the
    newest checkpoint, or from the start where there is none, and ends with the same bytes as a training that was
    never stopped (on a CPU, with the same number of threads). `components` are the ids@versions in use, stored with
    the weights. `auxiliary` are the windows of the data sets that the trainer's settings name. `observe` is called
    with every record and cannot change a number.

    TrainingError when a term or gradient is not finite; Interrupted after Ctrl-C, with everything saved; RunError
    for a checkpoint of another architecture, a device that is not there, or a disk that is full.
    """
    devices = Devices(device, settings.precision)
    loop = _Loop(trainer, train_windows, val_windows, auxiliary or {}, settings, run, devices)
    loop.observe = observe
    loop.state = replace(loop.state, components=dict(components or {}))
    loop.start(seed, resume)
    return loop.train(console or Console(stderr=True))


class _Loop:
    """One training under way: the trainer on its device, an optimizer a phase, and how far it has come."""

    observe: Callable[[Mapping[str, Any]], None] | None = None

    def __init__(
        self,
        trainer: Trainer,
        train_windows: Windows,
        val_windows: Windows | None,
        auxiliary: Mapping[str, Windows],
        settings: TrainerSettings,
        run: Run,
        devices: Devices,
    ) -> None:
        checkpoints.refuse_tied(trainer)
        self.trainer, self.settings, self.run, self.devices = trainer.to(devices.device), settings, run, devices
        sizes = {name: len(windows) for name, windows in auxiliary.items()}
        self.plan = Plan(settings, len(train_windows), trainer.stages(), sizes)
        place = {"device": devices.index, "devices": devices.count}
        self.stream = Stream(train_windows, settings.batch_size, **place)
        self.auxiliary = {
            name: Stream(windows, settings.batch_size * trainer.auxiliary_windows.get(name, 1), **place)
            for name, windows in auxiliary.items()
        }
        self.val_windows = val_windows
        trainer.spatializer.mixture_rms.fill_(train_windows.mixture_rms)
        self.module = devices.wrap(self.trainer)
        fused = devices.device.type in ("cpu", "cuda")
        self.optimizers = {
            phase: torch.optim.Adam(trainer.parameter_groups(phase), betas=settings.betas, fused=fused)
            for phase in dict.fromkeys(trainer.phases)
        }
        self.rates = {
            phase: [group["lr"] for group in optimizer.param_groups] for phase, optimizer in self.optimizers.items()
        }
        self.state = TrainingState(schedule={"steps": self.plan.steps})
        self.data_wait_s = 0.0  # for held-out windows

    def start(self, seed: int, resume: bool) -> None:
        """Seed the random number generators, or take everything up where the newest checkpoint left it."""
        folder = self._recover() if resume else None
        torch.manual_seed(seed + self.devices.index)
        if folder is not None:
            checkpoints.restore_random(folder)

    def _recover(self) -> Path | None:
        if self.devices.main:
            checkpoints.recover(self.run, self.settings.keep)
        self.devices.wait()
        folder = checkpoints.resolve_pointer(self.run)
        if folder is None:
            return None
        checkpoints.load_all(folder, self.trainer, self.optimizers, self.state.components)
        self.state = checkpoints.read_state(folder)
        saved = {"event": "checkpoint", "step": self.state.step}
        if self.devices.main and saved not in self.run.records():  # killed between the checkpoint and its record
            self._record(saved)
        return folder

    def train(self, console: Console) -> Outcome:
        """Run the remaining steps."""
        self.module.train()
        quiet = console if self.devices.main else Console(quiet=True)
        start = time.perf_counter()
        steps = range(self.state.step + 1, self.plan.steps + 1)
        with (
            Interrupt() as interrupt,
            Display(quiet, self.plan.steps, self.state.step) as display,
            Prefetch(self._made, steps) as batches,
        ):
            before = start
            for batch in batches:
                terms = self._step(batch)
                now = time.perf_counter()
                self._learned(terms, now - before, self.data_wait_s + batches.data_wait_s, now - start, display)
                stopping = self.devices.any(interrupt.asked)
                self._keep(display, stopping)
                if stopping:
                    raise self._interrupted()
                before = time.perf_counter()
            waited = self.data_wait_s + batches.data_wait_s
        seconds = time.perf_counter() - start
        share = waited / seconds if seconds else 0.0
        return Outcome(self.state.step, self.state.best_step, self.state.best_total, share, seconds)

    def _made(self, step: int) -> Batch:
        auxiliary = {name: stream.batch(step) for name, stream in self.auxiliary.items()}
        batch = replace(self.stream.batch(step), auxiliary=auxiliary)
        return batch.each(torch.Tensor.pin_memory) if self.devices.device.type == "cuda" else batch

    def _step(self, batch: Batch) -> dict[str, float]:
        """Learn from one batch in every phase; the terms as `phase/term`, means over the devices."""
        step = self.state.step + 1
        batch = batch.to(self.devices.device)
        terms: dict[str, float] = {}
        for phase in self.plan.phases(step):
            optimizer = self.optimizers[phase]
            for group, rate in zip(optimizer.param_groups, self.rates[phase], strict=True):
                group["lr"] = rate * self.plan.rate(step)
            terms |= self._phase(phase, batch, optimizer, step)
        self.state = replace(self.state, step=step, epoch=self.plan.epoch(step))
        return terms

    def _phase(self, phase: str, batch: Batch, optimizer: torch.optim.Optimizer, step: int) -> dict[str, float]:
        self.trainer.zero_grad(set_to_none=True)
        with self.devices.autocast():
            found: dict[str, Tensor] = self.module(batch, phase)
        self.devices.backward(found["total"])
        names = [f"{phase}/{name}" for name in (*found, "gradient")]
        values = self.devices.mean([*found.values(), self._gradient_norm(optimizer)])
        terms = dict(zip(names, values, strict=True))
        self._refuse_infinite(terms, step)
        optimizer.step()
        return terms

    def _gradient_norm(self, optimizer: torch.optim.Optimizer) -> Tensor:
        learning = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in learning])
        if self.settings.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(learning, self.settings.clip, norm)
        return norm

    def _refuse_infinite(self, terms: Mapping[str, float], step: int) -> None:
        for name, value in terms.items():
            if not math.isfinite(value):
                newest = checkpoints.resolve_pointer(self.run)
                kept = f"Checkpoint {newest.name} is whole. " if newest else ""
                fix = kept + "Try a lower trainer.lr, or limit the gradient with trainer.clip=1.0."
                raise TrainingError(f"{name} is {value} at step {step}", where=self.run.path, fix=fix)

    def _learned(
        self, terms: dict[str, float], seconds: float, waited: float, elapsed: float, display: Display
    ) -> None:
        rate = self.settings.batch_size / seconds
        share = waited / elapsed
        display.step(self.state.step, terms, rate, share)
        self._record(
            {
                "event": "train",
                "step": self.state.step,
                "epoch": self.state.epoch,
                "terms": terms,
                "learning_rate": self._rate(),
                "clips_per_second": rate,
                "waiting": share,
            }
        )

    def _rate(self) -> float:
        """The learning rate of the step just done: that of its last phase's first group."""
        phase = self.plan.phases(self.state.step)[-1]
        return float(self.optimizers[phase].param_groups[0]["lr"])

    def _keep(self, display: Display, stopping: bool) -> None:
        """Validate and write a checkpoint where they are due; one device does it, the others wait."""
        step = self.state.step
        validates = self.plan.validates(step) and self.val_windows is not None
        if not (validates or stopping or self.plan.saves(step)):
            return
        if self.devices.main:
            better = validates and self._validate(display)
            if better or stopping or self.plan.saves(step):
                checkpoints.save(self.run, self.trainer, self.optimizers, self.state, self.settings.keep)
                self._record({"event": "checkpoint", "step": step})
        self.devices.wait()

    def _validate(self, display: Display) -> bool:
        """Mean terms on the held-out windows; whether their total is the lowest so far."""
        assert self.val_windows is not None
        windows = self.val_windows
        sums: dict[str, float] = {}
        self.trainer.eval()
        with torch.no_grad(), Prefetch(lambda part: windows.batch(0, part), self._held_out()) as batches:
            for batch in batches:
                with self.devices.autocast():
                    terms = self.trainer.validate(batch.to(self.devices.device))
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + value.item() * len(batch.mixture)
            self.data_wait_s += batches.data_wait_s
        self.trainer.train()
        means = {name: value / len(windows) for name, value in sums.items()}
        self._refuse_infinite({f"held out {name}": value for name, value in means.items()}, self.state.step)
        better = self.state.best_total is None or means["total"] < self.state.best_total
        if better:
            self.state = replace(self.state, best_step=self.state.step, best_total=means["total"])
        display.validated(self.state.step, means["total"], better)
        self._record({"event": "validate", "step": self.state.step, "terms": means})
        return better

    def _held_out(self) -> list[Any]:
        assert self.val_windows is not None
        return held_out(self.val_windows, self.settings.batch_size)

    def _record(self, record: Mapping[str, Any]) -> None:
        if not self.devices.main:
            return
        self.run.record(record)
        if self.observe is not None:
            with _random_numbers_kept():
                self.observe(record)

    def _interrupted(self) -> Interrupted:
        what = f"interrupted after step {self.state.step} of {self.plan.steps}; everything is saved"
        return Interrupted(what, where=self.run.path, fix=f"Go on with: avspatial run --resume {self.run.path}")


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """What draws random numbers inside does not change those drawn afterwards."""
    torch_state, numpy_state, python_state = checkpoints.random_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        checkpoints.set_random_state(torch_state)
        np.random.set_state(numpy_state)
        random.setstate(python_state)
