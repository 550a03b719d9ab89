"""MONO2BINAURAL written down once more, from its paper and its official files: names, shapes and layers.

`python plugins/mono2binaural/tests/official.py` writes golden.safetensors: weights by a formula, a tiny view of the
result. Nothing of avspatial is used here.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

GOLDEN = Path(__file__).with_name("golden.safetensors")
State = dict[str, Tensor]
DOWN = ((2, 64), (64, 128), (128, 256), (256, 512), (512, 512))
UP = ((1296, 512), (1024, 256), (512, 128), (256, 64))


def _norm(name: str, channels: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for each in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{each}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def _audio() -> Iterator[tuple[str, tuple[int, ...]]]:
    for place, (inputs, outputs) in enumerate(DOWN, 1):
        yield f"audionet_convlayer{place}.0.weight", (outputs, inputs, 4, 4)
        yield f"audionet_convlayer{place}.0.bias", (outputs,)
        yield from _norm(f"audionet_convlayer{place}.1", outputs)
    for place, (inputs, outputs) in enumerate(UP, 1):
        yield f"audionet_upconvlayer{place}.0.weight", (inputs, outputs, 4, 4)
        yield f"audionet_upconvlayer{place}.0.bias", (outputs,)
        yield from _norm(f"audionet_upconvlayer{place}.1", outputs)
    yield "audionet_upconvlayer5.0.weight", (128, 2, 4, 4)
    yield "audionet_upconvlayer5.0.bias", (2,)
    yield "conv1x1.0.weight", (8, 512, 1, 1)
    yield "conv1x1.0.bias", (8,)
    yield from _norm("conv1x1.1", 8)


def _visual() -> Iterator[tuple[str, tuple[int, ...]]]:
    yield "feature_extraction.0.weight", (64, 3, 7, 7)
    yield from _norm("feature_extraction.1", 64)
    inputs = 64
    for layer, outputs in ((4, 64), (5, 128), (6, 256), (7, 512)):
        for block in (0, 1):
            name = f"feature_extraction.{layer}.{block}"
            yield f"{name}.conv1.weight", (outputs, inputs, 3, 3)
            yield from _norm(f"{name}.bn1", outputs)
            yield f"{name}.conv2.weight", (outputs, outputs, 3, 3)
            yield from _norm(f"{name}.bn2", outputs)
            if inputs != outputs:
                yield f"{name}.downsample.0.weight", (outputs, inputs, 1, 1)
                yield from _norm(f"{name}.downsample.1", outputs)
            inputs = outputs


SHAPES: dict[str, dict[str, tuple[int, ...]]] = {"visual": dict(_visual()), "audio": dict(_audio())}


def state(part: str, numbers: Callable[[str, tuple[int, ...]], Tensor]) -> State:
    """A part's file, `numbers` (about unit size) brought to sizes with which every layer matters."""
    filled: State = {}
    for name, shape in SHAPES[part].items():
        if name.endswith("num_batches_tracked"):
            filled[name] = torch.tensor(7)
        elif len(shape) == 4:
            inputs = shape[0] * 4 if "upconv" in name else math.prod(shape[1:])
            # the last layer small, so that the sigmoid is not all ends
            gain = 0.1 if "upconvlayer5" in name else 2
            filled[name] = numbers(name, shape) * math.sqrt(gain / inputs)
        elif name.endswith(("running_var", "1.weight", "bn2.weight")):
            filled[name] = 1 + 0.2 * numbers(name, shape).tanh()
        else:
            filled[name] = 0.2 * numbers(name, shape)
    return filled


