"""A whole model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from avspatial.framing import Framing
from avspatial.interfaces.clips import Batch
from avspatial.settings import Selected
from avspatial.signal.gain import window_scale


class Builder(Protocol):
    """The part of the registry with which a component builds the components its own settings chose."""

    def build(self, selected: Selected, **context: Any) -> Any:
        """Import the target of `selected` and call it with the settings and the context of its kind."""


class Spatializer(nn.Module, ABC):
    """A whole model: mixture + pictures -> stereo. Constructed as `Target(settings, framing=..., builder=...)`.

    `encode_images` is separate from `spatialize` so that inference encodes each distinct group of images once. Both
    work on windows at the level of training (see `signal.gain`); `forward` scales by itself.
    `valid_samples`: number of valid output samples from the start of a window (the rest gets no weight).
    `preserves_mixture`: left + right is the mixture, whatever the networks say; where it depends on the settings, the
    instance says it.
    """

    preserves_mixture: bool = False
    mixture_rms: Tensor

    published_recipe: ClassVar[str] = ""
    """The shipped recipe whose model has the weights that the method's authors publish; empty: there are none."""

    def __init__(self, settings: Any, *, framing: Framing, builder: Builder) -> None:
        super().__init__()
        self.settings = settings
        self.framing = framing
        self.register_buffer("mixture_rms", torch.tensor(0.15))

    @property
    def valid_samples(self) -> int:
        return self.framing.samples

    def encode_images(self, images: Tensor) -> Tensor | None:
        """images (B, N, 3, H, W) in [0, 1] -> whatever `spatialize` needs of them, first axis B; None if nothing."""
        return images

    @property
    def time_dependent(self) -> bool:
        """Whether `encode_images_at` depends on when a window starts: equal images at two times differ then."""
        return False

    def encode_images_at(self, images: Tensor, starts: Tensor) -> Tensor | None:
        """`encode_images` for windows that start at `starts` (B,), seconds from the clip's start; used by inference."""
        return self.encode_images(images)

    @property
    def trainable(self) -> bool:
        """Whether there is anything to train, a parameter that is not frozen. What does not learn is used as built."""
        return any(parameter.requires_grad for parameter in self.parameters())

    @abstractmethod
    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, T) -> stereo (B, 2, T), left + right equal to the mixture where the method keeps that."""

    @property
    def frame_step(self) -> int | None:
        """Samples of a step of `spatialize_along`; None for a spatializer that works on single windows alone."""
        return None

    def spatialize_along(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """mixture (B, S * frame_step) at the level of training, of any length -> stereo (B, 2, S * frame_step).

        visual (B, S, ...) holds the features of `encode_images` for the images of each step's own time. A result may
        depend on four steps on either side, no more, so that long sounds can be cut into chunks which overlap.
        """
        raise NotImplementedError(f"{type(self).__name__} works on single windows alone")

    def loss_terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        """The supervised loss terms, `loss` being "l1" or "mse"; by default on the samples of both channels."""
        stereo = self.spatialize(batch.mixture, self.encode_images(batch.images))
        distance = nn.functional.l1_loss if loss == "l1" else nn.functional.mse_loss
        return {"stereo": distance(stereo, batch.reference)}

    def visual_parameters(self) -> list[nn.Parameter]:
        """Parameters that belong to the picture's side (trainers may give them another learning rate)."""
        return []

    def fusion_parameters(self) -> list[nn.Parameter]:
        """Parameters of what joins the two sides, where that is a network of its own (another learning rate again)."""
        return []

    def published_names(self) -> Mapping[str, Mapping[str, str | None]]:
        """How the method's authors name the weights: {part: {name in the part's file: name in `state_dict()`}}.

        A part is one file, a plain torch state dict: "visual", "audio" or "fusion", an option each of `avspatial
        weights import`. None beside a name that is in the file and used by nothing. Everything in `state_dict()` but
        `mixture_rms` must be named; names, shapes and files are checked by the import.
        """
        return {}

    def forward(self, mixture: Tensor, images: Tensor) -> Tensor:
        """mixture (B, T) at any level, images (B, N, 3, H, W) -> stereo (B, 2, T) at that level."""
        scale = window_scale(mixture, None, "mixture", self.mixture_rms)
        return self.spatialize(mixture * scale, self.encode_images(images)) / scale[:, None]
