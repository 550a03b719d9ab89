"""Any convolutional network of timm as a visual encoder."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components() -> list[Component]:
    return [
        Component(
            kind="visual_encoder",
            name="resnet",
            version="1",
            config="avspatial_resnet.settings:ResnetSettings",
            target="avspatial_resnet.encoder:ResnetEncoder",
            summary="ResNet-18 or any other convolutional network of timm, image by image",
        )
    ]
