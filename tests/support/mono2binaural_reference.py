"""What the official files of MONO2BINAURAL, and of the methods built on its code, have in common, written down once
more with plain torch: the names and shapes of its ResNet-18 and U-Net (Gao and Grauman, "2.5D Visual Sound", CVPR
2019), and what their layers do. For the tests of plugins that import such weights: no network of avspatial is used.

A state is a part's file, {name: tensor}; `w` in what follows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
Shapes = Iterator[tuple[str, tuple[int, ...]]]
Numbers = Callable[[str, tuple[int, ...]], Tensor]
"""Numbers of about unit size for a name and a shape."""
WIDTHS = (2, 64, 128, 256, 512, 512)
"""Channels of the spectrogram and of each level, finest first."""
RISING = (1296, 1024, 512, 256)
"""Channels that go into up-convolutions 1 to 4: pictures and sound, then what was decoded and the skip."""
RESIDUAL = {4: 64, 5: 128, 6: 256, 7: 512}
"""Channels of the residual layers, by their place in the file's sequence."""


def layer(name: str, inputs: int, outputs: int, *, rise: bool, norm: bool = True) -> Shapes:
    """A 4 x 4 convolution, or (`rise`) an up-convolution, and its batch normalisation."""
    yield f"{name}.0.weight", (inputs, outputs, 4, 4) if rise else (outputs, inputs, 4, 4)
    yield f"{name}.0.bias", (outputs,)
    if norm:
        yield from _norm(f"{name}.1", outputs)


def unet() -> Shapes:
    """The audio file: encoder, decoder, and the layer that narrows the pictures' features."""
    for place, (inputs, outputs) in enumerate(pairwise(WIDTHS), 1):
        yield from layer(f"audionet_convlayer{place}", inputs, outputs, rise=False)
    for place, (inputs, outputs) in enumerate(zip(RISING, WIDTHS[-2:0:-1], strict=True), 1):
        yield from layer(f"audionet_upconvlayer{place}", inputs, outputs, rise=True)
    yield from layer("audionet_upconvlayer5", 2 * WIDTHS[1], WIDTHS[0], rise=True, norm=False)
    yield "conv1x1.0.weight", (8, 512, 1, 1)
    yield "conv1x1.0.bias", (8,)
    yield from _norm("conv1x1.1", 8)


def resnet18(title: str) -> Shapes:
    """The visual file: ResNet-18 without pooling and classifier, as a sequence called `title`."""
    yield f"{title}.0.weight", (64, 3, 7, 7)
    yield from _norm(f"{title}.1", 64)
    inputs = 64
    for place, outputs in RESIDUAL.items():
        for block in (0, 1):
            name = f"{title}.{place}.{block}"
            yield f"{name}.conv1.weight", (outputs, inputs, 3, 3)
            yield from _norm(f"{name}.bn1", outputs)
            yield f"{name}.conv2.weight", (outputs, outputs, 3, 3)
            yield from _norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                yield f"{name}.downsample.0.weight", (outputs, inputs, 1, 1)
                yield from _norm(f"{name}.downsample.1", outputs)
            inputs = outputs


def _norm(name: str, channels: int) -> Shapes:
    for each in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{each}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def at_random(seed: int) -> Numbers:
    """Numbers of a normal distribution."""
    generator = torch.Generator().manual_seed(seed)
    return lambda name, shape: torch.randn(shape, generator=generator)


def filled(shapes: Mapping[str, tuple[int, ...]], numbers: Numbers, last: Collection[str] = ()) -> State:
    """A part's file, `numbers` brought to sizes with which every layer matters.

    last: name prefixes of up-convolutions that end in a mask, in addition to the U-Net's own; they are kept small, so
    that the sigmoid does not saturate.
    """
    ends = ("audionet_upconvlayer5", *last)

    def tensor(name: str, shape: tuple[int, ...]) -> Tensor:
        if name.endswith("num_batches_tracked"):
            return torch.tensor(7)
        if len(shape) == 4:
            inputs = shape[0] * 4 if "upconv" in name or name.startswith(ends) else math.prod(shape[1:])
            return numbers(name, shape) * math.sqrt((0.1 if name.startswith(ends) else 2) / inputs)
        if name.endswith(("running_var", "1.weight", "bn2.weight")):
            return 1 + 0.2 * numbers(name, shape).tanh()
        return 0.2 * numbers(name, shape)

    return {name: tensor(name, shape) for name, shape in shapes.items()}


