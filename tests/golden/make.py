"""Write golden tensors: the outputs of each network, at tiny width, for weights and inputs from a formula.

    python tests/golden/make.py [NAME ...]

writes NAME.safetensors next to this file; without a name, all of them. Use it only for a new network, or for one whose
function is to change; the version of its component then changes too. A new network is an entry in NETWORKS.
"""

from __future__ import annotations

import math
import sys
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from avspatial.framing import Framing
from avspatial.interfaces import FeatureLevel, FeatureShape
from avspatial.registry import Registry, discover

HERE = Path(__file__).parent
COMMAND = "python tests/golden/make.py"
PLUGINS = HERE.parents[1] / "plugins"

LEVELS = tuple(FeatureLevel(channels, 2 ** (depth + 1)) for depth, channels in enumerate((4, 8, 8, 16, 16)))
VISUAL = FeatureShape(6, 1, 2, 3)
FRAMING = Framing.model_validate(
    {
        "window": {"seconds": 0.0315, "pictures": 4, "picture": [32, 64]},
        "stft": {"n_fft": 64, "window": 48, "hop": 16},
    }
)
"""504 samples, 32 bins, 32 frames."""


@dataclass(frozen=True)
class Network:
    """A network as a recipe would name it. `idle`: where the weights begin that this output does without."""

    kind: str
    id: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    idle: tuple[str, ...] = ()


_C3D = {"use": "avspatial.c3d", "pretrained": False, "width": 1 / 32}
_RESNET = {"use": "resnet.resnet", "pretrained": False, "average": 2}
_DILATED = {"use": "sepstereo.dilated_resnet", "pretrained": False, "average": 2}
_UNET = {"use": "avspatial.unet", "width": 1 / 16}
_SIGMOID = {"use": "avspatial.unet", "activation": "sigmoid"}

NETWORKS = {
    "c3d": Network("visual_encoder", "avspatial.c3d", {"pretrained": False, "width": 1 / 32}),
    "c3d_early": Network("visual_encoder", "avspatial.c3d", {"pretrained": False, "width": 1 / 32, "pooling": "early"}),
    "resnet": Network("visual_encoder", "resnet.resnet", {"pretrained": False, "average": 2}),
    "dilated_resnet": Network("visual_encoder", "sepstereo.dilated_resnet", {"pretrained": False, "average": 2}),
    "unet_encoder": Network("audio_encoder", "avspatial.unet", {"width": 1 / 16}),
    "unet_encoder_4_planes": Network("audio_encoder", "avspatial.unet", {"width": 1 / 16, "planes": 4}),
    **{
        f"unet_{order}_{activation}": Network(
            "mask_generator", "avspatial.unet", {"order": order, "activation": activation}
        )
        for order in ("visual_audio", "audio_visual")
        for activation in ("tanh", "sigmoid")
    },
    "apnet": Network("mask_generator", "sepstereo.apnet", {"variant": "apnet"}),
    "assoconv": Network("mask_generator", "sepstereo.apnet", {"variant": "assoconv"}),
    "avafm": Network("mask_generator", "mafnet.avafm", {"narrowing": 1}),
    "visual_patch": Network("discriminator", "avspatial.visual_patch", {"width": 1 / 16}),
    "masking": Network(
        "spatializer",
        "avspatial.masking",
        {"visual_encoder": _C3D, "audio_encoder": _UNET, "mask_generator": "avspatial.unet"},
    ),
    "mono2binaural": Network(
        "spatializer",
        "mono2binaural.mono2binaural",
        {"visual_encoder": _RESNET, "audio_encoder": _UNET, "mask_generator": _SIGMOID},
    ),
    **{
        f"sepstereo_{output}": Network(
            "spatializer",
            "sepstereo.sepstereo",
            {"visual_encoder": _DILATED, "audio_encoder": _UNET, "mask_generator": "sepstereo.apnet", "output": output},
            idle,
        )
        for output, idle in (
            ("fused", ("mask_generator.last.",)),
            ("backbone", ("mask_generator.head.",)),
        )
    },
    "complete": Network(
        "spatializer",
        "mafnet.complete",
        {
            "visual_encoder": _RESNET,
            "audio_encoder": _UNET,
            "refining_encoder": {**_UNET, "planes": 4},
            "mask_generator": {"use": "mafnet.avafm"},
            "passes": 3,
        },
    ),
}