def at_random(seed: int) -> Callable[[str, tuple[int, ...]], Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda name, shape: torch.randn(shape, generator=generator)


def by_formula(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers that only the name decides: the fractions of k^2 times a constant of the name's, spread evenly."""
    count = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64)
    step = 1 + zlib.crc32(name.encode()) / 2**32
    return (((count * step * math.sqrt(2)) % 1 + (count * math.sqrt(3)) % 1 - 1) * 2.4).float().reshape(shape)


def _batch_norm(x: Tensor, w: State, name: str) -> Tensor:
    running = (w[f"{name}.running_mean"], w[f"{name}.running_var"])
    return F.batch_norm(x, *running, w[f"{name}.weight"], w[f"{name}.bias"], training=False, eps=1e-5)


def picture_features(w: State, pictures: Tensor) -> Tensor:
    """pictures (B, 3, 224, 448), RGB in [0, 1] -> ResNet-18 without pooling and classifier (B, 512, 7, 14)."""
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    x = F.conv2d((pictures - mean) / deviation, w["feature_extraction.0.weight"], stride=2, padding=3)
    x = F.max_pool2d(F.relu(_batch_norm(x, w, "feature_extraction.1")), 3, 2, 1)
    for layer in (4, 5, 6, 7):
        for block in (0, 1):
            x = _block(x, w, f"feature_extraction.{layer}.{block}", 2 if layer > 4 and block == 0 else 1)
    return x


def _block(x: Tensor, w: State, name: str, stride: int) -> Tensor:
    y = F.relu(_batch_norm(F.conv2d(x, w[f"{name}.conv1.weight"], None, stride, 1), w, f"{name}.bn1"))
    y = _batch_norm(F.conv2d(y, w[f"{name}.conv2.weight"], None, 1, 1), w, f"{name}.bn2")
    if f"{name}.downsample.0.weight" in w:
        x = _batch_norm(F.conv2d(x, w[f"{name}.downsample.0.weight"], None, stride), w, f"{name}.downsample.1")
    return F.relu(x + y)


def mask(w: State, features: Tensor, mixture: Tensor) -> Tensor:
    """features (B, 512, 7, 14), mixture spectrogram (B, 2, 256, 64) -> mask (B, 2, 256, 64) in -1..1."""
    x, skips = mixture, []
    for place in range(1, 6):
        name = f"audionet_convlayer{place}"
        x = F.conv2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)
        x = F.leaky_relu(_batch_norm(x, w, f"{name}.1"), 0.2)
        skips.append(x)
    seen = F.conv2d(features, w["conv1x1.0.weight"], w["conv1x1.0.bias"])
    seen = F.relu(_batch_norm(seen, w, "conv1x1.1")).reshape(len(mixture), 784, 1, 1)
    x = torch.cat((seen.repeat(1, 1, *x.shape[-2:]), x), 1)
    for place in range(1, 5):
        name = f"audionet_upconvlayer{place}"
        x = F.conv_transpose2d(x, w[f"{name}.0.weight"], w[f"{name}.0.bias"], 2, 1)
        x = torch.cat((F.relu(_batch_norm(x, w, f"{name}.1")), skips[4 - place]), 1)
    x = F.conv_transpose2d(x, w["audionet_upconvlayer5.0.weight"], w["audionet_upconvlayer5.0.bias"], 2, 1)
    return torch.sigmoid(x) * 2 - 1


def golden_input() -> tuple[Tensor, Tensor]:
    """One picture (1, 3, 224, 448), brighter to the right, and a mixture's spectrogram (1, 2, 256, 64)."""
    picture = by_formula("picture", (1, 3, 224, 448)) * 0.1 + torch.linspace(0.2, 0.8, 448)
    return picture.clamp(0, 1), by_formula("mixture", (1, 2, 256, 64))


def golden_view(mask: Tensor) -> Tensor:
    """Every 16th bin and every 8th frame."""
    return mask[:, :, ::16, ::8].contiguous()


if __name__ == "__main__":
    with torch.no_grad():
        seen, heard = golden_input()
        found = mask(state("audio", by_formula), picture_features(state("visual", by_formula), seen), heard)
    save_file({"mask": golden_view(found)}, GOLDEN)
