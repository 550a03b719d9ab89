"""Models are built as a recipe builds them: by name, through the registry."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from avspatial.framing import Framing
from avspatial.interfaces import Spatializer
from avspatial.models.settings import MaskingSettings
from avspatial.registry import Registry, discover

WIDTH = 1 / 16
SMALL: dict[str, Any] = {
    "visual_encoder": {"use": "c3d", "pretrained": False, "width": WIDTH},
    "audio_encoder": {"use": "unet", "width": WIDTH},
    "mask_generator": {"use": "unet"},
}


@pytest.fixture(scope="session")
def registry() -> Registry:
    return discover([])


@pytest.fixture
def masking(registry: Registry) -> Callable[..., Any]:
    """A masking spatializer with small networks on 4 pictures of 32 x 64; keywords replace its settings."""

    def build(framing: Framing | None = None, **replaced: Any) -> Spatializer:
        torch.manual_seed(0)
        settings = MaskingSettings.model_validate({**SMALL, **replaced}, context={"registry": registry})
        component = registry.get("spatializer", "masking")
        return component.target_class()(settings, framing=framing or small_framing(), builder=registry)

    return build


def small_framing(**window: Any) -> Framing:
    return Framing.model_validate({"window": {"picture": (32, 64), **window}})


@pytest.fixture(name="small_framing")
def _small_framing() -> Callable[..., Framing]:
    return small_framing
