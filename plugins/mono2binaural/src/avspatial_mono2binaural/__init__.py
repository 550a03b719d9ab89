"""MONO2BINAURAL of "2.5D Visual Sound" (Gao and Grauman, CVPR 2019)."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components() -> list[Component]:
    return [
        Component(
            kind="spatializer",
            name="mono2binaural",
            version="1",
            config="avspatial_mono2binaural.settings:Mono2BinauralSettings",
            target="avspatial_mono2binaural.spatializer:Mono2Binaural",
            summary="MONO2BINAURAL: ResNet-18, U-Net, mask by a sigmoid; loads the official weights",
        )
    ]
