"""Training: the loop, the trainers, checkpoints and exact resume.

Public, for plugins that declare a trainer: what is listed in `__all__`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from avspatial.lazy import lazy_names

if TYPE_CHECKING:
    from avspatial.training.parameter_groups import optimizer_groups
    from avspatial.training.settings import StageSettings, TrainerSettings

__all__ = ["StageSettings", "TrainerSettings", "optimizer_groups"]

__getattr__ = lazy_names(__name__)
