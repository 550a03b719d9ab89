"""Supervised training: one loss against the reference."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from avspatial.interfaces import Batch, Trainer
from avspatial.training.parameter_groups import optimizer_groups


class SupervisedTrainer(Trainer):
    """Minimises the sum of the spatializer's own loss terms; one phase, `model`."""

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        """batch of B windows -> the spatializer's terms, scalars, and their sum `total`."""
        terms = self.spatializer.loss_terms(batch, self.settings.loss)
        return {**terms, "total": torch.stack(list(terms.values())).sum()}

    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        return optimizer_groups(
            self.spatializer.parameters(),
            [(self.spatializer.visual_parameters(), self.settings.lr_visual)],
            lr=self.settings.lr,
            weight_decay=self.settings.weight_decay,
        )

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        return self(batch, "model")
