"""Spatializers: complete models from a mixture and images to stereo."""

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
    """Part of the registry: builds the components that a component's own settings select."""

    def build(self, selected: Selected, **context: Any) -> Any:
        """Build a component.

        Args:
            selected: A component with its settings.
            **context: The arguments of its kind, such as `levels` and `visual` of a mask generator.

        Returns:
            The component.
        """


class Spatializer(nn.Module, ABC):
    """Complete model from a mixture and images to stereo. Constructed as `Target(settings, framing=..., builder=...)`.

    `encode_images` is separate from `spatialize` so that inference encodes each distinct group of images once. Both
    work on windows at the training level (see `avspatial.signal.window_scale`); `forward` scales by itself.

    Args:
        settings: The component's settings.
        framing: Window and STFT of the recipe.
        builder: Builds the components that the settings select.

    Attributes:
        preserves_mixture: left + right is the mixture for any output of the networks. Set it on the instance if it
            depends on the settings.
        mixture_rms: The training level: the training set's median RMS of the mixture, saved with the weights.
    """

    preserves_mixture: bool = False
    mixture_rms: Tensor

    published_recipe: ClassVar[str] = ""
    """The shipped recipe for the weights that the method's authors publish; empty if there are none."""

    def __init__(self, settings: Any, *, framing: Framing, builder: Builder) -> None:
        super().__init__()
        self.settings = settings
        self.framing = framing
        self.register_buffer("mixture_rms", torch.tensor(0.15))

    @property
    def valid_samples(self) -> int:
        """Number of valid output samples from the start of a window; the remaining ones are not used."""
        return self.framing.samples

    def encode_images(self, images: Tensor) -> Tensor | None:
        """Encode images for `spatialize`.

        Args:
            images: (B, N, 3, H, W), RGB in [0, 1].

        Returns:
            A tensor whose first axis is B; None if the model uses no images.
        """
        return images

    @property
    def time_dependent(self) -> bool:
        """Whether `encode_images_at` depends on the start of a window, so that equal images at two times differ."""
        return False

    def encode_images_at(self, images: Tensor, starts: Tensor) -> Tensor | None:
        """Encode images of windows whose start is known; used by inference.

        Args:
            images: (B, N, 3, H, W), RGB in [0, 1].
            starts: (B,), seconds from the start of the clip.

        Returns:
            As `encode_images`.
        """
        return self.encode_images(images)

    @property
    def trainable(self) -> bool:
        """Whether any parameter can be trained. A model without trainable parameters is used as it was built."""
        return any(parameter.requires_grad for parameter in self.parameters())

    @abstractmethod
    def spatialize(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """Predict stereo windows.

        Args:
            mixture: (B, T), at the training level.
            visual: Result of `encode_images`.

        Returns:
            (B, 2, T), left then right, at the same level.
        """

    @property
    def frame_step(self) -> int | None:
        """Samples of a step of `spatialize_along`; None for a spatializer that can only process single windows."""
        return None

    def spatialize_along(self, mixture: Tensor, visual: Tensor | None) -> Tensor:
        """Predict stereo of any length in one pass.

        A sample may depend on at most four steps on either side, so that long audio can be cut into overlapping chunks.

        Args:
            mixture: (B, S * frame_step), at the training level.
            visual: (B, S, ...), the features from `encode_images` for the images at each step's own time.

        Returns:
            (B, 2, S * frame_step), left then right.

        Raises:
            NotImplementedError: `frame_step` is None.
        """
        raise NotImplementedError(f"{type(self).__name__} can only process single windows")

    def loss_terms(self, batch: Batch, loss: str) -> dict[str, Tensor]:
        """Supervised loss terms; by default the distance between the samples of both channels.

        Args:
            batch: Training windows.
            loss: "l1" or "mse".

        Returns:
            Scalars by name.
        """
        stereo = self.spatialize(batch.mixture, self.encode_images(batch.images))
        distance = nn.functional.l1_loss if loss == "l1" else nn.functional.mse_loss
        return {"stereo": distance(stereo, batch.reference)}

    def visual_parameters(self) -> list[nn.Parameter]:
        """Parameters of the visual encoder, for trainers that give them a learning rate of their own.

        Returns:
            The parameters; an empty list if there are none.
        """
        return []

    def fusion_parameters(self) -> list[nn.Parameter]:
        """Parameters of a network that joins audio and images, if it is separate from the mask generator's decoder.

        Returns:
            The parameters; an empty list if there are none.
        """
        return []

    def published_names(self) -> Mapping[str, Mapping[str, str | None]]:
        """Names of the weights in the files that the method's authors publish.

        A part is one file, a plain torch state dict: "visual", "audio" or "fusion", each an option of `avspatial
        weights import`, which checks names, shapes and files.

        Returns:
            {part: {name in the part's file: name in `state_dict()`}}, None for a name in the file that nothing uses.
            Everything in `state_dict()` except `mixture_rms` must be named.
        """
        return {}

    def forward(self, mixture: Tensor, images: Tensor) -> Tensor:
        """Predict stereo windows at the level of the mixture.

        Args:
            mixture: (B, T), at any level.
            images: (B, N, 3, H, W), RGB in [0, 1].

        Returns:
            (B, 2, T), left then right, at that level.
        """
        scale = window_scale(mixture, None, "mixture", self.mixture_rms)
        return self.spatialize(mixture * scale, self.encode_images(images)) / scale[:, None]