def numbers(name: str, shape: Sequence[int]) -> Tensor:
    """Numbers in -1..1 that the name alone decides: Philox's own integers, which no version of anything changes."""
    count = math.prod(shape)
    drawn = np.random.Philox(key=zlib.crc32(name.encode())).random_raw(count) >> np.uint64(11)
    return torch.from_numpy(drawn * 2.0**-52 - 1).reshape(tuple(shape))


def fill(network: nn.Module) -> None:
    """Weights by the formula, of sizes with which every layer matters."""
    with torch.no_grad():
        for place, module in network.named_modules():
            for name, value in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
                scaled = _scaled(module, name, numbers(f"{place}.{name}", value.shape))
                if scaled is not None:
                    value.copy_(scaled)


def _scaled(module: nn.Module, name: str, x: Tensor) -> Tensor | None:
    """What a tensor is filled with; None for what is no weight and stays as it is."""
    if name == "running_var" or (name == "weight" and x.ndim == 1):
        return 1 + 0.4 * x
    if name in ("bias", "running_mean"):
        return 0.2 * x
    if name not in dict(module.named_parameters(recurse=False)):
        return None
    if x.ndim < 2:
        return 0.5 + 0.2 * x
    inputs = x[0].numel()
    if isinstance(module, nn.ConvTranspose2d):
        inputs = module.in_channels * x[0, 0].numel() // math.prod(module.stride)
    # 1x1 convolutions smaller: attention's scores are products of two, and softmax of large ones is all or nothing
    return x * math.sqrt((1.5 if x[0, 0].numel() == 1 else 6) / inputs)


def build(name: str, registry: Registry) -> nn.Module:
    """The network, its weights filled, in double precision, so that no order of adding up shows in the result."""
    network = NETWORKS[name]
    entry = registry.get(network.kind, network.id)
    settings = entry.settings_class().model_validate(network.settings, context={"registry": registry})
    context: dict[str, Any] = {
        "mask_generator": {"levels": LEVELS, "visual": VISUAL},
        "discriminator": {"visual": VISUAL},
        "spatializer": {"framing": FRAMING, "builder": registry},
    }.get(network.kind, {})
    built: nn.Module = entry.target_class()(settings, **context)
    fill(built)
    return built.double().eval()


def outputs(name: str, network: Any) -> dict[str, Tensor]:
    """What the network makes of the inputs of its kind, by name, float32."""
    with torch.no_grad():
        return {key: value.float().contiguous() for key, value in _outputs(NETWORKS[name].kind, network)}


def _outputs(kind: str, network: Any) -> Iterator[tuple[str, Tensor]]:
    size = (FRAMING.bins, FRAMING.stft_frames)
    window = FRAMING.window
    images = numbers("frames", (2, window.pictures, 3, *window.picture)) / 2 + 0.5
    visual = numbers("visual", (2, VISUAL.channels, VISUAL.images, VISUAL.height, VISUAL.width)) + 0.5
    if kind == "visual_encoder":
        yield "features", network(images)
    elif kind == "audio_encoder":
        maps = network(numbers("spectrogram", (2, network.planes, *size)))
        yield from ((f"level_{number}", found) for number, found in enumerate(maps))
    elif kind == "mask_generator":
        mixture = numbers("mixture", (2, 2, *size))
        shapes = [(2, level.channels, *(side // level.reduction for side in size)) for level in LEVELS]
        masks = network([numbers(f"map {number}", shape) for number, shape in enumerate(shapes)], visual, mixture)
        yield from ((name, mask) for name, mask in vars(masks).items() if mask is not None)
    elif kind == "discriminator":
        yield "logits", network(numbers("difference", (2, 2, *size)), visual).logits
    else:
        yield "stereo", network(numbers("sound", (2, FRAMING.samples)) / 5, images)


def main(names: Sequence[str]) -> None:
    registry = discover([PLUGINS])
    for name in names or NETWORKS:
        save_file(outputs(name, build(name, registry)), HERE / f"{name}.safetensors", {"made_by": COMMAND})


if __name__ == "__main__":
    main(sys.argv[1:])
