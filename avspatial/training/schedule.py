"""When what happens: stages, steps, epochs, learning rates, validations, checkpoints. Pure arithmetic."""

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
    """A stage in its place: `before` steps come first, then its own; `windows` make an epoch of it."""

    stage: TrainingStage
    before: int
    steps: int
    windows: int


@dataclass(frozen=True)
class Plan:
    """The timetable of a training over `windows` training windows an epoch.

    `stages`: one that lasts all the time where not given. `auxiliary`: the windows of each auxiliary data set.
    A `step` here is the number of steps done: the first one done is step 1. Epochs count from each stage's beginning.
    RecipeError if the stages before the last leave it nothing of the steps.
    """

    settings: TrainerSettings
    windows: int
    stages: Sequence[TrainingStage] = ()
    auxiliary: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def scheduled_stages(self) -> tuple[ScheduledStage, ...]:
        found: list[ScheduledStage] = []
        before = 0
        stages = self.stages or [TrainingStage((), self.settings)]
        for stage in stages:
            windows = self.auxiliary[stage.epochs_of] if stage.epochs_of else self.windows
            steps = self._length(stage.timetable, windows)
            if stage is stages[-1] and self.settings.steps is not None:
                steps = self.settings.steps - before
            found.append(ScheduledStage(stage, before, steps, windows))
            before += steps
        if found[-1].steps < 1:
            raise RecipeError(
                f"the stages before the last one take {found[-1].before} steps, and training has {self.settings.steps}",
                where="trainer.steps",
                fix="Make it more, or a stage before the last shorter.",
            )
        return tuple(found)

    def _length(self, timetable: StageSettings, windows: int) -> int:
        if timetable.steps is not None:
            return timetable.steps
        return math.ceil(timetable.epochs * windows / self.settings.batch_size)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        last = self.scheduled_stages[-1]
        return last.before + last.steps

    def _at(self, step: int) -> ScheduledStage:
        return next(
            scheduled
            for scheduled in reversed(self.scheduled_stages)
            if step > scheduled.before or not scheduled.before
        )

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
        """What the learning rates are multiplied by in `step`."""
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
