"""The Complete network: the Main network, and passes that refine its mask. A re-implementation, no code is public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from avspatial.framing import Framing
from avspatial.interfaces import Builder, Masks
from avspatial.models import MaskingSpatializer, check_planes, check_spectrogram
from avspatial.signal import apply_mask, stereo
from avspatial_mafnet.settings import CompleteSettings


class Complete(MaskingSpatializer):
    """Masking in several passes.

    The first pass is the masking spatializer. A later one encodes the spectrograms of the mixture and of the difference
    predicted so far, 4 planes, and generates a residual that is added to the mask. The result is the sum of all passes:
    a mask may leave -1..1, left + right is still the mixture. Gradients of a pass reach the earlier passes, also
    through the difference that it encodes.

    RecipeError as `MaskingSpatializer`, and for an encoder that takes another number of planes.
    """

    local_in_time: ClassVar[bool] = False

    def __init__(self, settings: CompleteSettings, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.refining_encoders, self.refining_generators = nn.ModuleList(), nn.ModuleList()
        count = {"none": settings.passes - 1, "later": min(1, settings.passes - 1), "all": 0}[settings.shared]
        for _ in range(count):
            assert settings.refining_encoder is not None, "validated by the settings"
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
        passes: list[Masks] = []
        for encoder, generator in self._networks():
            planes = mixture
            if encoder.planes > 2:
                difference = apply_mask(passes[-1].difference, mixture) if passes else torch.zeros_like(mixture)
                planes = torch.cat((mixture, difference), 1)
            masks = generator(encoder(planes), visual, mixture)
            passes.append(_added(passes[-1], masks) if passes else masks)
        return passes

    def masks(self, mixture: Tensor, visual: Tensor | None) -> Masks:
        """Mixture spectrogram (B, 2, F, M), visual features from `encode_images` -> masks after the last pass."""
        return self.refined(mixture, visual)[-1]

    def loss_terms_given(
        self, mixture: Tensor, reference: Tensor, visual: Tensor | None, loss: str
    ) -> dict[str, Tensor]:
        """The loss terms of the masking spatializer after each pass: `difference_1`, `difference_2`, ..."""
        spectrogram = self.spectrogram(mixture)
        truth = self.spectrogram(stereo.difference(reference))
        return {
            f"{name}_{number}": term
            for number, masks in enumerate(self.refined(spectrogram, visual), 1)
            for name, term in self.distances(masks, spectrogram, truth, loss).items()
        }


def _added(masks: Masks, residual: Masks) -> Masks:
    return Masks(
        masks.difference + residual.difference,
        None if masks.left is None or residual.left is None else masks.left + residual.left,
        None if masks.right is None or residual.right is None else masks.right + residual.right,
    )
