"""Audio-visual attention fusion module (AVAFM): a re-implementation, no code of it is public.

The paper states that it is used at several levels and joins audio and image by attention. The rest is our choice: the
image attends to itself as in non-local networks (Wang et al. 2018), audio attends to the image by scaled dot products
(Vaswani et al. 2017), and the result is added with a gain that starts at 0 (as in SAGAN, Zhang et al. 2019).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Attention(nn.Module):
    """Attention of each position of one map to all positions of another, added to it with a gain that starts at 0.

    At first the map passes unchanged, and at the first step only the gain has a gradient.
    """

    def __init__(self, asking: int, asked: int, width: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(asking, width, 1)
        # A bias would add the same to the score of every position, which softmax undoes.
        self.key = nn.Conv2d(asked, width, 1, bias=False)
        self.value = nn.Conv2d(asked, width, 1)
        self.found = nn.Sequential(nn.Conv2d(width, asking, 1), nn.BatchNorm2d(asking))
        self.gain = nn.Parameter(torch.zeros(()))

    def forward(self, asking: Tensor, asked: Tensor) -> Tensor:
        """asking (B, C, F, M), asked (B, C', H, W) -> (B, C, F, M)."""
        query, key, value = (_positions(x) for x in (self.query(asking), self.key(asked), self.value(asked)))
        attended = functional.scaled_dot_product_attention(query, key, value).mT.reshape(
            len(asking), -1, *asking.shape[2:]
        )
        added: Tensor = asking + self.gain * self.found(attended)
        return added


def _positions(x: Tensor) -> Tensor:
    """(B, C, F, M) -> (B, F * M, C)."""
    return x.flatten(2).mT


class Avafm(nn.Module):
    """Fuses a decoder's map of `sound` channels with an image's map of `picture` channels into the former's shape."""

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
