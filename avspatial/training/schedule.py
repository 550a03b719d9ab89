"""Schedule of a training: stages, steps, epochs, learning rates, validations, checkpoints. Pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from avspatial.errors import RecipeError
from avspatial.interfaces import TrainingStage
from avspatial.training.settings import StageSettings, TrainerSettings


@dataclass(frozen=True)
class ScheduledStage:
    """A stage with its position: it begins after `before` steps, takes `steps`, and `windows` make an epoch of it."""

    stage: TrainingStage
    before: int
    steps: int
    windows: int


@dataclass(frozen=True)
class Plan:
    """Schedule of a training with `windows` training windows an epoch.

    `stages`: a single one for all steps if empty. `auxiliary`: the number of windows of each auxiliary data set.
    Steps count from 1, epochs from 0 at the beginning of each stage.
    RecipeError if the stages before the last take all steps.
    """

    settings: TrainerSettings
    windows: int
    stages: Sequence[TrainingStage] = ()
    auxiliary: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def scheduled_stages(self) -> tuple[ScheduledStage, ...]:
        scheduled: list[ScheduledStage] = []
        before = 0
        stages = self.stages or [TrainingStage((), self.settings)]
        for stage in stages:
            windows = self.auxiliary[stage.epochs_of] if stage.epochs_of else self.windows
            steps = self._length(stage.timetable, windows)
            if stage is stages[-1] and self.settings.steps is not None:
                steps = self.settings.steps - before
            scheduled.append(ScheduledStage(stage, before, steps, windows))
            before += steps
        last = scheduled[-1]
        if last.steps < 1:
            raise RecipeError(
                f"the stages before the last one take {last.before} steps, and training has {self.settings.steps}",
                where="trainer.steps",
                fix="Make it more, or a stage before the last shorter.",
            )
        return tuple(scheduled)

    def _length(self, timetable: StageSettings, windows: int) -> int:
        if timetable.steps is not None:
            return timetable.steps
        return math.ceil(timetable.epochs * windows / self.settings.batch_size)

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        last = self.scheduled_stages[-1]
        return last.before + last.steps

    def _at(self, step: int) -> ScheduledStage:
        return next(stage for stage in reversed(self.scheduled_stages) if step > stage.before or not stage.before)

    def phases(self, step: int) -> tuple[str, ...]:
        """The phases that `step` runs."""
        return self._at(step).stage.phases

    def epoch(self, step: int) -> int:
        """Epoch of its stage (from 0) of the last window of `step`."""
        scheduled = self._at(step)
        return ((step - scheduled.before) * self.settings.batch_size - 1) // scheduled.windows

    def _due(self, step: int, every: int | None) -> bool:
        if step == self.steps:
            return True
        if every is not None:
            return step % every == 0
        scheduled = self._at(step)
        done, size = step - scheduled.before, self.settings.batch_size
        return done * size // scheduled.windows > (done - 1) * size // scheduled.windows

    def validates(self, step: int) -> bool:
        return self._due(step, self.settings.validate_every)

    def saves(self, step: int) -> bool:
        return self._due(step, self.settings.checkpoint_every)

    def rate(self, step: int) -> float:
        """Factor of the learning rates in `step`."""
        scheduled = self._at(step)
        timetable, done = scheduled.stage.timetable, step - 1 - scheduled.before
        if done < timetable.warmup:
            return float((done + 1) / (timetable.warmup + 1))
        if timetable.schedule == "step":
            epochs = done * self.settings.batch_size // scheduled.windows
            return float(timetable.decay ** (epochs // timetable.decay_every))
        if timetable.schedule == "cosine":
            left = max(1, scheduled.steps - timetable.warmup)
            return 0.5 * (1 + math.cos(math.pi * (done - timetable.warmup) / left))
        return 1.0
