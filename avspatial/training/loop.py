"""The training loop: the same code on one CPU, one GPU, or many devices under `accelerate launch`."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

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
from avspatial.training.interrupt import first_interrupt
from avspatial.training.prefetch import Prefetch
from avspatial.training.random_state import preserve_random_state
from avspatial.training.schedule import Plan
from avspatial.training.settings import TrainerSettings

Observer = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Outcome:
    """Result of a finished training.

    Attributes:
        steps: Steps done.
        best_step: Step with the lowest validation total; None without validation.
        best_total: That total.
        waiting: Share of this process's training time that was spent waiting for data.
        seconds: That training time.
    """

    steps: int
    best_step: int | None
    best_total: float | None
    waiting: float
    seconds: float


def train(
    trainer: Trainer,
    train_windows: Windows,
    val_windows: Windows | None,
    run: Run,
    *,
    seed: int,
    devices: Devices,
    auxiliary: Mapping[str, Windows] | None = None,
    resume: bool = False,
    components: Mapping[str, str] | None = None,
    observe: Observer | None = None,
    console: Console | None = None,
) -> Outcome:
    """Train until the plan of the trainer's settings is done, leaving checkpoints and `log.jsonl` records in `run`.

    The trainer's weights must be a pure function of the recipe (its seed), also on `resume`, which continues from the
    newest checkpoint, or from the start if there is none, and ends with the same bytes as a training that was never
    stopped (on a CPU, with the same number of threads).

    Args:
        trainer: The trainer with its spatializer.
        train_windows: Training windows.
        val_windows: Held-out windows; None trains without validation.
        run: The run directory.
        seed: Seed of torch's generators.
        devices: The device of this process, and its place among the processes that train together.
        auxiliary: Windows of the data sets that the trainer's settings name, by the name of the setting.
        resume: Continue from the newest checkpoint.
        components: id@version of each component, stored with the weights.
        observe: Called with every record; cannot change a number.
        console: Where progress is shown; standard error by default.

    Raises:
        TrainingError: A loss term or gradient is not finite.
        Interrupted: Ctrl-C, SIGTERM or SIGHUP, after everything is saved.
        RunError: A checkpoint of another architecture, a precision that the device cannot compute, or a full disk.
    """
    devices.check_precision(trainer.settings.precision)
    loop = _Loop(trainer, train_windows, val_windows, run, devices, auxiliary or {}, components or {}, observe)
    loop.start(seed, resume)
    return loop.train(console or Console(stderr=True))


class _Loop:
    """A training in progress: the trainer on its device, one optimizer a phase, and the state reached."""

    def __init__(
        self,
        trainer: Trainer,
        train_windows: Windows,
        val_windows: Windows | None,
        run: Run,
        devices: Devices,
        auxiliary: Mapping[str, Windows],
        components: Mapping[str, str],
        observe: Observer | None,
    ) -> None:
        checkpoints.refuse_tied(trainer)
        self.trainer, self.run, self.devices = trainer.to(devices.device), run, devices
        self.val_windows, self.observe = val_windows, observe
        self.settings: TrainerSettings = trainer.settings
        sizes = {name: len(windows) for name, windows in auxiliary.items()}
        self.plan = Plan(self.settings, len(train_windows), trainer.stages(), sizes)
        self.stream = self._stream(train_windows)
        self.auxiliary = {
            name: self._stream(windows, trainer.auxiliary_windows.get(name, 1)) for name, windows in auxiliary.items()
        }
        trainer.spatializer.mixture_rms.fill_(train_windows.mixture_rms)
        self.module = devices.wrap(self.trainer)
        fused = devices.device.type in ("cpu", "cuda")
        self.optimizers = {
            phase: torch.optim.Adam(trainer.parameter_groups(phase), betas=self.settings.betas, fused=fused)
            for phase in dict.fromkeys(trainer.phases)
        }
        self.base_rates = {
            phase: [group["lr"] for group in optimizer.param_groups] for phase, optimizer in self.optimizers.items()
        }
        self.state = TrainingState(components=dict(components))
        self.validation_wait_s = 0.0

    def _stream(self, windows: Windows, times: int = 1) -> Stream:
        batch_size = times * self.settings.batch_size
        return Stream(windows, batch_size, device=self.devices.index, devices=self.devices.count)

    def start(self, seed: int, resume: bool) -> None:
        """Seed the random number generators, or restore everything from the newest checkpoint."""
        folder = self._recover() if resume else None
        torch.manual_seed(seed + self.devices.index)
        if folder is not None:
            checkpoints.restore_random_state(folder)

    def _recover(self) -> Path | None:
        if self.devices.main:
            checkpoints.recover(self.run, self.settings.keep)
        self.devices.wait()
        folder = checkpoints.resolve_pointer(self.run)
        if folder is None:
            return None
        checkpoints.load_all(folder, self.trainer, self.optimizers, self.state.components)
        self.state = checkpoints.read_state(folder)
        record = {"event": "checkpoint", "step": self.state.step}
        if self.devices.main and record not in self.run.records():  # killed between the checkpoint and its record
            self._record(record)
        return folder

    def train(self, console: Console) -> Outcome:
        """Run the remaining steps."""
        self.module.train()
        steps = range(self.state.step + 1, self.plan.steps + 1)
        start = step_start = time.perf_counter()
        with (
            first_interrupt() as interrupt,
            Display(console if self.devices.main else Console(quiet=True), self.plan.steps, self.state.step) as display,
            Prefetch(self._next_batch, steps) as batches,
        ):
            for batch in batches:
                terms = self._optimizer_step(batch)
                now = time.perf_counter()
                waiting = (self.validation_wait_s + batches.data_wait_s) / (now - start)
                self._log_step(terms, self.settings.batch_size / (now - step_start), waiting, display)
                stopping = self.devices.any(interrupt.number > 0)
                improved = self._validate_if_due(display)
                self._checkpoint_if_due(now=improved or stopping)
                if stopping:
                    raise self._interrupted(interrupt.number)
                step_start = time.perf_counter()
            data_wait_s = self.validation_wait_s + batches.data_wait_s
        seconds = time.perf_counter() - start
        waiting = data_wait_s / seconds if seconds else 0.0
        return Outcome(self.state.step, self.state.best_step, self.state.best_total, waiting, seconds)

    def _next_batch(self, step: int) -> Batch:
        auxiliary = {name: stream.batch(step) for name, stream in self.auxiliary.items()}
        batch = replace(self.stream.batch(step), auxiliary=auxiliary)
        return batch.each(torch.Tensor.pin_memory) if self.devices.device.type == "cuda" else batch

    def _optimizer_step(self, batch: Batch) -> dict[str, float]:
        """Update every phase of the step on one batch; the terms as `phase/term`, means over the devices."""
        step = self.state.step + 1
        batch = batch.to(self.devices.device)
        terms: dict[str, float] = {}
        for phase in self.plan.phases(step):
            self._set_learning_rate(phase, self.plan.rate(step))
            terms |= self._phase_step(phase, batch, step)
        self.state = replace(self.state, step=step, epoch=self.plan.epoch(step))
        return terms

    def _set_learning_rate(self, phase: str, factor: float) -> None:
        for group, rate in zip(self.optimizers[phase].param_groups, self.base_rates[phase], strict=True):
            group["lr"] = rate * factor

    def _phase_step(self, phase: str, batch: Batch, step: int) -> dict[str, float]:
        optimizer = self.optimizers[phase]
        self.trainer.zero_grad(set_to_none=True)
        with self.devices.autocast(self.settings.precision):
            losses: dict[str, Tensor] = self.module(batch, phase)
        self.devices.backward(losses["total"])
        names = [f"{phase}/{name}" for name in (*losses, "gradient")]
        values = self.devices.mean([*losses.values(), self._clip_gradient(optimizer)])
        terms = dict(zip(names, values, strict=True))
        self._refuse_infinite(terms, step)
        optimizer.step()
        return terms

    def _clip_gradient(self, optimizer: torch.optim.Optimizer) -> Tensor:
        """Scale the gradient down to `settings.clip`; its norm before that."""
        updated = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        norm = torch.nn.utils.get_total_norm([p.grad for p in updated])
        if self.settings.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(updated, self.settings.clip, norm)
        return norm

    def _refuse_infinite(self, terms: Mapping[str, float], step: int) -> None:
        for name, value in terms.items():
            if not math.isfinite(value):
                newest = checkpoints.resolve_pointer(self.run)
                kept = f"Checkpoint {newest.name} is complete. " if newest else ""
                fix = kept + "Try a lower trainer.lr, or limit the gradient with trainer.clip=1.0."
                raise TrainingError(f"{name} is {value} at step {step}", where=self.run.path, fix=fix)

    def _log_step(self, terms: Mapping[str, float], clips_per_second: float, waiting: float, display: Display) -> None:
        display.step(self.state.step, terms, clips_per_second, waiting)
        last_phase = self.plan.phases(self.state.step)[-1]
        self._record(
            {
                "event": "train",
                "step": self.state.step,
                "epoch": self.state.epoch,
                "terms": terms,
                "learning_rate": float(self.optimizers[last_phase].param_groups[0]["lr"]),
                "clips_per_second": clips_per_second,
                "waiting": waiting,
            }
        )

    def _validate_if_due(self, display: Display) -> bool:
        """Whether a validation was due and its total is the lowest so far; one device computes it."""
        if self.val_windows is None or not self.plan.validates(self.state.step):
            return False
        return self.devices.any(self.devices.main and self._validate(self.val_windows, display))

    def _checkpoint_if_due(self, *, now: bool) -> None:
        """Write a checkpoint if one is due, or `now`; one device does it, the others wait."""
        if not (now or self.plan.saves(self.state.step)):
            return
        if self.devices.main:
            checkpoints.save(self.run, self.trainer, self.optimizers, self.state, self.settings.keep)
            self._record({"event": "checkpoint", "step": self.state.step})
        self.devices.wait()

    def _validate(self, windows: Windows, display: Display) -> bool:
        """Record the mean terms on the held-out windows; whether their total is the lowest so far."""
        sums: dict[str, float] = {}
        batch_indices = held_out(windows, self.settings.batch_size)
        self.trainer.eval()
        with torch.no_grad(), Prefetch(lambda indices: windows.batch(0, indices), batch_indices) as batches:
            for batch in batches:
                with self.devices.autocast(self.settings.precision):
                    terms = self.trainer.validate(batch.to(self.devices.device))
                for name, value in terms.items():
                    sums[name] = sums.get(name, 0.0) + value.item() * len(batch.mixture)
            self.validation_wait_s += batches.data_wait_s
        self.trainer.train()
        means = {name: value / len(windows) for name, value in sums.items()}
        self._refuse_infinite({f"held out {name}": value for name, value in means.items()}, self.state.step)
        improved = self.state.best_total is None or means["total"] < self.state.best_total
        if improved:
            self.state = replace(self.state, best_step=self.state.step, best_total=means["total"])
        display.validated(self.state.step, means["total"], improved)
        self._record({"event": "validate", "step": self.state.step, "terms": means})
        return improved

    def _record(self, record: Mapping[str, Any]) -> None:
        if not self.devices.main:
            return
        self.run.record(record)
        if self.observe is not None:
            with preserve_random_state():
                self.observe(record)

    def _interrupted(self, number: int) -> Interrupted:
        what = f"interrupted after step {self.state.step} of {self.plan.steps}; everything is saved"
        fix = f"Go on with: {self.run.resume_command}"
        # The signal may have been sent to another process of the training alone.
        return Interrupted(what, where=self.run.path, fix=fix, number=number or signal.SIGINT)
