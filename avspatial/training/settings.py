"""Settings of the trainers; imports no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from avspatial.data.settings import Augmentation
from avspatial.settings import DiscriminatorChoice, Settings, setting

Momentum = Annotated[float, Field(ge=0, lt=1)]


class StageSettings(Settings):
    """Length and learning-rate schedule of a training stage."""

    epochs: int = setting(1000, unit="epochs", ge=1)
    """Length of the training or stage in passes over the clips."""
    steps: int | None = setting(None, unit="steps", ge=1)
    """Length of the training or stage in steps; overrides `epochs` if given."""
    schedule: Literal["constant", "step", "cosine"] = "constant"
    """Learning rates after the warm-up: `constant`; `step`, multiplied by `decay` every `decay_every` epochs; or
    `cosine`, half a cosine down to zero at the end."""
    decay: float = setting(0.94, gt=0, le=1)
    """Factor of the `step` schedule."""
    decay_every: int = setting(10, unit="epochs", ge=1)
    """Epochs between two decays of the `step` schedule."""
    warmup: int = setting(0, unit="steps", ge=0)
    """Steps over which the learning rates rise linearly from zero."""


class TrainerSettings(StageSettings):
    """Settings that the training loop needs of every trainer.

    One epoch takes one window of every training clip. The epochs are concatenated and cut into full batches: no clip
    is dropped, and the batch in which an epoch ends also holds the first windows of the next one. If a trainer has
    stages, length and schedule are those of the last one, but `steps` counts the steps of all stages: the last one
    gets the steps that the others leave.
    """

    example_spatializer: ClassVar[str] = "avspatial.masking"
    """Spatializer, built with its `example` settings, on which `avspatial.testing` checks the trainer."""

    batch_size: int = setting(24, unit="windows", ge=1, le=65536)
    """Windows in one step, over all devices together."""
    lr: float = setting(1e-3, gt=0, le=10)
    """Adam's learning rate."""
    lr_visual: float | None = setting(None, ge=0, le=10)
    """Learning rate of the visual encoder [default: `lr`]."""
    weight_decay: float = setting(0.0, ge=0, le=1)
    """Weight of the L2 penalty inside Adam."""
    betas: tuple[Momentum, Momentum] = setting((0.9, 0.999))
    """Adam's decay rates of the first and second moment."""
    augmentation: Augmentation = Augmentation()
    """Random changes of training windows [default: none]."""
    clip: float | None = setting(None, gt=0)
    """Largest norm of a phase's gradient; larger ones are scaled down [default: no limit]."""
    validate_every: int | None = setting(None, unit="steps", ge=1)
    """Steps between validations [default: one epoch]. The last step is always validated."""
    checkpoint_every: int | None = setting(None, unit="steps", ge=1)
    """Steps between checkpoints [default: one epoch]. The last step and a new best are always saved."""
    keep: int = setting(2, unit="checkpoints", ge=1)
    """Number of newest checkpoints to keep on disk; the best one is kept too."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Arithmetic of the networks: 32-bit floats, or bfloat16 by autocast (on a GPU; weights stay 32-bit)."""


class SupervisedSettings(TrainerSettings):
    """One loss against the reference."""

    loss: Literal["mse", "l1"] = "mse"
    """Distance to the reference: mean squared or mean absolute error."""


class SharedVisualGanSettings(TrainerSettings):
    """SAGM (arXiv 2311.07630): generator and discriminator update one visual encoder in turn."""

    example = {"discriminator": {"use": "avspatial.visual_patch", "width": 1 / 16}}

    discriminator: DiscriminatorChoice
    """The discriminator."""
    shared: bool = True
    """Whether the discriminator shares the spatializer's visual encoder; otherwise it has its own (Table 4, "w/o
    shared")."""
    l1_weight: float = setting(100.0, ge=0)
    """Weight of the L1 distance between the predicted and the true difference spectrogram."""
    adversarial_weight: float = setting(1.0, ge=0)
    """Weight of the adversarial term in the generator's loss."""
    discriminator_updates: int = setting(1, unit="updates", ge=1, le=100)
    """Updates of the discriminator before each update of the generator, on the same windows."""
