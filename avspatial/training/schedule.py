"""When what happens: steps, epochs, learning rates, validations, checkpoints. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass

from avspatial.training.settings import TrainerSettings


@dataclass(frozen=True)
class Plan:
    """The timetable of a training over `windows` training windows an epoch.

    A `step` here is the number of steps done: the first one done is step 1.
    """

    settings: TrainerSettings
    windows: int

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        if self.settings.steps is not None:
            return self.settings.steps
        return math.ceil(self.settings.epochs * self.windows / self.settings.batch_size)

    def epochs_done(self, step: int) -> int:
        """Whole epochs in the first `step` steps."""
        return step * self.settings.batch_size // self.windows

    def epoch(self, step: int) -> int:
        """Epoch (from 0) of the last window of `step`."""
        return (step * self.settings.batch_size - 1) // self.windows

    def _due(self, step: int, every: int | None) -> bool:
        if step == self.steps:
            return True
        if every is None:
            return self.epochs_done(step) > self.epochs_done(step - 1)
        return step % every == 0

    def validates(self, step: int) -> bool:
        return self._due(step, self.settings.validate_every)

    def saves(self, step: int) -> bool:
        return self._due(step, self.settings.checkpoint_every)

    def rate(self, step: int) -> float:
        """What the learning rates are multiplied by in `step`."""
        done = step - 1
        if done < self.settings.warmup:
            return step / (self.settings.warmup + 1)
        if self.settings.schedule == "step":
            return self.settings.decay ** (self.epochs_done(done) // self.settings.decay_every)
        if self.settings.schedule == "cosine":
            left = max(1, self.steps - self.settings.warmup)
            return 0.5 * (1 + math.cos(math.pi * (done - self.settings.warmup) / left))
        return 1.0
