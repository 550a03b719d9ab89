"""Settings of the planted components."""

from __future__ import annotations

from avspatial.settings import Settings, setting
from avspatial.training.settings import TrainerSettings


class Plain(Settings):
    """None."""


class TrainerLike(TrainerSettings):
    """What every trainer has."""


class OnScenes(Settings):
    """A folder in FAIR-Play's layout."""

    example = {"root": "{scenes}"}

    root: str = setting(min_length=1)
    """The folder."""
