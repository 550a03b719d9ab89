"""A spatializer that needs no training: a horizontal track, rendered with the model of a head."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components() -> list[Component]:
    return [
        Component(
            kind="spatializer",
            name="panner",
            version="1",
            config="avspatial_panner.settings:PannerSettings",
            target="avspatial_panner.spatializer:Panner",
            summary="No training: follows a fixed angle, a track from a file, or motion in the video",
        )
    ]
