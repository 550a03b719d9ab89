"""MONO2BINAURAL's official files: names and shapes, a formula that fills them, and what its layers then give.

`python plugins/mono2binaural/tests/official.py` writes golden.safetensors, a tiny view of the result. None of
avspatial's networks is used for it.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import torch
from safetensors.torch import save_file
from support.mono2binaural_reference import Numbers, State, decoded, filled, picture_features, resnet18, unet
from torch import Tensor

GOLDEN = Path(__file__).with_name("golden.safetensors")
TITLE = "feature_extraction"
SHAPES: dict[str, dict[str, tuple[int, ...]]] = {"visual": dict(resnet18(TITLE)), "audio": dict(unet())}


def state(part: str, numbers: Numbers) -> State:
    return filled(SHAPES[part], numbers)


def by_formula(name: str, shape: tuple[int, ...]) -> Tensor:
    """Numbers that only the name decides: the fractions of k^2 times a constant of the name's, spread evenly."""
    count = torch.arange(1, math.prod(shape) + 1, dtype=torch.float64)
    step = 1 + zlib.crc32(name.encode()) / 2**32
    return (((count * step * math.sqrt(2)) % 1 + (count * math.sqrt(3)) % 1 - 1) * 2.4).float().reshape(shape)


def mask(visual: State, audio: State, pictures: Tensor, mixture: Tensor) -> Tensor:
    """pictures (B, 3, 224, 448), mixture spectrogram (B, 2, 256, 64) -> mask (B, 2, 256, 64) in -1..1."""
    return decoded(audio, picture_features(visual, TITLE, pictures), mixture)[0]


def golden_input() -> tuple[Tensor, Tensor]:
    """One picture (1, 3, 224, 448), brighter to the right, and a mixture's spectrogram (1, 2, 256, 64)."""
    picture = by_formula("picture", (1, 3, 224, 448)) * 0.1 + torch.linspace(0.2, 0.8, 448)
    return picture.clamp(0, 1), by_formula("mixture", (1, 2, 256, 64))


def golden_view(mask: Tensor) -> Tensor:
    """Every 16th bin and every 8th frame."""
    return mask[:, :, ::16, ::8].contiguous()


if __name__ == "__main__":
    with torch.no_grad():
        found = mask(state("visual", by_formula), state("audio", by_formula), *golden_input())
    save_file({"mask": golden_view(found)}, GOLDEN)
