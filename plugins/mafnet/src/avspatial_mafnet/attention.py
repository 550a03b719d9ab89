"""The audio-visual attention fusion module (AVAFM): a re-implementation, no code of it is public.

Known of it is that it stands at several levels and joins sound and picture by attention. How, is our choice: pictures
attend to themselves as in non-local networks (Wang et al. 2018), sound attends to pictures by scaled dot products
(Vaswani et al. 2017), and a gain that starts at 0 (as in SAGAN, Zhang et al. 2019) lets what was found come in.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Each place of one map asks all places of another; what it finds is added to it, times a gain that starts at 0.

    So the map passes unchanged at first, and at the first step only the gain has a gradient.
    """

    def __init__(self, asking: int, asked: int, width: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(asking, width, 1)
        # a bias would add the same to every place's score, which softmax undoes
        self.key = nn.Conv2d(asked, width, 1, bias=False)
        self.value = nn.Conv2d(asked, width, 1)
        self.found = nn.Sequential(nn.Conv2d(width, asking, 1), nn.BatchNorm2d(asking))
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """asking (B, C, F, M), asked (B, C', H, W) -> (B, C, F, M)."""
        query, key, value = (_places(x) for x in (self.query(asking), self.key(asked), self.value(asked)))
        found = functional.scaled_dot_product_attention(query, key, value)
        return asking + self.gain * self.found(found.mT.unflatten(2, asking.shape[2:]))


def _places(x: Tensor) -> Tensor:
    """(B, C, F, M) -> (B, F * M, C)."""
    return x.flatten(2).mT


class Avafm(nn.Module):
    """A decoder's map of `sound` channels, and a picture's map of `picture` channels, fused into the former's shape."""

    def __init__(self, sound: int, picture: int, narrowing: int) -> None:
        super().__init__()
        self.pictures = Attention(picture, picture, max(1, picture // narrowing))
        self.sound = Attention(sound, picture, max(1, sound // narrowing))
        self.merge = nn.Sequential(nn.Conv2d(2 * sound, sound, 3, 1, 1), nn.BatchNorm2d(sound), nn.ReLU())

    def forward(self, sound: Tensor, picture: Tensor) -> Tensor:
        """sound (B, C, F, M), picture (B, C', H, W) -> (B, C, F, M), not negative."""
        attended = self.sound(sound, self.pictures(picture, picture))
        merged: Tensor = self.merge(torch.cat((attended, sound), 1))
        return merged
