"""Trainers: how a spatializer is trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from avspatial.interfaces.clips import Batch
from avspatial.interfaces.spatializer import Builder, Spatializer


@dataclass(frozen=True)
class TrainingStage:
    """A stage of training.

    Attributes:
        phases: The phases that each of its steps runs.
        timetable: Its length and schedule, an `avspatial.training.StageSettings`: the trainer's own settings, or a part
            of them.
        epochs_of: The auxiliary data set whose clips make an epoch; the recipe's `data` if empty.
    """

    phases: tuple[str, ...]
    timetable: Any
    epochs_of: str = ""


class Trainer(nn.Module, ABC):
    """Loss terms and parameter groups of a training. Constructed as `Target(settings, spatializer=..., builder=...)`.

    A step of training runs `phases` in order: the loop calls `forward(batch, phase)` and minimises `total` with the
    phase's own optimizer over `parameter_groups(phase)`. The loop does everything else: data order, schedules,
    checkpoints, logs, devices. All weights, a discriminator's included, are submodules of the trainer.

    Settings may name further data sets in fields of type `DatasetChoice`: every batch then holds windows of each in
    `auxiliary`, as many as it has itself, times the field's number in `auxiliary_windows` if there is one.

    Args:
        settings: The component's settings.
        spatializer: The model to train.
        builder: Builds the components that the settings select.

    Attributes:
        phases: The phases of a step.
        auxiliary_windows: Windows of an auxiliary data set for each window of the batch, by field; 1 if not given.
    """

    phases: tuple[str, ...] = ("model",)
    auxiliary_windows: ClassVar[Mapping[str, int]] = {}

    def __init__(self, settings: Any, *, spatializer: Spatializer, builder: Builder) -> None:
        super().__init__()
        self.settings = settings
        self.spatializer = spatializer

    def stages(self) -> Sequence[TrainingStage]:
        """Stages of training; by default a single one with all phases.

        Returns:
            The stages in order. The last one's timetable is that of the settings, whose `steps`, if given, count the
            steps of all stages.
        """
        return [TrainingStage(self.phases, self.settings)]

    @abstractmethod
    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        """Loss terms of a phase.

        Args:
            batch: Training windows.
            phase: One of `phases`.

        Returns:
            Scalars by name; `total` is minimised, the others are logged.
        """

    @abstractmethod
    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        """Parameters that a phase updates; `avspatial.training.optimizer_groups` makes the groups.

        Args:
            phase: One of `phases`.

        Returns:
            Parameter groups for torch.optim: params, lr, weight_decay.
        """

    @abstractmethod
    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """Terms on held-out windows.

        Args:
            batch: Held-out windows.

        Returns:
            Scalars by name; the lowest mean `total` decides on the best checkpoint.
        """