def batch_norm(x: Tensor, w: State, name: str) -> Tensor:
    running = (w[f"{name}.running_mean"], w[f"{name}.running_var"])
    return F.batch_norm(x, *running, w[f"{name}.weight"], w[f"{name}.bias"], training=False, eps=1e-5)


def picture_features(w: State, title: str, pictures: Tensor, *, dilated: bool = False) -> Tensor:
    """pictures (B, 3, H, W), RGB in [0, 1] -> `resnet18` of them (B, 512, H / 32, W / 32).

    dilated: the last residual layer is dilated where it was strided: (B, 512, H / 16, W / 16).
    """
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    x = F.conv2d((pictures - mean) / deviation, w[f"{title}.0.weight"], stride=2, padding=3)
    x = F.max_pool2d(F.relu(batch_norm(x, w, f"{title}.1")), 3, 2, 1)
    for place in RESIDUAL:
        wide = 2 if dilated and place == 7 else 1
        stride = 1 if place == 4 or wide == 2 else 2
        x = _block(x, w, f"{title}.{place}.0", stride, 1, wide)
        x = _block(x, w, f"{title}.{place}.1", 1, wide, wide)
    return x


def _block(x: Tensor, w: State, name: str, stride: int, first: int, second: int) -> Tensor:
    """A residual block; `first` and `second` are dilation and padding of its 3 x 3 convolutions."""
    y = F.conv2d(x, w[f"{name}.conv1.weight"], None, stride, first, first)
    y = F.conv2d(F.relu(batch_norm(y, w, f"{name}.bn1")), w[f"{name}.conv2.weight"], None, 1, second, second)
    y = batch_norm(y, w, f"{name}.bn2")
    if f"{name}.downsample.0.weight" in w:
        x = batch_norm(F.conv2d(x, w[f"{name}.downsample.0.weight"], None, stride), w, f"{name}.downsample.1")
    return F.relu(x + y)


def risen(x: Tensor, w: State, name: str) -> Tensor:
    """x (B, C, F, M) -> an up-convolution of it (B, C', 2 F, 2 M)."""
    return F.relu(batch_norm(_up(x, w, name), w, f"{name}.1"))


def mask(x: Tensor, w: State, name: str) -> Tensor:
    """x (B, C, F, M) -> the mask that an up-convolution makes of it (B, 2, 2 F, 2 M), in -1..1."""
    return torch.sigmoid(_up(x, w, name)) * 2 - 1


def _up(x: Tensor, w: State, name: str) -> Tensor:
    return F.conv_transpose2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)


def decoded(w: State, features: Tensor, mixture: Tensor) -> tuple[Tensor, list[Tensor]]:
    """features (B, 512, 7, 14), mixture spectrogram (B, 2, F, M) -> the U-Net's mask for the difference (B, 2, F, M),
    and what up-convolutions 1 to 4 gave, without the skips."""
    x, skips = mixture, []
    for place in range(1, 6):
        name = f"audionet_convlayer{place}"
        x = F.conv2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)
        x = F.leaky_relu(batch_norm(x, w, f"{name}.1"), 0.2)
        skips.append(x)
    seen = F.conv2d(features, w["conv1x1.0.weight"], w["conv1x1.0.bias"])
    seen = F.relu(batch_norm(seen, w, "conv1x1.1")).reshape(len(mixture), 784, 1, 1)
    x, found = torch.cat((seen.repeat(1, 1, *x.shape[-2:]), x), 1), []
    for place in range(1, 5):
        found.append(risen(x, w, f"audionet_upconvlayer{place}"))
        x = torch.cat((found[-1], skips[4 - place]), 1)
    return mask(x, w, "audionet_upconvlayer5"), found
