"""A convolution over a few pictures in less time.

3 x 3 x 3 over T pictures, padded by one at either end, is 3 T - 2 plane convolutions. As the pictures' part of it is a
short polynomial product it can be had with fewer (Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and
Gray, arXiv 1509.09308): 3 instead of 4 for two pictures, 6 instead of 10 for four. Sums of pictures go in, sums of
planes come out; equal but for rounding. The sums cost little beside planes of many channels.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

# For T pictures: sums of the pictures that go in (P, T), of the kernel's three times (P, 3), and of the P planes that
# come out (T, P). For four it is F(4, 3) of Lavin and Gray, whose first and last input here are the padding's zeros.
_SUMS = {
    2: (
        [[1, 1], [0, 1], [1, 0]],
        [[0, 1, 0], [0, -1, 1], [1, -1, 0]],
        [[1, 1, 0], [1, 0, 1]],
    ),
    4: (
        [[0, -5, 0, 1], [-4, -4, 1, 1], [4, -4, -1, 1], [-2, -1, 2, 1], [2, -1, -2, 1], [4, 0, -5, 0]],
        [[1 / 4, 0, 0], [-1 / 6] * 3, [-1 / 6, 1 / 6, -1 / 6], [1 / 24, 1 / 12, 1 / 6], [1 / 24, -1 / 12, 1 / 6],
         [0, 0, 1]],
        [[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    ),
}  # fmt: skip
NARROW = 4
"""Input channels up to which the libraries' plane convolution is far better than their other one, whatever N is."""
LARGE = 1 << 16
"""Numbers in a picture's maps from which it pays; of smaller ones the sums cost more than the products saved."""


def is_replaceable(module: nn.Module) -> bool:
    """Whether it is a convolution that `WinogradConv3d` can stand for."""
    if not isinstance(module, nn.Conv3d) or module.padding_mode != "zeros":
        return False
    shape = (module.kernel_size, module.stride, module.padding, module.dilation, module.groups)
    return shape == ((3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1), 1)


class WinogradConv3d(nn.Module):
    """A Conv3d 3 x 3 x 3, stride 1, padding 1, for inference alone. Small maps, and wide ones of other numbers of
    pictures than two or four, it leaves to the convolution itself."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self.convolution = convolution
        self._weights: dict[int, list[Tensor]] = {}

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, N, H, W) -> (B, C', N, H, W), as the convolution that it stands for."""
        if x.dtype != torch.float32 or torch.is_autocast_enabled(x.device.type) or x[0, :, 0].numel() < LARGE:
            return cast(Tensor, self.convolution(x))
        if x.shape[1] <= NARROW:
            return self._times_as_channels(x)
        if x.shape[2] not in _SUMS:
            return cast(Tensor, self.convolution(x))
        out = torch.stack([self._convolved(pictures) for pictures in x.permute(0, 2, 3, 4, 1)])
        if self.convolution.bias is not None:
            out += self.convolution.bias
        return out.permute(0, 4, 1, 2, 3)

    def _times_as_channels(self, x: Tensor) -> Tensor:
        """As one convolution over planes, of which each has the channels of the picture before and after as well."""
        padded = functional.pad(x, (0, 0, 0, 0, 1, 1))
        beside = torch.cat([padded[:, :, time : time + x.shape[2]] for time in range(3)], 1)
        planes = beside.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        weight = self.convolution.weight.transpose(1, 2).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        out = functional.conv2d(planes, weight, self.convolution.bias, padding=1)
        return out.unflatten(0, (len(x), x.shape[2])).transpose(1, 2)

    def _convolved(self, pictures: Tensor) -> Tensor:
        """pictures (N, H, W, C) -> (N, H, W, C')."""
        before, _, after = (torch.tensor(sums, dtype=pictures.dtype) for sums in _SUMS[len(pictures)])
        summed = (before @ pictures.flatten(1)).unflatten(1, pictures.shape[1:]).permute(0, 3, 1, 2)
        weights = self._summed_weights(len(pictures))
        planes = [functional.conv2d(plane, weight, padding=1) for plane, weight in zip(summed, weights, strict=True)]
        products = torch.stack([plane.permute(1, 2, 0) for plane in planes])
        return (after @ products.flatten(1)).unflatten(1, products.shape[1:])

    def _summed_weights(self, count: int) -> list[Tensor]:
        """What the sums of the planes are convolved with, each (C', C, 3, 3)."""
        if count not in self._weights:
            sums = torch.tensor(_SUMS[count][1], dtype=torch.float64)
            summed = torch.einsum("pt,octij->pocij", sums, self.convolution.weight.double()).float()
            self._weights[count] = [weight.contiguous(memory_format=torch.channels_last) for weight in summed]
        return self._weights[count]
