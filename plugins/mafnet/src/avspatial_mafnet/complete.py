"""The Complete network: the Main network, and passes that refine its mask. A re-implementation, no code is public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from avspatial.framing import Framing
from avspatial.interfaces import Builder, Masks
from avspatial.models.masking import MaskingSpatializer, check_planes, check_spectrogram
from avspatial.signal import stereo
from avspatial.signal.spectrogram import apply_mask
from avspatial_mafnet.settings import CompleteSettings


class Complete(MaskingSpatializer):
    """The first pass is the masking spatializer. A later one encodes the mixture's spectrogram and that of the
    difference predicted so far, 4 planes, and generates a residual, which is added to the mask. What comes out is the
    sum of all passes; so a mask may leave -1..1, while left + right stays the mixture. Gradients of a pass reach the
    passes before it, also through what it is shown.

    RecipeError as `MaskingSpatializer`, and for an encoder that takes another number of planes.
    """

    def __init__(self, settings: CompleteSettings, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.refining_encoders, self.refining_generators = nn.ModuleList(), nn.ModuleList()
        count = {"none": settings.passes - 1, "later": min(1, settings.passes - 1), "all": 0}[settings.shared]
        for _ in range(count):
            encoder = builder.build(settings.refining_encoder)
            check_planes(encoder, self._later_planes, "model.refining_encoder")
            check_spectrogram(encoder.levels, framing)
            generator = builder.build(settings.mask_generator, levels=encoder.levels, visual=self.visual_shape)
            self.refining_encoders.append(encoder)
            self.refining_generators.append(generator)

    @property
    def _later_planes(self) -> int:
        return 4 if self.settings.feedback == "difference" else 2

    @property
    def planes(self) -> int:
        return self._later_planes if self.settings.shared == "all" and self.settings.passes > 1 else 2

    def _networks(self) -> Iterator[tuple[Any, Any]]:
        """Audio encoder and mask generator of each pass, in order."""
        yield self.audio_encoder, self.mask_generator
        for place in range(self.settings.passes - 1):
            if self.settings.shared == "all":
                yield self.audio_encoder, self.mask_generator
            else:
                place = min(place, len(self.refining_encoders) - 1)
                yield self.refining_encoders[place], self.refining_generators[place]

    def refined(self, mixture: Tensor, visual: Tensor | None) -> list[Masks]:
        """The masks after each pass, (B, 2, F, M), for a mixture spectrogram (B, 2, F, M) and visual features."""
        found: list[Masks] = []
        for encoder, generator in self._networks():
            seen = mixture
            if encoder.planes > 2:
                so_far = apply_mask(found[-1].difference, mixture) if found else torch.zeros_like(mixture)
                seen = torch.cat((mixture, so_far), 1)
            masks = generator(encoder(seen), visual, mixture)
            found.append(_added(found[-1], masks) if found else masks)
        return found

    def masks(self, mixture: Tensor, visual: Tensor | None) -> Masks:
        """Mixture spectrogram (B, 2, F, M), visual features of `encode_images` -> the masks after the last pass."""
        return self.refined(mixture, visual)[-1]

    def loss_terms_given(
        self, mixture: Tensor, reference: Tensor, visual: Tensor | None, loss: str
    ) -> dict[str, Tensor]:
        """The terms of the masking spatializer after each pass: `difference_1`, `difference_2`, ..."""
        heard = self.spectrogram(mixture)
        truth = self.spectrogram(stereo.difference(reference))
        return {
            f"{name}_{number}": term
            for number, masks in enumerate(self.refined(heard, visual), 1)
            for name, term in self.distances(masks, heard, truth, loss).items()
        }


def _added(masks: Masks, residual: Masks) -> Masks:
    return Masks(
        masks.difference + residual.difference,
        None if masks.left is None or residual.left is None else masks.left + residual.left,
        None if masks.right is None or residual.right is None else masks.right + residual.right,
    )
