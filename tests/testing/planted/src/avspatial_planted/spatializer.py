"""Spatializers, each with one fault."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from avspatial.framing import Framing
from avspatial.interfaces import Batch, Builder, Spatializer
from avspatial.signal import stereo
from avspatial_planted import faults


class Good(faults.Good, Spatializer):
    """Pans by the colours of the pictures' upper corners: nothing to find."""

    def __init__(self, settings: Any, *, framing: Framing, builder: Builder) -> None:
        super().__init__(settings, framing=framing, builder=builder)
        self.side = nn.Linear(6, 1)

    def encode_images(self, images: Tensor) -> Tensor:
        corners = self.on_images(images)[:, :, :, 0, [0, -1]].mean(1).flatten(1)
        return self.on_output(self.side(corners)).tanh()

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        assert visual is not None
        sound = self.on_audio(mixture)
        return stereo.stereo(sound, visual * sound)


class Shapes(Good):
    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return super().spatialize(mixture, visual).flip(0)[1:]


class ShapesOneSize(Good):
    """Made for windows with one size of pictures."""

    def encode_images(self, images: Tensor) -> Tensor:
        return super().encode_images(images.reshape(*images.shape[:3], 64, 64))


class LearnsLoss(Good):
    """Its loss leaves out what it says in use."""

    def loss_terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        return {"nothing": self.side.bias.sum()}


class LengthsKept(Good):
    """Drops the last sample of a window."""

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return super().spatialize(mixture, visual)[..., :-1]


class TruthUnseen(Good):
    """Keeps the reference of its last training batch."""

    known: Tensor | None = None

    def loss_terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        self.known = batch.reference
        return super().loss_terms(batch, loss)

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        made = super().spatialize(mixture, visual)
        return made if self.known is None else (made + self.known) / 2


class SidesSeen(Good):
    """Sees the average colour, which has no side."""

    def encode_images(self, images: Tensor) -> Tensor:
        return super().encode_images(images.mean(-1, keepdim=True).expand(*images.shape[:-1], 2))


class MixtureKept(Good):
    preserves_mixture = True

    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        return 1.1 * super().spatialize(mixture, visual)


globals().update(faults.faulty(Good))
