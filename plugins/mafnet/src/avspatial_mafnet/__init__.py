"""MAFNet, re-implemented: attention between audio and images at every level, and passes that refine the result."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components() -> list[Component]:
    return [
        Component(
            kind="mask_generator",
            name="avafm",
            version="1",
            config="avspatial_mafnet.settings:AvafmSettings",
            target="avspatial_mafnet.generator:AvafmMaskGenerator",
            summary="U-Net decoder with an audio-visual attention fusion module at each level (re-implementation)",
        ),
        Component(
            kind="spatializer",
            name="complete",
            version="1",
            config="avspatial_mafnet.settings:CompleteSettings",
            target="avspatial_mafnet.complete:Complete",
            summary="Complete network: masking in several passes, each refining the last (re-implementation)",
        ),
    ]
