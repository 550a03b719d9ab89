"""Rewrites a spatializer for faster inference: the same function, up to rounding.

- Batch normalisation in eval mode is a factor and an offset per channel: they are folded into the convolution before
  it.
- A transposed convolution to a few channels (a mask's two) is slow in the libraries, which vectorise over channels: as
  one convolution that gives all four subpixels it takes a quarter of the time on a CPU.
- On a CPU, maps have their channels last in memory, which is faster for convolution and much faster for pooling.
- On a CPU, convolutions over two or four images are computed with fewer products (`winograd`).
"""

from __future__ import annotations

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from avspatial.inference.winograd import WinogradConv3d, is_replaceable
from avspatial.interfaces import Spatializer

MAX_CHANNELS = 8
"""Output channels up to which a transposed convolution is rewritten."""
_TAPS = ((3, 1), (2, 0))
"""Kernel rows that give the even and the odd rows of a transposed convolution 4/2/1, in the order of the input's
rows."""


def optimize_for_inference(spatializer: Spatializer) -> Spatializer:
    """Copy a spatializer for inference only, in eval mode; the original is not changed."""
    optimized = copy.deepcopy(spatializer).eval().requires_grad_(False)
    on_cpu = optimized.mixture_rms.device.type == "cpu"
    for module in list(optimized.modules()):
        if isinstance(module, nn.Sequential):
            _fold_batch_norm(module)
        for name, child in list(module.named_children()):
            setattr(module, name, _optimize_layer(child, on_cpu))
    if on_cpu:
        for tensor in (*optimized.parameters(), *optimized.buffers()):
            tensor.data = tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor.data
    return optimized


def _optimize_layer(module: nn.Module, on_cpu: bool) -> nn.Module:
    if _is_narrow_upsample(module):
        return SubpixelUpsample(cast(nn.ConvTranspose2d, module))
    if on_cpu and is_replaceable(module):
        return WinogradConv3d(cast(nn.Conv3d, module))
    return module


def _fold_batch_norm(sequence: nn.Sequential) -> None:
    """Fold every batch normalisation into the convolution directly before it."""
    for index in range(len(sequence) - 1):
        convolution, normalisation = sequence[index], sequence[index + 1]
        if not isinstance(normalisation, nn.BatchNorm2d) or not normalisation.track_running_stats:
            continue
        if isinstance(convolution, nn.Conv2d | nn.ConvTranspose2d):
            transpose = isinstance(convolution, nn.ConvTranspose2d)
            sequence[index] = fuse_conv_bn_eval(convolution, normalisation, transpose=transpose)
            sequence[index + 1] = nn.Identity()


def _is_narrow_upsample(module: nn.Module) -> bool:
    if not isinstance(module, nn.ConvTranspose2d) or module.out_channels > MAX_CHANNELS:
        return False
    shape = (module.kernel_size, module.stride, module.padding, module.output_padding, module.dilation, module.groups)
    return shape == ((4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 1)


class SubpixelUpsample(nn.Module):
    """ConvTranspose2d 4/2/1 to a few channels, as one 2 x 2 convolution to four times as many."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, up: nn.ConvTranspose2d) -> None:
        super().__init__()
        parts = [up.weight[:, :, list(rows)][..., list(columns)] for rows in _TAPS for columns in _TAPS]
        self.register_buffer("weight", torch.cat([part.transpose(0, 1) for part in parts]).detach().contiguous())
        self.register_buffer("bias", None if up.bias is None else up.bias.detach().repeat(4))
        self.out_channels = up.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, H, W) -> (B, out_channels, 2 H, 2 W)."""
        height, width = x.shape[-2:]
        quarters = nn.functional.conv2d(x, self.weight, self.bias, padding=1).unflatten(1, (2, 2, self.out_channels))
        out = quarters.new_empty(len(x), self.out_channels, height, 2, width, 2)
        for down in (0, 1):
            for across in (0, 1):
                part = quarters[:, down, across, :, down : down + height, across : across + width]
                out[:, :, :, down, :, across] = part
        return out.flatten(4, 5).flatten(2, 3)
