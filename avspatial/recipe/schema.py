"""The schema of a recipe: every key, its meaning, its bounds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from avspatial.framing import Framing, Stft, Window
from avspatial.settings import DatasetChoice, MetricChoice, Settings, SpatializerChoice, TrainerChoice, setting


class Inference(Settings):
    """How a whole clip is walked."""

    hop: float = setting(0.1, unit="s", gt=0, le=60)
    """Step between windows; where it is longer than what the model covers of a window, the step is that."""
    batch_size: int = setting(32, unit="windows", ge=1, le=4096)
    """Windows computed at once."""


class ModelRecipe(Settings):
    """What the use of a trained model takes of its recipe: not what it learned from, nor how it was scored."""

    schema_version: Literal[1] = Field(1, alias="schema")
    """The version of this schema."""
    name: str = setting(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=80)
    """Name of the run's folder under `runs/`."""
    window: Window = Window()
    """The excerpt that a model sees."""
    stft: Stft = Stft()
    """Its spectrogram."""
    model: SpatializerChoice
    """The spatializer."""
    inference: Inference = Inference()
    """How it walks whole clips."""

    @property
    def framing(self) -> Framing:
        return Framing(window=self.window, stft=self.stft)


class Recipe(ModelRecipe):
    """One run, from data to report."""

    seed: int = setting(0, ge=0, lt=2**31)
    """Seed of weights, data order and augmentation."""
    data: DatasetChoice
    """The data set."""
    limit: int | None = setting(None, unit="clips", ge=1)
    """Use only so many clips of each split, the first ones: for trying out. All where not given."""
    trainer: TrainerChoice
    """How it learns."""
    convention: Literal["fairplay", "raw", "reference_peak", "fairplay_reflect"] = "fairplay"
    """The named set of metric settings that every printed number carries."""
    metrics: tuple[MetricChoice, ...] = setting(min_length=1)
    """The metrics to score with."""
    smoke: dict[str, Any] = Field(default_factory=dict)
    """Overrides that `--smoke` merges over the recipe: the same path and the same networks, a few steps."""
