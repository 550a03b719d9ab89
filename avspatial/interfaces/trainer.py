"""How a spatializer learns."""

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
    """A stretch of training: the phases that each of its steps runs, and its timetable.

    `timetable` says length and schedule (`training.settings.StageSettings`: the trainer's own settings, or a part of
    them). `epochs_of`: the auxiliary data set whose clips make an epoch of it; the recipe's `data` where empty.
    """

    phases: tuple[str, ...]
    timetable: Any
    epochs_of: str = ""


class Trainer(nn.Module, ABC):
    """How a spatializer learns. Constructed as `Target(settings, spatializer=..., builder=...)`.

    One step of training runs `phases` in order: the loop calls `forward(batch, phase)`, minimises `total` with the
    phase's own optimizer over `parameter_groups(phase)`. The loop (`training.loop`) owns everything else: data order,
    schedules, checkpoints, logs, devices. All weights, a discriminator's included, are submodules of the trainer.

    Settings may name further data sets, in fields of type `DatasetChoice`: every batch then has windows of each among
    its `auxiliary`, as many as it has itself, times the field's number in `auxiliary_windows` where there is one.
    """

    phases: tuple[str, ...] = ("model",)
    auxiliary_windows: ClassVar[Mapping[str, int]] = {}

    def __init__(self, settings: Any, *, spatializer: Spatializer, builder: Builder) -> None:
        super().__init__()
        self.settings = settings
        self.spatializer = spatializer

    def stages(self) -> Sequence[TrainingStage]:
        """The stages of training, one after the other; by default a single one, of all phases.

        The last one's timetable is that of the settings; their `steps`, where given, count the steps of all stages.
        """
        return [TrainingStage(self.phases, self.settings)]

    @abstractmethod
    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        """Scalar loss terms of a phase; `total` is what is minimised, the others are logged."""

    @abstractmethod
    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        """torch.optim parameter groups (params, lr, weight_decay) that the phase updates."""

    @abstractmethod
    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """Scalar terms on held-out windows; the lowest mean `total` marks the best checkpoint."""
