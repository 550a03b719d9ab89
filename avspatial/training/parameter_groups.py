"""Parameter groups of an optimizer, by learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn


def optimizer_groups(
    parameters: Iterable[nn.Parameter],
    rates: Iterable[tuple[Iterable[nn.Parameter], float | None]],
    *,
    lr: float,
    weight_decay: float,
) -> list[dict[str, Any]]:
    """Group the trainable parameters by learning rate, for torch.optim.

    Args:
        parameters: All parameters of the phase. Frozen ones are left out.
        rates: (parameters, learning rate) of each part that has a rate of its own; None means `lr`.
        lr: Learning rate of the remaining parameters.
        weight_decay: Weight decay of all groups.

    Returns:
        One group for the remaining parameters and one for each part, in this order; empty ones are left out.
    """
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    parts = [({id(parameter) for parameter in part}, lr if rate is None else rate) for part, rate in rates]
    separate = {identity for part, _ in parts for identity in part}
    groups = [([p for p in trainable if id(p) not in separate], lr)]
    groups += [([p for p in trainable if id(p) in part], rate) for part, rate in parts]
    return [{"params": params, "lr": rate, "weight_decay": weight_decay} for params, rate in groups if params]
