"""APNet and AssoConv written down once more, from their paper and their official files: names, shapes and layers.

Nothing of avspatial is used here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]
Shapes = Iterator[tuple[str, tuple[int, ...]]]
DOWN = ((2, 64), (64, 128), (128, 256), (256, 512), (512, 512))
UP = ((1296, 512), (1024, 256), (512, 128), (256, 64))
PLACES = 7 * 14
TITLES = {"dilated": "features", "plain": "feature_extraction"}


def _norm(name: str, channels: int) -> Shapes:
    for each in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{each}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def _visual(encoder: str) -> Shapes:
    title = TITLES[encoder]
    yield f"{title}.0.weight", (64, 3, 7, 7)
    yield from _norm(f"{title}.1", 64)
    inputs = 64
    for layer, outputs in ((4, 64), (5, 128), (6, 256), (7, 512)):
        for block in (0, 1):
            name = f"{title}.{layer}.{block}"
            yield f"{name}.conv1.weight", (outputs, inputs, 3, 3)
            yield from _norm(f"{name}.bn1", outputs)
            yield f"{name}.conv2.weight", (outputs, outputs, 3, 3)
            yield from _norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                yield f"{name}.downsample.0.weight", (outputs, inputs, 1, 1)
                yield from _norm(f"{name}.downsample.1", outputs)
            inputs = outputs
    if encoder == "dilated":
        yield "fc.weight", (512, 512, 3, 3)
        yield "fc.bias", (512,)


def _layer(name: str, inputs: int, outputs: int, *, rise: bool, norm: bool = True) -> Shapes:
    yield f"{name}.0.weight", (inputs, outputs, 4, 4) if rise else (outputs, inputs, 4, 4)
    yield f"{name}.0.bias", (outputs,)
    if norm:
        yield from _norm(f"{name}.1", outputs)


def _audio() -> Shapes:
    for place, (inputs, outputs) in enumerate(DOWN, 1):
        yield from _layer(f"audionet_convlayer{place}", inputs, outputs, rise=False)
    for place, (inputs, outputs) in enumerate(UP, 1):
        yield from _layer(f"audionet_upconvlayer{place}", inputs, outputs, rise=True)
    yield from _layer("audionet_upconvlayer5", 128, 2, rise=True, norm=False)
    yield "conv1x1.0.weight", (8, 512, 1, 1)
    yield "conv1x1.0.bias", (8,)
    yield from _norm("conv1x1.1", 8)


def _fusion(variant: str) -> Shapes:
    blocks = {"fusion": 64} if variant == "assoconv" else {f"fusion{n}": UP[n - 1][1] for n in (1, 2, 3, 4)}
    for block, channels in blocks.items():
        for each in "wb":
            yield f"{block}.channel_mapping_conv_{each}.weight", (channels, 512, 1)
            yield f"{block}.channel_mapping_conv_{each}.bias", (channels,)
    for place in (1, 2, 3) if variant == "apnet" else ():
        yield from _layer(f"fusion_upconv{place}", PLACES * (1 if place == 1 else 2), PLACES, rise=True)
    for side in ("left", "right"):
        yield from _layer(
            f"lastconv_{side}", PLACES * len("ab" if variant == "apnet" else "a"), 2, rise=True, norm=False
        )


def shapes(variant: str = "apnet", encoder: str = "dilated") -> dict[str, dict[str, tuple[int, ...]]]:
    """{part: {name: shape}} of the three official files."""
    return {"visual": dict(_visual(encoder)), "audio": dict(_audio()), "fusion": dict(_fusion(variant))}


def at_random(part: dict[str, tuple[int, ...]], seed: int) -> State:
    """A file filled at random, to sizes with which every layer matters."""
    generator = torch.Generator().manual_seed(seed)
    filled: State = {}
    for name, shape in part.items():
        numbers = torch.randn(shape, generator=generator)
        if name.endswith("num_batches_tracked"):
            filled[name] = torch.tensor(7)
        elif len(shape) == 4:
            inputs = shape[0] * 4 if "upconv" in name or "last" in name else math.prod(shape[1:])
            # the last layers small, so that the sigmoids are not all ends
            gain = 0.1 if "upconvlayer5" in name or "last" in name else 2
            filled[name] = numbers * math.sqrt(gain / inputs)
        elif len(shape) == 3:
            filled[name] = numbers * 0.005 / shape[0]
        elif name.endswith(("running_var", "1.weight", "bn2.weight")):
            filled[name] = 1 + 0.2 * numbers.tanh()
        else:
            filled[name] = (0.005 / shape[0] if "channel_mapping" in name else 0.2) * numbers
    return filled


def _batch_norm(x: Tensor, w: State, name: str) -> Tensor:
    running = (w[f"{name}.running_mean"], w[f"{name}.running_var"])
    return F.batch_norm(x, *running, w[f"{name}.weight"], w[f"{name}.bias"], training=False, eps=1e-5)


def picture_features(w: State, pictures: Tensor, encoder: str) -> Tensor:
    """pictures (B, 3, 224, 448), RGB in [0, 1] -> (B, 512, 7, 14)."""
    title = TITLES[encoder]
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    x = F.conv2d((pictures - mean) / deviation, w[f"{title}.0.weight"], stride=2, padding=3)
    x = F.max_pool2d(F.relu(_batch_norm(x, w, f"{title}.1")), 3, 2, 1)
    for layer in (4, 5, 6):
        x = _block(x, w, f"{title}.{layer}.0", 1 if layer == 4 else 2, 1, 1)
        x = _block(x, w, f"{title}.{layer}.1", 1, 1, 1)
    if encoder == "plain":
        return _block(_block(x, w, f"{title}.7.0", 2, 1, 1), w, f"{title}.7.1", 1, 1, 1)
    x = _block(_block(x, w, f"{title}.7.0", 1, 1, 2), w, f"{title}.7.1", 1, 2, 2)
    return F.avg_pool2d(x, 2)


def _block(x: Tensor, w: State, name: str, stride: int, first: int, second: int) -> Tensor:
    """A residual block; `first` and `second` are dilation and padding of its 3x3 convolutions."""
    y = F.conv2d(x, w[f"{name}.conv1.weight"], None, stride, first, first)
    y = F.conv2d(F.relu(_batch_norm(y, w, f"{name}.bn1")), w[f"{name}.conv2.weight"], None, 1, second, second)
    y = _batch_norm(y, w, f"{name}.bn2")
    if f"{name}.downsample.0.weight" in w:
        x = _batch_norm(F.conv2d(x, w[f"{name}.downsample.0.weight"], None, stride), w, f"{name}.downsample.1")
    return F.relu(x + y)


def _rise(x: Tensor, w: State, name: str) -> Tensor:
    x = F.conv_transpose2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)
    return F.relu(_batch_norm(x, w, f"{name}.1"))


def _mask(x: Tensor, w: State, name: str) -> Tensor:
    return torch.sigmoid(F.conv_transpose2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)) * 2 - 1


def _fused(sound: Tensor, features: Tensor, w: State, block: str) -> Tensor:
    """sound (B, C, F, M), features (B, 512, 7, 14) -> (B, 98, F, M)."""
    name = f"{block}.channel_mapping_conv_w"
    weights = F.relu(F.conv1d(features.flatten(2), w[f"{name}.weight"], w[f"{name}.bias"]))
    return (weights.transpose(1, 2) @ sound.flatten(2)).reshape(len(sound), PLACES, *sound.shape[2:])


def masks(w: State, features: Tensor, mixture: Tensor, variant: str) -> tuple[Tensor, Tensor, Tensor]:
    """features (B, 512, 7, 14), mixture spectrogram (B, 2, 256, 64) -> masks for difference, left, right."""
    x, skips = mixture, []
    for place in range(1, 6):
        name = f"audionet_convlayer{place}"
        x = F.conv2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)
        x = F.leaky_relu(_batch_norm(x, w, f"{name}.1"), 0.2)
        skips.append(x)
    seen = F.conv2d(features, w["conv1x1.0.weight"], w["conv1x1.0.bias"])
    seen = F.relu(_batch_norm(seen, w, "conv1x1.1")).reshape(len(mixture), 784, 1, 1)
    x, found = torch.cat((seen.repeat(1, 1, *x.shape[-2:]), x), 1), []
    for place in range(1, 5):
        found.append(_rise(x, w, f"audionet_upconvlayer{place}"))
        x = torch.cat((found[-1], skips[4 - place]), 1)
    difference = _mask(x, w, "audionet_upconvlayer5")
    if variant == "assoconv":
        x = _fused(found[3], features, w, "fusion")
    else:
        x = _rise(_fused(found[0], features, w, "fusion1"), w, "fusion_upconv1")
        x = _rise(torch.cat((_fused(found[1], features, w, "fusion2"), x), 1), w, "fusion_upconv2")
        x = _rise(torch.cat((_fused(found[2], features, w, "fusion3"), x), 1), w, "fusion_upconv3")
        x = torch.cat((_fused(found[3], features, w, "fusion4"), x), 1)
    return difference, _mask(x, w, "lastconv_left"), _mask(x, w, "lastconv_right")
