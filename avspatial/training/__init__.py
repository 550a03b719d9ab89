"""Training: the loop, the trainers, checkpoints and exact resume.

Public, for plugins that declare a trainer: what is listed in `__all__`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avspatial.training.parameter_groups import optimizer_groups
    from avspatial.training.settings import StageSettings, TrainerSettings

__all__ = ["StageSettings", "TrainerSettings", "optimizer_groups"]

_MODULES = {"StageSettings": "settings", "TrainerSettings": "settings", "optimizer_groups": "parameter_groups"}
"""The module of each name, imported on first use: settings are checked without torch."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
