"""The schema of a recipe: every key, its meaning and its bounds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from avspatial.framing import Framing, Stft, Window
from avspatial.settings import DatasetChoice, MetricChoice, Settings, SpatializerChoice, TrainerChoice, setting


class Inference(Settings):
    """How a model is applied to a complete clip."""

    hop: float = setting(0.1, unit="s", gt=0, le=60)
    """Step between windows; at most the part of a window that the model covers is used."""
    batch_size: int = setting(32, unit="windows", ge=1, le=4096)
    """Windows per batch."""


class ModelRecipe(Settings):
    """The keys of a recipe that inference needs: not the data, the training or the scoring."""

    schema_version: Literal[1] = Field(1, alias="schema")
    """The version of this schema."""
    name: str = setting(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        form="letters, digits and . _ -, beginning with a letter or digit",
        max_length=80,
    )
    """Name of the folder of its runs under `runs/`."""
    window: Window = Window()
    """The excerpt of a clip that the model sees."""
    stft: Stft = Stft()
    """Spectrogram of the window."""
    model: SpatializerChoice
    """The spatializer."""
    inference: Inference = Inference()
    """How the model is applied to complete clips."""

    @property
    def framing(self) -> Framing:
        return Framing(window=self.window, stft=self.stft)


class Recipe(ModelRecipe):
    """One run, from data to report."""

    seed: int = setting(0, ge=0, lt=2**31)
    """Seed of initial weights, data order and augmentation."""
    data: DatasetChoice
    """The data set."""
    limit: int | None = setting(None, unit="clips", ge=1)
    """Use only the first N clips of each split, to try a recipe out [default: all]."""
    trainer: TrainerChoice
    """How the model is trained."""
    convention: Literal["fairplay", "raw", "reference_peak", "fairplay_reflect"] = "fairplay"
    """The named set of metric settings under which scores are computed."""
    metrics: tuple[MetricChoice, ...] = setting(min_length=1)
    """The metrics to compute."""
    smoke: dict[str, Any] | None = Field(default_factory=dict)
    """Overrides that `--smoke` merges over the recipe: a few steps with the same code and networks, as a test."""
