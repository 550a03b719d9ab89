"""Parameter groups: every trainable parameter once, at its own rate."""

import torch
from torch import nn

from avspatial.training import optimizer_groups


def parameters(count: int) -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(1)) for _ in range(count)]


def test_each_part_has_its_own_rate_and_frozen_parameters_are_left_out() -> None:
    rest, visual, fusion = parameters(2), parameters(2), parameters(1)
    visual[0].requires_grad_(False)
    everything = [*rest, *visual, *fusion]
    groups = optimizer_groups(everything, [(visual, 0.1), (fusion, None)], lr=0.5, weight_decay=0.01)
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.5, 0.01), (0.1, 0.01), (0.5, 0.01)]
    assert [[id(p) for p in group["params"]] for group in groups] == [
        [id(rest[0]), id(rest[1])],
        [id(visual[1])],
        [id(fusion[0])],
    ]


def test_an_empty_group_is_left_out() -> None:
    visual = parameters(1)
    assert [group["lr"] for group in optimizer_groups(visual, [(visual, 0.1)], lr=0.5, weight_decay=0.0)] == [0.1]
