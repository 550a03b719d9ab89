"""Pretrained weights: read without running code from the file, checked by name and shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from avspatial.errors import RunError
from avspatial.text import listed

C3D_NUMBERS = {
    "features.0": "conv1",
    "features.3": "conv2",
    "features.6": "conv3a",
    "features.8": "conv3b",
    "features.11": "conv4a",
    "features.13": "conv4b",
    "features.16": "conv5a",
    "features.18": "conv5b",
}
"""The layers of c3d-pretrained.pth, numbered as in one torch Sequential."""
C3D_LEFT_OUT = ("fc6.", "fc7.", "fc8.", "classifier.")
SCRATCH = "Name another file, or set pretrained: false to train from scratch."


def read_weights(path: Path, fix: str = SCRATCH) -> dict[str, Tensor]:
    """Read the tensors of a torch state dict or of a `.safetensors` file.

    Args:
        path: The file.
        fix: What the user can do if the file is unusable, for the error.

    Returns:
        The tensors by name.

    Raises:
        RunError: The file is missing or holds anything else.
    """
    if not path.is_file():
        raise RunError("there is no such file of pretrained weights", where=path, fix=fix)
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except (OSError, SafetensorError) as error:
            raise RunError("not a readable safetensors file", where=path, fix=fix) from error
    try:
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file can break the reader in any way
        raise RunError("not a readable torch file of weights alone", where=path, fix=fix) from error
    if not isinstance(weights, dict) or not all(isinstance(item, Tensor) for item in weights.values()):
        raise RunError("holds something other than named tensors", where=path, fix=fix)
    return dict(weights)


def load_exactly(module: nn.Module, weights: dict[str, Tensor], *, where: object) -> None:
    """Load weights whose names and shapes are exactly those of the module.

    Args:
        module: The module.
        weights: Tensors by name.
        where: File or recipe key of the weights, for the error.

    Raises:
        RunError: Some names or shapes differ; the message lists them.
    """
    wrong = differences(module.state_dict(), weights)
    if wrong:
        raise RunError(f"other weights than {type(module).__name__}'s: {wrong}", where=where, fix=SCRATCH)
    module.load_state_dict(weights)


def differences(needed: Mapping[str, Tensor | None], weights: Mapping[str, Tensor]) -> str:
    """Text that lists how weights differ from the needed ones in names and shapes; empty if they do not.

    None in `needed` means any shape.
    """
    shapes = [
        f"{name} is {tuple(weights[name].shape)} instead of {tuple(like.shape)}"
        for name, like in needed.items()
        if like is not None and name in weights and weights[name].shape != like.shape
    ]
    wrong = [
        *_listed("missing", [name for name in needed if name not in weights]),
        *_listed("not expected", [name for name in weights if name not in needed]),
        *_listed("of another shape", shapes),
    ]
    return "; ".join(wrong)


def _listed(title: str, names: list[str], most: int = 4) -> list[str]:
    return [f"{title}: {listed(names, most)}"] if names else []


def load_c3d(module: nn.Module, path: Path) -> None:
    """Load `c3d.pickle` (conv1.weight ...) or `c3d-pretrained.pth` (features.0.weight ...), both without fc6 to fc8.

    RunError as `read_weights` and `load_exactly`.
    """
    kept = {}
    for name, tensor in read_weights(path).items():
        layer, _, kind = name.rpartition(".")
        if not name.startswith(C3D_LEFT_OUT):
            kept[f"{C3D_NUMBERS.get(layer, layer)}.{kind}"] = tensor
    parameters = dict(module.named_parameters())
    buffers = {name: value for name, value in module.state_dict().items() if name not in parameters}  # not in the files
    load_exactly(module, buffers | kept, where=path)
