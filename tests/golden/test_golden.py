"""Every network computes what it computed when its golden tensors were made; `make.py` says how."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from avspatial.registry import Registry, discover

HERE = Path(__file__).parent
LIMIT = 300_000  # bytes, all files together


def _make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("golden_make", HERE / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


make = _make()
NAMES = list(make.NETWORKS)
JOINING = [name for name in NAMES if make.NETWORKS[name].kind in ("mask_generator", "spatializer")]
"""The networks in which picture meets sound."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    return discover([make.PLUGINS])


def golden(name: str) -> dict[str, Tensor]:
    return load_file(HERE / f"{name}.safetensors")


def gap(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest difference, as a share of the largest value of its tensor."""
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in expected.items()}
    return max(float((found[key] - value).abs().max() / value.abs().max()) for key, value in expected.items())


@pytest.mark.parametrize("name", NAMES)
def test_a_network_still_computes_the_same(name: str, registry: Registry) -> None:
    assert gap(make.outputs(name, make.build(name, registry)), golden(name)) < 1e-5


@pytest.mark.parametrize("name", JOINING)
def test_picture_and_sound_exchanged_would_show(name: str, registry: Registry) -> None:
    """The same weights, joined in the other order at the bottleneck."""
    network = make.build(name, registry)
    joining = [module for module in network.modules() if hasattr(getattr(module, "settings", None), "order")]
    assert joining
    for module in joining:
        other = "audio_visual" if module.settings.order == "visual_audio" else "visual_audio"
        module.settings = module.settings.model_copy(update={"order": other})
    assert gap(make.outputs(name, network), golden(name)) > 1e-2


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_shows(name: str, registry: Registry) -> None:
    """One tensor of weights half as large again, and the outputs differ by more than is allowed; some are tried."""
    network = make.build(name, registry)
    idle = make.NETWORKS[name].idle
    weights = [(key, value) for key, value in network.named_parameters() if value.ndim != 1]
    assert all(any(key.startswith(beginning) for key, _ in weights) for beginning in idle)
    weights = [(key, value) for key, value in weights if not key.startswith(idle)]
    for key, value in weights[:: max(1, len(weights) // 6)]:
        with torch.no_grad():
            before = value.clone()
            value.mul_(1.5)
            assert gap(make.outputs(name, network), golden(name)) > 1e-5, key
            value.copy_(before)


def test_each_file_belongs_to_a_network_says_how_it_was_made_and_is_small() -> None:
    files = sorted(HERE.glob("*.safetensors"))
    assert [path.stem for path in files] == sorted(NAMES)
    for path in files:
        with safe_open(path, "pt") as opened:
            assert opened.metadata() == {"made_by": make.COMMAND}
    assert sum(path.stat().st_size for path in files) < LIMIT


def test_the_weights_are_those_of_the_formula(registry: Registry) -> None:
    """Whatever torch draws when a network is built, its golden weights are the same."""
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(make.build("complete", registry).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
