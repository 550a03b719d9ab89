"""A network on the bench: how the checks feed it, what it gives back, and what it declares about that."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from avspatial.errors import AvspatialError
from avspatial.interfaces import Batch, FeatureLevel, FeatureShape
from avspatial.signal import stereo
from avspatial.testing.component import PICTURES, ComponentUnderTest
from avspatial.testing.results import require

BATCH = 3
"""Odd, so that nothing passes that pairs the items of a batch."""
LEVELS = tuple(FeatureLevel(channels, 2 ** (depth + 1)) for depth, channels in enumerate((4, 8, 8, 16, 16)))
"""What mask generators are given: five halvings, as U-Nets make them."""
VISUALS = (FeatureShape(16, 2, 2, 3), FeatureShape(16, 2, 3, 5))
"""The visual features, of two sizes of pictures, that mask generators and discriminators are built for and given."""

Inputs = dict[str, Tensor]


class Harness(ABC):
    """One kind of network. `sound` and `pictures` name those inputs that stand for either."""

    sound: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()

    def __init__(self, component: ComponentUnderTest) -> None:
        self.component = component
        self.framing = component.framing

    def build(self, seed: int = 0) -> Any:
        """The network. Parameters that start at zero are moved: they would hide whatever is behind them."""
        module = self.construct(seed)
        with torch.no_grad():
            for parameter in module.parameters():
                if parameter.is_floating_point() and not parameter.any():
                    parameter.normal_(0, 0.02)
        return module

    def construct(self, seed: int = 0) -> Any:
        """The network as its author starts it."""
        return self.component.build(seed)

    @abstractmethod
    def inputs(self, seed: int = 1) -> Inputs:
        """Random inputs, `BATCH` items each."""

    @abstractmethod
    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        """All that the network gives for the inputs, first axis the batch."""

    @abstractmethod
    def check_shapes(self) -> None:
        """`CheckFailed` unless the shapes are the declared ones."""

    def loss(self, module: Any, inputs: Inputs) -> Tensor:
        """A scalar of which every output has a share."""
        generator = torch.Generator().manual_seed(5)
        return torch.stack(
            [(out.float() * torch.randn(out.shape, generator=generator)).mean() for out in self.outputs(module, inputs)]
        ).sum()

    def extremes(self) -> Iterator[tuple[str, Inputs]]:
        """Silence and black, the loudest sound and white, and one constant everywhere."""
        plain = self.inputs()
        yield "silence", {name: torch.zeros_like(value) for name, value in plain.items()}
        yield "loud sound", {name: self._loud(name, value) for name, value in plain.items()}
        yield "constant input", {name: torch.full_like(value, 0.5) for name, value in plain.items()}

    def _loud(self, name: str, value: Tensor) -> Tensor:
        if name == "images":
            return torch.ones_like(value)
        # a mixture is at most 2, and the bins of its spectrogram at most that times the window's sum
        return value.sign() * (2.0 if name == "mixture" and value.ndim == 2 else self.framing.stft.window)

    def spectrogram(self, generator: torch.Generator, stretch: int = 1, planes: int = 2) -> Tensor:
        """A random spectrogram (B, planes, F, M * stretch) of about the size that training sees."""
        return 2 * torch.randn(
            BATCH, planes, self.framing.bins, self.framing.stft_frames * stretch, generator=generator
        )

    def images(self, generator: torch.Generator, size: tuple[int, int]) -> Tensor:
        return torch.rand(BATCH, self.framing.window.pictures, 3, *size, generator=generator)


def same_shape(what: str, found: Tensor, declared: Sequence[int]) -> None:
    require(tuple(found.shape) == tuple(declared), f"{what} is {tuple(found.shape)}, declared {tuple(declared)}")


class VisualEncoderHarness(Harness):
    """Visual encoders."""

    pictures = ("images",)

    def inputs(self, seed: int = 1) -> Inputs:
        return {"images": self.images(torch.Generator().manual_seed(seed), PICTURES[0])}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        return [module(inputs["images"])]

    def check_shapes(self) -> None:
        module = self.build()
        for size in PICTURES:
            images = self.images(torch.Generator().manual_seed(1), size)
            shape = module.shape(images.shape[1], *size)
            declared = (BATCH, shape.channels, shape.images, shape.height, shape.width)
            same_shape(f"the feature map of {size[0]} x {size[1]} pictures", module(images), declared)


class AudioEncoderHarness(Harness):
    """Audio encoders."""

    sound = ("spectrogram",)

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
            for number, (found, level) in enumerate(zip(maps, module.levels, strict=True)):
                declared = (BATCH, level.channels, bins // level.reduction, frames // level.reduction)
                same_shape(f"level {number}", found, declared)


class _VisualInputHarness(Harness):
    """What mask generators and discriminators share: visual features come in, or there are none."""

    pictures = ("visual",)

    def without_pictures(self) -> Any:
        """The network for a model without pictures; None where it refuses to be built so, as it may."""
        try:
            return self._construct(None)
        except AvspatialError:
            return None

    def construct(self, seed: int = 0) -> Any:
        return self._construct(VISUALS[0], seed)

    def designs(self) -> Iterator[tuple[Any, FeatureShape | None]]:
        """The network as built for each size of pictures, and for none where it can be."""
        for visual in VISUALS:
            yield self._construct(visual), visual
        blind = self.without_pictures()
        if blind is not None:
            yield blind, None

    @abstractmethod
    def _construct(self, visual: FeatureShape | None, seed: int = 0) -> Any: ...

    def visual(self, generator: torch.Generator, shape: FeatureShape = VISUALS[0]) -> Tensor:
        size = (BATCH, shape.channels, shape.images, shape.height, shape.width)
        return torch.randn(size, generator=generator)


class MaskGeneratorHarness(_VisualInputHarness):
    """Mask generators."""

    sound = tuple(f"map{number}" for number in range(len(LEVELS)))

    def _construct(self, visual: FeatureShape | None, seed: int = 0) -> Any:
        return self.component.build(seed, levels=LEVELS, visual=visual)

    def inputs(self, seed: int = 1) -> Inputs:
        return self._inputs(seed, 1, VISUALS[0])

    def _inputs(self, seed: int, stretch: int, visual: FeatureShape | None) -> Inputs:
        generator = torch.Generator().manual_seed(seed)
        mixture = self.spectrogram(generator, stretch)
        bins, frames = mixture.shape[-2:]
        maps = [
            torch.randn(BATCH, level.channels, bins // level.reduction, frames // level.reduction, generator=generator)
            for level in LEVELS
        ]
        seen = {} if visual is None else {"visual": self.visual(generator, visual)}
        return {**dict(zip(self.sound, maps, strict=True)), **seen, "mixture": mixture}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        masks = module([inputs[name] for name in self.sound], inputs.get("visual"), inputs["mixture"])
        return [mask for mask in (masks.difference, masks.left, masks.right) if mask is not None]

    def check_shapes(self) -> None:
        for module, visual in self.designs():
            for stretch in (1, 2):
                inputs = self._inputs(1, stretch, visual)
                for mask in self.outputs(module, inputs):
                    same_shape("a mask", mask, inputs["mixture"].shape)


class DiscriminatorHarness(_VisualInputHarness):
    """Discriminators."""

    sound = ("difference",)

    def _construct(self, visual: FeatureShape | None, seed: int = 0) -> Any:
        return self.component.build(seed, visual=visual)

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
            for what, found in (("logits", judgement.logits), *(("a feature map", map) for map in judgement.features)):
                require(found.ndim > 0 and len(found) == BATCH, f"{what} {tuple(found.shape)} for {BATCH} items")


class SpatializerHarness(Harness):
    """Spatializers: as `forward` in use, through their `terms` in learning."""

    sound = ("mixture",)
    pictures = ("images",)

    def construct(self, seed: int = 0, size: tuple[int, int] | None = None) -> Any:
        window = self.framing.window.model_copy(update={"picture": size or self.framing.window.picture})
        framing = self.framing.model_copy(update={"window": window})
        return self.component.build(seed, framing=framing, builder=self.component.registry)

    def inputs(self, seed: int = 1) -> Inputs:
        return self._inputs(seed, self.framing.window.picture)

    def _inputs(self, seed: int, size: tuple[int, int]) -> Inputs:
        generator = torch.Generator().manual_seed(seed)
        mixture = 0.2 * torch.randn(BATCH, self.framing.samples, generator=generator)
        return {"mixture": mixture, "images": self.images(generator, size)}

    def outputs(self, module: Any, inputs: Inputs) -> list[Tensor]:
        made = module(inputs["mixture"], inputs["images"])
        # the difference besides: in an untrained model's stereo it is small beside the mixture
        return [made, stereo.difference(made)]

    def loss(self, module: Any, inputs: Inputs) -> Tensor:
        terms = module.loss_terms(training_batch(inputs), "l1")
        return torch.stack(list(terms.values())).sum()

    def check_shapes(self) -> None:
        for size in PICTURES:
            module, inputs = self.construct(size=size), self._inputs(1, size)
            mixture = inputs["mixture"]
            same_shape("the stereo", module(mixture, inputs["images"]), (BATCH, 2, mixture.shape[-1]))
        require(0 < module.valid_samples <= module.framing.samples, f"covered is {module.valid_samples}")


def training_batch(inputs: Inputs, seed: int = 7) -> Batch:
    """Training windows with that mixture and those pictures, and a random difference."""
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
    """A copy of all that the module would save."""
    return {name: value.detach().clone().contiguous() for name, value in module.state_dict().items()}
