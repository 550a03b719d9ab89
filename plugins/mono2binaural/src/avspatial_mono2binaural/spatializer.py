"""MONO2BINAURAL (Gao and Grauman, "2.5D Visual Sound", CVPR 2019): masking, with official weights."""

from __future__ import annotations

import re
from collections.abc import Mapping

from avspatial.framing import Framing
from avspatial.interfaces import Builder
from avspatial.models import MaskingSpatializer, load_exactly, read_weights
from avspatial_mono2binaural.settings import Mono2BinauralSettings

_NETWORK = "visual_encoder.network."
_RESNET = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
"""Where torchvision's ResNet-18 has each part among its children, which is what the official files count by."""

_AUDIO = (
    (r"audio_encoder\.convolutions\.(\d)\.", "audionet_convlayer{}."),
    (r"mask_generator\.convolutions\.(\d)\.", "audionet_upconvlayer{}."),
    (r"mask_generator\.last\.", "audionet_upconvlayer5.0."),
    (r"mask_generator\.fusion\.reduce\.", "conv1x1."),
)


class Mono2Binaural(MaskingSpatializer):
    """Complex ratio mask of the mixture's spectrogram, from the mixture and one image.

    Every layer is avspatial's own: timm's ResNet-18 without its last two layers, a 1x1 convolution to 8 channels,
    joined (visual, audio) at the bottleneck of a U-Net whose last layer is a sigmoid, times 2 minus 1. This class adds
    the names that the official files give to them.
    RunError for a file of weights that is missing or another model's.
    """

    published_recipe = "mono2binaural_fairplay"

    def __init__(self, settings: Mono2BinauralSettings, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        if settings.pretrained:
            load_exactly(self, read_weights(settings.pretrained), where=settings.pretrained)

    def published_names(self) -> Mapping[str, Mapping[str, str | None]]:
        """visual: `feature_extraction.{0,1,4,5,6,7}...`; audio: `audionet_convlayer{1..5}.{0,1}...`,
        `audionet_upconvlayer{1..5}...`, `conv1x1.{0,1}...`; all of them are in use."""
        audio = {official: name for name in self.state_dict() if (official := _audio(name))}
        return {"visual": resnet_names(self, "feature_extraction"), "audio": audio}


def resnet_names(model: MaskingSpatializer, title: str) -> dict[str, str | None]:
    """Names of the visual encoder's weights in torch's numbered ResNet, which is called `title`: {theirs: ours}."""
    names = [name for name in model.state_dict() if name.startswith(_NETWORK)]
    return {f"{title}.{_numbered(name)}": name for name in names}


def _numbered(name: str) -> str:
    layer, _, rest = name.removeprefix(_NETWORK).partition(".")
    return f"{_RESNET.get(layer, layer)}.{rest}"


def _audio(name: str) -> str:
    """The official name of one of our weights; empty if there is none."""
    for pattern, official in _AUDIO:
        match = re.match(pattern, name)
        if match:
            layer = official.format(*(int(digit) + 1 for digit in match.groups()))
            return layer + name[match.end() :]
    return ""
