"""Sep-Stereo's training (Zhou et al., ECCV 2020): separation, then separation and stereo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from avspatial.errors import PluginError
from avspatial.interfaces import Batch, Builder, Spatializer, Trainer, TrainingStage
from avspatial.signal import stereo
from avspatial.training import optimizer_groups
from avspatial_sepstereo.settings import SeparationSettings, SepStereoTrainerSettings


class Masking(Protocol):
    """Interface that this trainer needs in addition to `Spatializer`; all that build on `masking` implement it."""

    def loss_terms_given(
        self, mixture: Tensor, reference: Tensor, visual: Tensor | None, loss: str
    ) -> dict[str, Tensor]:
        """mixture (B, T), reference (B, 2, T), visual features as `encode_images` gives them -> the loss terms."""


class SepStereoTrainer(Trainer):
    """Two stages of one phase each, `separation` and `joint`.

    A separation sample is made of two solos of `batch.auxiliary["solos"]`: their audio is left and right; the visual
    features are zero but for those of the first at the left edge and of the second at the right edge, each the
    largest of its row. The spatializer's own terms are the loss of both tasks.
    PluginError for a spatializer that does not take visual features.
    """

    auxiliary_windows = {"solos": 2}

    def __init__(self, settings: SepStereoTrainerSettings, *, spatializer: Spatializer, builder: Builder) -> None:
        super().__init__(settings, spatializer=spatializer, builder=builder)
        _refuse_unfit(spatializer)
        self.phases = ("joint",) if settings.separation is None else ("separation", "joint")

    def stages(self) -> Sequence[TrainingStage]:
        first, settings = self.settings.separation, self.settings
        joint = TrainingStage(("joint",), settings)
        return [joint] if first is None else [TrainingStage(("separation",), first, epochs_of="solos"), joint]

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        """batch of B windows with 2 B solos -> the phase's terms, scalars, and their sum `total`."""
        apart = self._separate(batch.auxiliary["solos"])
        if phase == "separation":
            return _summed({f"separation_{name}": value for name, value in apart.items()})
        weight = self.settings.separation_weight
        terms = self.spatializer.loss_terms(batch, self.settings.loss)
        return _summed({**terms, **{f"separation_{name}": weight * value for name, value in apart.items()}})

    def _separate(self, solos: Batch) -> dict[str, Tensor]:
        """The terms of B separation samples; solos of 2 B windows, each as two channels of RMS 0.1."""
        reference = torch.stack((solos.mixture / 2).chunk(2), 1)
        visual = side_by_side(*cast(Tensor, self.spatializer.encode_images(solos.images)).chunk(2))
        mixture = stereo.mixture(reference)
        return cast(Masking, self.spatializer).loss_terms_given(mixture, reference, visual, self.settings.loss)

    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        stage: SeparationSettings | SepStereoTrainerSettings = self.settings
        if phase == "separation":
            stage = self.settings.separation
        rates = [
            (self.spatializer.visual_parameters(), stage.lr_visual),
            (self.spatializer.fusion_parameters(), stage.lr_fusion),
        ]
        weight_decay = self.settings.weight_decay
        return optimizer_groups(self.spatializer.parameters(), rates, lr=stage.lr, weight_decay=weight_decay)

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """The terms of stereo alone: separation is a means."""
        return _summed(self.spatializer.loss_terms(batch, self.settings.loss))


def _refuse_unfit(spatializer: Spatializer) -> None:
    shape = getattr(spatializer, "visual_shape", None)
    why = ""
    if shape is None or not hasattr(spatializer, "loss_terms_given"):
        why = f"visual features to be put side by side, and {type(spatializer).__name__} has none"
    elif shape.width < 2:
        why = "visual features at least 2 wide, one for each side; these are 1 wide"
    if why:
        fix = "Use the spatializer sepstereo, with larger pictures if need be, or the trainer supervised."
        raise PluginError(f"the trainer sepstereo needs {why}", where="trainer", fix=fix)


def side_by_side(first: Tensor, second: Tensor) -> Tensor:
    """Features of two pictures (B, C, N', H', W') -> of one: nothing but the first's at the left edge and the second's
    at the right edge, each the highest of its row."""
    middle = first.new_zeros(*first.shape[:-1], first.shape[-1] - 2)
    return torch.cat((first.amax(-1, keepdim=True), middle, second.amax(-1, keepdim=True)), -1)


def _summed(terms: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**terms, "total": torch.stack(list(terms.values())).sum()}
