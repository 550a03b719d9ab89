"""Visual encoder of APNet and Sep-Stereo: a ResNet with a dilated last layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from avspatial_resnet.encoder import ResnetEncoder
from torch import Tensor
from torch.nn import functional


class DilatedResnet(ResnetEncoder):
    """ResNet-18 whose layer4 has stride 1: its formerly strided 3x3 convolution as it was, its other ones dilated by 2.

    Pictures of 224 x 448 give 512 x 14 x 28, averaged over 2 x 2: 512 x 7 x 14, as many as the strided one, from finer
    features. Errors as ResnetEncoder's, PluginError too for a network that timm cannot dilate.
    """

    options: ClassVar[Mapping[str, Any]] = {"output_stride": 16}

    def maps(self, images: Tensor) -> Tensor:
        """images (B, 3, H, W), normalised -> (B, C, H', W')."""
        return functional.avg_pool2d(super().maps(images), self.settings.pool)
