"""Test harness of a network: example inputs, outputs and declared shapes, one class for each kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from avspatial.errors import AvspatialError
from avspatial.interfaces import Batch, FeatureLevel, FeatureShape
from avspatial.signal import stereo
from avspatial.testing.component import IMAGE_SIZES, ComponentUnderTest
from avspatial.testing.results import require

BATCH = 3
"""Odd, so that a network that pairs the items of a batch fails."""
LEVELS = tuple(FeatureLevel(channels, 2 ** (depth + 1)) for depth, channels in enumerate((4, 8, 8, 16, 16)))
"""Levels of feature maps for mask generators: five halvings, as in a U-Net."""
VISUALS = (FeatureShape(16, 2, 2, 3), FeatureShape(16, 2, 3, 5))
"""Visual features of two image sizes, for mask generators and discriminators."""

Inputs = dict[str, Tensor]


class Harness(ABC):
    """Harness of one kind of network; `audio_inputs` and `image_inputs` name its inputs of either kind."""

    audio_inputs: tuple[str, ...] = ()
    image_inputs: tuple[str, ...] = ()

    def __init__(self, component: ComponentUnderTest) -> None:
        self.component = component
        self.framing = component.framing

    def build(self, seed: int = 0) -> Any:
        """Construct the network; parameters that start at zero become random: they would hide the layers behind."""
        module = self.construct(seed)
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.is_floating_point() and not parameter.any():
                    parameter.normal_(0, 0.02)
        return module

    def construct(self, seed: int = 0) -> Any:
        """Construct the network with its own initialisation."""
        return self.component.build(seed)

    @abstractmethod
    def inputs(self, seed: int = 1) -> Inputs:
        """Random inputs, `BATCH` items each."""

    @abstractmethod
    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        """All outputs of the network for the inputs; the first axis is the batch."""

    @abstractmethod
    def check_shapes(self) -> None:
        """Raise `CheckFailed` unless the outputs have the declared shapes."""

    def loss(self, module: Any, inputs: Inputs) -> Tensor:
        """A scalar that depends on every output."""
        generator = torch.Generator().manual_seed(5)
        return torch.stack(
            [(out.float() * torch.randn(out.shape, generator=generator)).mean() for out in self.outputs(module, inputs)]
        ).sum()

    def extremes(self) -> Iterator[tuple[str, Inputs]]:
        """Silence with black images, the loudest audio with white images, and a constant."""
        inputs = self.inputs()
        yield "silence", {name: torch.zeros_like(value) for name, value in inputs.items()}
        yield "loud audio", {name: self._loud(name, value) for name, value in inputs.items()}
        yield "constant input", {name: torch.full_like(value, 0.5) for name, value in inputs.items()}

    def _loud(self, name: str, value: Tensor) -> Tensor:
        if name == "images":
            return torch.ones_like(value)
        # a mixture is at most 2, and the bins of its spectrogram at most that times the window's sum
        return value.sign() * (2.0 if name == "mixture" and value.ndim == 2 else self.framing.stft.window)

    def spectrogram(self, generator: torch.Generator, stretch: int = 1, planes: int = 2) -> Tensor:
        """A random spectrogram (B, planes, F, M * stretch), about as loud as in training."""
        return 2 * torch.randn(
            BATCH, planes, self.framing.bins, self.framing.stft_frames * stretch, generator=generator
        )

    def images(self, generator: torch.Generator, size: tuple[int, int]) -> Tensor:
        return torch.rand(BATCH, self.framing.window.pictures, 3, *size, generator=generator)


def require_shape(what: str, output: Tensor, declared: Sequence[int]) -> None:
    require(tuple(output.shape) == tuple(declared), f"{what} is {tuple(output.shape)}, declared {tuple(declared)}")


class VisualEncoderHarness(Harness):
    """Visual encoders."""

    image_inputs = ("images",)

    def inputs(self, seed: int = 1) -> Inputs:
        return {"images": self.images(torch.Generator().manual_seed(seed), IMAGE_SIZES[0])}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        return [module(inputs["images"])]

    def check_shapes(self) -> None:
        module = self.build()
        for size in IMAGE_SIZES:
            images = self.images(torch.Generator().manual_seed(1), size)
            shape = module.shape(images.shape[1], *size)
            declared = (BATCH, shape.channels, shape.images, shape.height, shape.width)
            require_shape(f"the feature map of {size[0]} x {size[1]} images", module(images), declared)


class AudioEncoderHarness(Harness):
    """Audio encoders."""

    audio_inputs = ("spectrogram",)

    @cached_property
    def planes(self) -> int:
        return int(self.construct().planes)

    def inputs(self, seed: int = 1) -> Inputs:
        return {"spectrogram": self.spectrogram(torch.Generator().manual_seed(seed), planes=self.planes)}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        return list(module(inputs["spectrogram"]))

    def check_shapes(self) -> None:
        module = self.build()
        for stretch in (1, 2):
            spectrogram = self.spectrogram(torch.Generator().manual_seed(1), stretch, self.planes)
            bins, frames = spectrogram.shape[-2:]
            maps = module(spectrogram)
            require(len(maps) == len(module.levels), f"{len(maps)} maps, {len(module.levels)} levels declared")
            for number, (feature_map, level) in enumerate(zip(maps, module.levels, strict=True)):
                declared = (BATCH, level.channels, bins // level.reduction, frames // level.reduction)
                require_shape(f"level {number}", feature_map, declared)


class _VisualInputHarness(Harness):
    """Base of the harnesses of networks with optional visual features as input."""

    image_inputs = ("visual",)

    def construct(self, seed: int = 0, visual: FeatureShape | None = VISUALS[0]) -> Any:
        return self.component.build(seed, visual=visual)

    def designs(self) -> Iterator[tuple[Any, FeatureShape | None]]:
        """The network as built for each image size, and for no images unless it refuses to be built so, as it may."""
        for visual in VISUALS:
            yield self.construct(visual=visual), visual
        with suppress(AvspatialError):
            yield self.construct(visual=None), None

    def visual(self, generator: torch.Generator, shape: FeatureShape = VISUALS[0]) -> Tensor:
        size = (BATCH, shape.channels, shape.images, shape.height, shape.width)
        return torch.randn(size, generator=generator)


class MaskGeneratorHarness(_VisualInputHarness):
    """Mask generators."""

    audio_inputs = tuple(f"map{number}" for number in range(len(LEVELS)))

    def construct(self, seed: int = 0, visual: FeatureShape | None = VISUALS[0]) -> Any:
        return self.component.build(seed, levels=LEVELS, visual=visual)

    def inputs(self, seed: int = 1, stretch: int = 1, visual: FeatureShape | None = VISUALS[0]) -> Inputs:
        generator = torch.Generator().manual_seed(seed)
        mixture = self.spectrogram(generator, stretch)
        bins, frames = mixture.shape[-2:]
        maps = [
            torch.randn(BATCH, level.channels, bins // level.reduction, frames // level.reduction, generator=generator)
            for level in LEVELS
        ]
        features = {} if visual is None else {"visual": self.visual(generator, visual)}
        return {**dict(zip(self.audio_inputs, maps, strict=True)), **features, "mixture": mixture}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        masks = module([inputs[name] for name in self.audio_inputs], inputs.get("visual"), inputs["mixture"])
        return [mask for mask in (masks.difference, masks.left, masks.right) if mask is not None]

    def check_shapes(self) -> None:
        for module, visual in self.designs():
            for stretch in (1, 2):
                inputs = self.inputs(1, stretch, visual)
                for mask in self.outputs(module, inputs):
                    require_shape("a mask", mask, inputs["mixture"].shape)


class DiscriminatorHarness(_VisualInputHarness):
    """Discriminators."""

    audio_inputs = ("difference",)

    def inputs(self, seed: int = 1) -> Inputs:
        generator = torch.Generator().manual_seed(seed)
        return {"difference": self.spectrogram(generator), "visual": self.visual(generator)}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        return [module(inputs["difference"], inputs.get("visual")).logits]

    def check_shapes(self) -> None:
        generator = torch.Generator().manual_seed(1)
        difference = self.spectrogram(generator)
        for module, shape in self.designs():
            judgement = module(difference, None if shape is None else self.visual(generator, shape))
            for what, output in (
                ("logits", judgement.logits),
                *(("a feature map", features) for features in judgement.features),
            ):
                require(output.ndim > 0 and len(output) == BATCH, f"{what} {tuple(output.shape)} for {BATCH} items")


class SpatializerHarness(Harness):
    """Spatializers: `forward` for the outputs, `loss_terms` for the loss."""

    audio_inputs = ("mixture",)
    image_inputs = ("images",)

    def construct(self, seed: int = 0, size: tuple[int, int] | None = None) -> Any:
        window = self.framing.window.model_copy(update={"picture": size or self.framing.window.picture})
        framing = self.framing.model_copy(update={"window": window})
        return self.component.build(seed, framing=framing, builder=self.component.registry)

    def inputs(self, seed: int = 1, size: tuple[int, int] | None = None) -> Inputs:
        generator = torch.Generator().manual_seed(seed)
        mixture = 0.2 * torch.randn(BATCH, self.framing.samples, generator=generator)
        return {"mixture": mixture, "images": self.images(generator, size or self.framing.window.picture)}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        output = module(inputs["mixture"], inputs["images"])
        # also the difference: in an untrained model's stereo it is small compared with the mixture
        return [output, stereo.difference(output)]

    def loss(self, module: Any, inputs: Inputs) -> Tensor:
        terms = module.loss_terms(training_batch(inputs), "l1")
        return torch.stack(list(terms.values())).sum()

    def check_shapes(self) -> None:
        for size in IMAGE_SIZES:
            module, inputs = self.construct(size=size), self.inputs(1, size)
            mixture = inputs["mixture"]
            require_shape("the stereo", module(mixture, inputs["images"]), (BATCH, 2, mixture.shape[-1]))
        require(0 < module.valid_samples <= module.framing.samples, f"valid_samples is {module.valid_samples}")


def training_batch(inputs: Inputs, seed: int = 7) -> Batch:
    """A batch of the given mixture and images, with a random difference as reference."""
    mixture = inputs["mixture"]
    difference = 0.5 * mixture * torch.rand(len(mixture), 1, generator=torch.Generator().manual_seed(seed))
    return Batch(mixture, stereo.stereo(mixture, difference), inputs["images"])


HARNESSES: dict[str, type[Harness]] = {
    "visual_encoder": VisualEncoderHarness,
    "audio_encoder": AudioEncoderHarness,
    "mask_generator": MaskGeneratorHarness,
    "discriminator": DiscriminatorHarness,
    "spatializer": SpatializerHarness,
}


def harness_for(component: ComponentUnderTest) -> Harness:
    return HARNESSES[component.entry.kind](component)


def state(module: nn.Module) -> dict[str, Tensor]:
    """A copy of the state that the module saves."""
    return {name: value.detach().clone().contiguous() for name, value in module.state_dict().items()}
