"""Which parameters learn at which rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from avspatial.training.settings import TrainerSettings


def learning_groups(
    parameters: Iterable[nn.Parameter], visual: Iterable[nn.Parameter], settings: TrainerSettings
) -> list[dict[str, Any]]:
    """Parameter groups for torch.optim: all `parameters`, those in `visual` at `lr_visual`; frozen ones left out."""
    seen = {id(parameter) for parameter in visual}
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    rate = settings.lr if settings.lr_visual is None else settings.lr_visual
    groups = [
        {"params": [p for p in learning if id(p) not in seen], "lr": settings.lr},
        {"params": [p for p in learning if id(p) in seen], "lr": rate},
    ]
    return [{**group, "weight_decay": settings.weight_decay} for group in groups if group["params"]]
