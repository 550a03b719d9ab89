"""APNet's and AssoConv's official files: names and shapes, and what their layers give; beyond what they share with
MONO2BINAURAL's."""

from __future__ import annotations

import torch
from support.mono2binaural_reference import (
    WIDTHS,
    Shapes,
    State,
    decoded,
    filled,
    layer,
    mask,
    resnet18,
    risen,
    unet,
)
from support.mono2binaural_reference import at_random as drawn
from support.mono2binaural_reference import picture_features as resnet_features
from torch import Tensor
from torch.nn import functional as F

PLACES = 7 * 14
TITLES = {"dilated": "features", "plain": "feature_extraction"}


def _visual(encoder: str) -> Shapes:
    yield from resnet18(TITLES[encoder])
    if encoder == "dilated":
        yield "fc.weight", (512, 512, 3, 3)
        yield "fc.bias", (512,)


def _fusion(variant: str) -> Shapes:
    blocks = {"fusion": 64} if variant == "assoconv" else {f"fusion{n}": WIDTHS[-1 - n] for n in (1, 2, 3, 4)}
    for block, channels in blocks.items():
        for each in "wb":
            yield f"{block}.channel_mapping_conv_{each}.weight", (channels, 512, 1)
            yield f"{block}.channel_mapping_conv_{each}.bias", (channels,)
    for place in (1, 2, 3) if variant == "apnet" else ():
        yield from layer(f"fusion_upconv{place}", PLACES * (1 if place == 1 else 2), PLACES, rise=True)
    for side in ("left", "right"):
        inputs = PLACES * (2 if variant == "apnet" else 1)
        yield from layer(f"lastconv_{side}", inputs, 2, rise=True, norm=False)


def shapes(variant: str = "apnet", encoder: str = "dilated") -> dict[str, dict[str, tuple[int, ...]]]:
    """{part: {name: shape}} of the three official files."""
    return {"visual": dict(_visual(encoder)), "audio": dict(unet()), "fusion": dict(_fusion(variant))}


def at_random(part: dict[str, tuple[int, ...]], seed: int) -> State:
    """A file filled at random. What weighs the places is small: each sums over hundreds of channels."""
    draw = drawn(seed)

    def numbers(name: str, shape: tuple[int, ...]) -> Tensor:
        return draw(name, shape) * (0.025 / shape[0] if "channel_mapping" in name else 1)

    return filled(part, numbers, last=("lastconv",))


def picture_features(w: State, pictures: Tensor, encoder: str) -> Tensor:
    """pictures (B, 3, 224, 448), RGB in [0, 1] -> (B, 512, 7, 14)."""
    found = resnet_features(w, TITLES[encoder], pictures, dilated=encoder == "dilated")
    return F.avg_pool2d(found, 2) if encoder == "dilated" else found


def _fused(sound: Tensor, features: Tensor, w: State, block: str) -> Tensor:
    """sound (B, C, F, M), features (B, 512, 7, 14) -> (B, 98, F, M)."""
    name = f"{block}.channel_mapping_conv_w"
    weights = F.relu(F.conv1d(features.flatten(2), w[f"{name}.weight"], w[f"{name}.bias"]))
    return (weights.transpose(1, 2) @ sound.flatten(2)).reshape(len(sound), PLACES, *sound.shape[2:])


def masks(w: State, features: Tensor, mixture: Tensor, variant: str) -> tuple[Tensor, Tensor, Tensor]:
    """features (B, 512, 7, 14), mixture spectrogram (B, 2, 256, 64) -> masks for difference, left, right."""
    difference, found = decoded(w, features, mixture)
    if variant == "assoconv":
        x = _fused(found[3], features, w, "fusion")
    else:
        x = risen(_fused(found[0], features, w, "fusion1"), w, "fusion_upconv1")
        x = risen(torch.cat((_fused(found[1], features, w, "fusion2"), x), 1), w, "fusion_upconv2")
        x = risen(torch.cat((_fused(found[2], features, w, "fusion3"), x), 1), w, "fusion_upconv3")
        x = torch.cat((_fused(found[3], features, w, "fusion4"), x), 1)
    return difference, mask(x, w, "lastconv_left"), mask(x, w, "lastconv_right")
