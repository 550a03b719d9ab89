"""APNet, AssoConv and Sep-Stereo (Zhou et al., ECCV 2020): MONO2BINAURAL with masks for left and right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import torch
from avspatial_mono2binaural.spatializer import Mono2Binaural, resnet_names
from torch import Tensor, nn

from avspatial.framing import Framing
from avspatial.interfaces import Builder
from avspatial.signal import apply_mask, stereo
from avspatial_sepstereo.encoder import DilatedResnet
from avspatial_sepstereo.settings import SepStereoSettings

_HEAD = "mask_generator.head."
_UNUSED = {"fc.weight": None, "fc.bias": None}
"""In the dilated encoder's files, used by nothing."""


class SepStereo(Mono2Binaural):
    """The backbone's mask for the difference and the head's for left and right, each with its own loss term.

    `output: fused` makes stereo of the head's masks; left + right is then not the mixture. `output: backbone` makes it
    of the difference, and then it is. RunError for a file of weights that is missing or another model's.
    """

    published_recipe = "sepstereo_fairplay"

    def __init__(self, settings: SepStereoSettings, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.preserves_mixture = settings.output == "backbone"

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, T) -> stereo (B, 2, T); after `valid_samples` samples both channels are half the mixture."""
        if self.settings.output == "backbone":
            return super().spatialize(mixture, visual)
        spectrogram = self.spectrogram(mixture)
        masks = self.masks(spectrogram, visual)
        samples = mixture.shape[-1]
        sides = [
            self.spectrogram.inverse(apply_mask(mask, spectrogram), samples)
            for mask in (masks.left, masks.right)
            if mask is not None
        ]
        middle = stereo.stereo(mixture, torch.zeros_like(mixture))
        return torch.cat((torch.stack(sides, 1)[..., : self.valid_samples], middle[..., self.valid_samples :]), -1)

    def fusion_parameters(self) -> list[nn.Parameter]:
        return list(self.mask_generator.head.parameters())

    def published_names(self) -> Mapping[str, Mapping[str, str | None]]:
        """visual: `features.{0,1,4,5,6,7}...` and the unused `fc...`, or MONO2BINAURAL's for the plain ResNet; audio:
        MONO2BINAURAL's; fusion: `fusion{1-4}.channel_mapping_conv_w...`, the unused `channel_mapping_conv_b`,
        `fusion_upconv{1-3}.{0,1}...`, `lastconv_{left,right}.0...`; AssoConv: `fusion.channel_mapping_conv_...`.
        """
        names: dict[str, Mapping[str, str | None]] = dict(super().published_names())
        if isinstance(self.visual_encoder, DilatedResnet):
            names["visual"] = {**resnet_names(self, "features"), **_UNUSED}
        own = [name for name in self.state_dict() if name.startswith(_HEAD)]
        names["fusion"] = {official: ours for name in own for official, ours in self._fusion(name)}
        return names

    def _fusion(self, name: str) -> Iterator[tuple[str, str | None]]:
        """The official names of one of our weights, (theirs, ours), and those that nothing uses, (theirs, None)."""
        layer, _, rest = name.removeprefix(_HEAD).partition(".")
        if layer in ("left", "right"):
            yield f"lastconv_{layer}.0.{rest}", name
            return
        index, _, rest = rest.partition(".")
        if layer == "ups":
            yield f"fusion_upconv{int(index) + 1}.{rest}", name
            return
        block = f"fusion{int(index) + 1}" if self.settings.mask_generator.settings.variant == "apnet" else "fusion"
        rest = re.sub("^weights", "", rest)
        yield f"{block}.channel_mapping_conv_w{rest}", name
        yield f"{block}.channel_mapping_conv_b{rest}", None
