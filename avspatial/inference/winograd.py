"""Winograd convolution along time: 3D convolutions over a few images with fewer products.

3 x 3 x 3 over T images, padded by one at either end, is 3 T - 2 plane convolutions. Along time it is a short polynomial
product, which takes fewer (Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, arXiv 1509.09308):
3 instead of 4 for two images, 6 instead of 10 for four. The planes are convolutions of sums of images, and the output
is sums of planes: equal up to rounding. The sums cost little compared with planes of many channels.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

# For T images: sums of the input images (P, T), of the kernel's three times (P, 3), and of the P output planes (T, P).
# For four it is F(4, 3) of Lavin and Gray, whose first and last input are the zeros of the padding here.
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
"""Input channels up to which the libraries' 2D convolution is far faster than their 3D one, for every N."""
LARGE = 1 << 16
"""Numbers in the maps of an image from which it pays; for fewer the sums cost more than the products they save."""


def is_replaceable(module: nn.Module) -> bool:
    """Whether `WinogradConv3d` can replace the module."""
    if not isinstance(module, nn.Conv3d) or module.padding_mode != "zeros":
        return False
    shape = (module.kernel_size, module.stride, module.padding, module.dilation, module.groups)
    return shape == ((3, 3, 3), (1, 1, 1), (1, 1, 1), (1, 1, 1), 1)


class WinogradConv3d(nn.Module):
    """A Conv3d 3 x 3 x 3, stride 1, padding 1, for inference only. Small maps, and those of other numbers of images
    than two or four with many channels, go through the original convolution."""

    def __init__(self, convolution: nn.Conv3d) -> None:
        super().__init__()
        self.convolution = convolution
        self._weights: dict[int, list[Tensor]] = {}

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, N, H, W) -> (B, C', N, H, W), as the convolution that it replaces."""
        if x.dtype != torch.float32 or torch.is_autocast_enabled(x.device.type) or x[0, :, 0].numel() < LARGE:
            return cast(Tensor, self.convolution(x))
        if x.shape[1] <= NARROW:
            return self._times_as_channels(x)
        if x.shape[2] not in _SUMS:
            return cast(Tensor, self.convolution(x))
        out = torch.stack([self._convolve(images) for images in x.permute(0, 2, 3, 4, 1)])
        if self.convolution.bias is not None:
            out += self.convolution.bias
        return out.permute(0, 4, 1, 2, 3)

    def _times_as_channels(self, x: Tensor) -> Tensor:
        """As one 2D convolution whose input also has the channels of the images before and after."""
        padded = functional.pad(x, (0, 0, 0, 0, 1, 1))
        neighbours = torch.cat([padded[:, :, time : time + x.shape[2]] for time in range(3)], 1)
        planes = neighbours.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        weight = self.convolution.weight.transpose(1, 2).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        out = functional.conv2d(planes, weight, self.convolution.bias, padding=1)
        return out.unflatten(0, (len(x), x.shape[2])).transpose(1, 2)

    def _convolve(self, images: Tensor) -> Tensor:
        """images (N, H, W, C) -> (N, H, W, C')."""
        before, _, after = (torch.tensor(sums, dtype=images.dtype) for sums in _SUMS[len(images)])
        summed = (before @ images.flatten(1)).unflatten(1, images.shape[1:]).permute(0, 3, 1, 2)
        weights = self._summed_weights(len(images))
        planes = [functional.conv2d(plane, weight, padding=1) for plane, weight in zip(summed, weights, strict=True)]
        products = torch.stack([plane.permute(1, 2, 0) for plane in planes])
        return (after @ products.flatten(1)).unflatten(1, products.shape[1:])

    def _summed_weights(self, count: int) -> list[Tensor]:
        """The kernels of the planes, each (C', C, 3, 3)."""
        if count not in self._weights:
            sums = torch.tensor(_SUMS[count][1], dtype=torch.float64)
            summed = torch.einsum("pt,octij->pocij", sums, self.convolution.weight.double()).float()
            self._weights[count] = [weight.contiguous(memory_format=torch.channels_last) for weight in summed]
        return self._weights[count]
