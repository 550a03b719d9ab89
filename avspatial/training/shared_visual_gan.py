"""SAGM's training (arXiv 2311.07630): a generator and a discriminator that update one visual encoder in turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from avspatial.errors import PluginError
from avspatial.interfaces import Batch, Builder, Discriminator, FeatureShape, Spatializer, Trainer
from avspatial.signal import stereo
from avspatial.training.parameter_groups import optimizer_groups
from avspatial.training.settings import SharedVisualGanSettings


class Masking(Protocol):
    """Interface that this trainer needs in addition to `Spatializer`; the built-in `masking` implements it."""

    visual_encoder: nn.Module | None
    visual_shape: FeatureShape | None

    def spectrogram(self, audio: Tensor) -> Tensor:
        """audio (B, T) -> spectrogram (B, 2, F, M)."""

    def difference_spectrogram(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """Mixture spectrogram -> predicted difference spectrogram, both (B, 2, F, M); visual: from `encode_images`."""


class SharedVisualGan(Trainer):
    """Two phases a step. With X_D the true and X' the generated difference spectrogram, V the visual features:

    - `discriminator`: BCE(D(X_D, V), 1) + BCE(D(X', V), 0) updates D and the visual encoder;
    - `generator`: l1_weight * L1(X', X_D) + adversarial_weight * BCE(D(X', V), 1) updates the spatializer, its
      visual encoder included, with V computed anew.

    With `shared: false` D has a visual encoder of its own, which only the first phase updates.
    PluginError for a spatializer that predicts no difference spectrogram.
    """

    def __init__(self, settings: SharedVisualGanSettings, *, spatializer: Spatializer, builder: Builder) -> None:
        super().__init__(settings, spatializer=spatializer, builder=builder)
        self.phases = ("discriminator",) * settings.discriminator_updates + ("generator",)
        shape = _require_masking(spatializer).visual_shape
        self.discriminator: Discriminator = builder.build(settings.discriminator, visual=shape)
        self.visual = self.discriminator.visual is not None
        self.own_encoder: nn.Module | None = None
        if self.visual and not settings.shared:
            self.own_encoder = builder.build(spatializer.settings.visual_encoder)

    @property
    def masking(self) -> Masking:
        return cast(Masking, self.spatializer)

    def forward(self, batch: Batch, phase: str) -> dict[str, Tensor]:
        """batch of B windows -> the phase's scalar terms, `total` among them.

        Also `accuracy`, the share of windows (true and generated) that D classifies correctly.
        """
        mixture = self.masking.spectrogram(batch.mixture)
        truth = self.masking.spectrogram(stereo.difference(batch.reference))
        if phase == "discriminator":
            return self._discriminate(batch, mixture, truth)
        return self._generate(batch, mixture, truth)

    def _discriminate(self, batch: Batch, mixture: Tensor, truth: Tensor) -> dict[str, Tensor]:
        shared = self.visual and self.own_encoder is None
        with torch.set_grad_enabled(shared and torch.is_grad_enabled()):
            visual = self.spatializer.encode_images(batch.images)
        with torch.no_grad():
            generated = self.masking.difference_spectrogram(mixture, visual)
        judge_visual = visual if self.own_encoder is None else self.own_encoder(batch.images)
        true_logits, generated_logits = self._judge(truth, generated, judge_visual)
        real, fake = _bce(true_logits, 1.0), _bce(generated_logits, 0.0)
        accuracy = torch.cat([true_logits > 0, generated_logits <= 0]).float().mean()
        return {"real": real, "fake": fake, "accuracy": accuracy, "total": real + fake}

    def _generate(self, batch: Batch, mixture: Tensor, truth: Tensor) -> dict[str, Tensor]:
        visual = self.spatializer.encode_images(batch.images)
        generated = self.masking.difference_spectrogram(mixture, visual)
        distance = nn.functional.l1_loss(generated, truth)
        with _frozen(self.discriminator):
            judge_visual = visual
            if self.own_encoder is not None:
                with torch.no_grad():
                    judge_visual = self.own_encoder(batch.images)
            _, logits = self._judge(truth, generated, judge_visual)
        adversarial = _bce(logits, 1.0)
        total = self.settings.l1_weight * distance + self.settings.adversarial_weight * adversarial
        return {"l1": distance, "adversarial": adversarial, "total": total}

    def _judge(self, truth: Tensor, generated: Tensor, visual: Tensor | None) -> tuple[Tensor, Tensor]:
        """D's logits on true and generated spectrograms (B, 2, F, M).

        One pass over both, in both phases: D's batch statistics are then always those of true and generated
        spectrograms together, and the generator is trained against the same function as D.
        """
        twice = torch.cat([visual, visual]) if self.visual and visual is not None else None
        logits = self.discriminator(torch.cat([truth, generated.to(truth.dtype)]), twice).logits
        true_logits, generated_logits = logits.chunk(2)
        return true_logits, generated_logits

    def parameter_groups(self, phase: str) -> list[dict[str, Any]]:
        visual = self.spatializer.visual_parameters()
        parameters = list(self.spatializer.parameters())
        if phase == "discriminator":
            if not self.visual:
                visual = []
            elif self.own_encoder is not None:
                visual = list(self.own_encoder.parameters())
            parameters = [*self.discriminator.parameters(), *visual]
        rates = [(visual, self.settings.lr_visual)]
        return optimizer_groups(parameters, rates, lr=self.settings.lr, weight_decay=self.settings.weight_decay)

    def validate(self, batch: Batch) -> dict[str, Tensor]:
        """The L1 distance alone: the adversarial term does not measure the quality of the model."""
        visual = self.spatializer.encode_images(batch.images)
        generated = self.masking.difference_spectrogram(self.masking.spectrogram(batch.mixture), visual)
        truth = self.masking.spectrogram(stereo.difference(batch.reference))
        distance = nn.functional.l1_loss(generated, truth)
        return {"l1": distance, "total": distance}


def _require_masking(spatializer: Spatializer) -> Masking:
    needed = ("spectrogram", "difference_spectrogram", "visual_encoder", "visual_shape")
    if all(hasattr(spatializer, name) for name in needed):
        return cast(Masking, spatializer)
    raise PluginError(
        "the trainer shared_visual_gan needs a spatializer that predicts a difference spectrogram, "
        f"and {type(spatializer).__name__} does not",
        where="trainer",
        fix="Use the spatializer masking, or the trainer supervised.",
    )


def _bce(logits: Tensor, label: float) -> Tensor:
    """Binary cross entropy between D's logits and one label, a scalar."""
    return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


@contextmanager
def _frozen(module: nn.Module) -> Iterator[None]:
    """Gradients pass through `module` to its input; none is computed for its parameters."""
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trainable:
            parameter.requires_grad_(True)
