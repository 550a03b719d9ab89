"""APNet, AssoConv and Sep-Stereo of "Sep-Stereo" (Zhou, Xu, Lin, Wang and Liu, ECCV 2020)."""

from __future__ import annotations

from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components() -> list[Component]:
    return [
        Component(
            kind="visual_encoder",
            name="dilated_resnet",
            version="1",
            config="avspatial_sepstereo.settings:DilatedResnetSettings",
            target="avspatial_sepstereo.encoder:DilatedResnet",
            summary="ResNet-18 whose last layer is dilated instead of strided, averaged over 2 x 2",
        ),
        Component(
            kind="mask_generator",
            name="apnet",
            version="1",
            config="avspatial_sepstereo.settings:ApnetSettings",
            target="avspatial_sepstereo.masks:ApnetMaskGenerator",
            summary="U-Net decoder with an associative pyramid (or AssoConv) for left and right",
        ),
        Component(
            kind="spatializer",
            name="sepstereo",
            version="1",
            config="avspatial_sepstereo.settings:SepStereoSettings",
            target="avspatial_sepstereo.spatializer:SepStereo",
            summary="APNet, AssoConv, Sep-Stereo: three masks, one loss each; loads the official weights",
        ),
        Component(
            kind="trainer",
            name="sepstereo",
            version="1",
            config="avspatial_sepstereo.settings:SepStereoTrainerSettings",
            target="avspatial_sepstereo.trainer:SepStereoTrainer",
            summary="Sep-Stereo: separating pairs of solos first, then stereo and separation together",
        ),
    ]
