"""Settings of the trainers; imports no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from avspatial.data.settings import Augmentation
from avspatial.settings import DiscriminatorChoice, Settings, setting

Momentum = Annotated[float, Field(ge=0, lt=1)]


class StageSettings(Settings):
    """How long a stage of training lasts, and how the learning rates move in it."""

    epochs: int = setting(1000, unit="epochs", ge=1)
    """How long: passes over the clips."""
    steps: int | None = setting(None, unit="steps", ge=1)
    """How long, in steps; overrides `epochs` where given."""
    schedule: Literal["constant", "step", "cosine"] = "constant"
    """How the learning rates move after the warm-up: not at all, times `decay` every `decay_every` epochs, or along
    half a cosine down to zero at the end."""
    decay: float = setting(0.94, gt=0, le=1)
    """Factor of the `step` schedule."""
    decay_every: int = setting(10, unit="epochs", ge=1)
    """Epochs between two factors of the `step` schedule."""
    warmup: int = setting(0, unit="steps", ge=0)
    """Steps over which the learning rates rise from zero in a straight line."""


class TrainerSettings(StageSettings):
    """What the loop needs of every trainer.

    One epoch takes one window of every training clip. A step's windows follow one another through the epochs' orders
    without a gap, so every batch is full and no clip is dropped; the batch in which an epoch ends holds the first
    windows of the next one. Where a trainer has stages, length and schedule are those of the last one, but `steps`
    counts the steps of all: the last stage has what the others leave.
    """

    example_spatializer: ClassVar[str] = "avspatial.masking"
    """The spatializer with whose `example` settings `avspatial.testing` tries the trainer."""

    batch_size: int = setting(24, unit="windows", ge=1, le=65536)
    """Windows in one step, over all devices together."""
    lr: float = setting(1e-3, gt=0, le=10)
    """Adam's learning rate."""
    lr_visual: float | None = setting(None, ge=0, le=10)
    """Learning rate of the picture's side (the visual encoder); `lr` where not given."""
    weight_decay: float = setting(0.0, ge=0, le=1)
    """Weight of the L2 penalty inside Adam."""
    betas: tuple[Momentum, Momentum] = setting((0.9, 0.999))
    """Adam's decay rates of the first and second moment."""
    augmentation: Augmentation = Augmentation()
    """What training windows undergo; nothing by default."""
    clip: float | None = setting(None, gt=0)
    """Largest norm of a phase's gradient; larger ones are scaled down. No limit where not given."""
    validate_every: int | None = setting(None, unit="steps", ge=1)
    """Steps between validations; each epoch's end where not given. The last step is always validated."""
    checkpoint_every: int | None = setting(None, unit="steps", ge=1)
    """Steps between checkpoints; each epoch's end where not given. The last step and a new best are always kept."""
    keep: int = setting(2, unit="checkpoints", ge=1)
    """Newest checkpoints that stay on disk; the best one stays too."""
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
    """Both sides share the spatializer's visual encoder; otherwise the discriminator has one of its own
    (Table 4, "w/o shared")."""
    l1_weight: float = setting(100.0, ge=0)
    """Weight of the L1 distance between the predicted and the true difference spectrogram."""
    adversarial_weight: float = setting(1.0, ge=0)
    """Weight of the adversarial term in the generator's loss."""
    discriminator_updates: int = setting(1, unit="updates", ge=1, le=100)
    """Updates of the discriminator before each one of the generator, on the same windows."""
