"""Trainers, each with one fault."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from avspatial.interfaces import Batch, Trainer, TrainingStage


class Good(Trainer):
    """The spatializer's own terms: nothing to find."""

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        return {"total": torch.stack(list(self.spatializer.loss_terms(batch, "l1").values())).sum()}

    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        return [{"params": list(self.spatializer.parameters()), "lr": 1e-3}]

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        return self(batch, "model")


class Construct(Good):
    """Its settings lack what the loop needs."""


class TermsScalar(Good):
    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        return {"total": super().forward(batch, phase)["total"][None]}


class StagesComplete(Good):
    def stages(self) -> list[TrainingStage]:
        return [TrainingStage(("warm_up",), self.settings)]


class GroupsComplete(Good):
    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        return [{"params": list(self.spatializer.parameters())[1:], "lr": 1e-3}]


class PhasesApart(GroupsComplete):
    """Moves by itself the parameter that it leaves out of its groups."""

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        with torch.no_grad():
            next(self.spatializer.parameters()).mul_(0.99)
        return super().forward(batch, phase)


class Improves(Good):
    """Climbs where it should go down."""

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        return {"total": -super().forward(batch, phase)["total"]}

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        return {"total": -self(batch, "model")["total"]}


class ValidationChangesNothing(Good):
    """Validates in training mode, so that normalisation takes its statistics from held-out windows."""

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        self.train()
        return super().validate(batch)


class BatchUntouched(Good):
    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        batch.images.sub_(0.5)
        return super().forward(batch, phase)


class StateSurvives(Good):
    """Weighs by how often it was called, and does not save that."""

    calls = 0

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        self.calls += 1
        return {"total": super().forward(batch, phase)["total"] / self.calls}
