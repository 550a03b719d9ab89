"""Conformance checks of networks of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from avspatial.testing.checks.harness import Harness, Inputs, harness_for, state
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import NotApplicable, require

CLOSE = 1e-3
"""Largest difference, relative to the largest value, of results computed in another order."""
COARSE = 0.25
"""Largest relative difference (rms) of results computed in bfloat16."""


def construct(component: ComponentUnderTest) -> None:
    """It is built from its example settings."""
    harness_for(component).construct()


def shapes(component: ComponentUnderTest) -> None:
    """Outputs have the declared shapes, for an odd batch size and two input sizes."""
    harness_for(component).check_shapes()


def finite(component: ComponentUnderTest) -> None:
    """Silence, the loudest audio and constant input give finite outputs, losses and gradients."""
    harness = harness_for(component)
    for what, inputs in harness.extremes():
        module = harness.build()
        module.train()
        loss = harness.loss(module, inputs)
        require(loss.isfinite(), f"{what}: the loss is {loss.item()}")
        if _trainable(module):
            torch.autograd.backward(loss)
        for name, parameter in module.named_parameters():
            require(parameter.grad is None or parameter.grad.isfinite().all(), f"{what}: the gradient of {name}")
        for output in evaluate(harness, module, inputs):
            require(output.isfinite().all(), f"{what}: the output is not finite")


def learns(component: ComponentUnderTest) -> str:
    """Every parameter that is not frozen gets a gradient."""
    harness = harness_for(component)
    module = harness.build()
    trainable = _trainable(module)
    if not trainable:
        raise NotApplicable("it has no trainable parameters")
    reached: set[str] = set()
    for seed, training in ((1, False), (2, True)):
        module.zero_grad()
        torch.autograd.backward(harness.loss(module.train(training), harness.inputs(seed)))
        reached |= {name for name, parameter in module.named_parameters() if _has_gradient(parameter)}
    unreached = [name for name in trainable if name not in reached]
    names = f"{', '.join(unreached[:3])} ({len(unreached)} of {len(trainable)} parameters)"
    require(not unreached, f"no gradient ever reaches {names}")
    return f"{len(trainable)} parameters"


def _trainable(module: nn.Module) -> list[str]:
    """The names of the parameters that are not frozen; without any, a loss has no gradient."""
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


def _has_gradient(parameter: Tensor) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())


def sound_matters(component: ComponentUnderTest) -> None:
    """Different audio gives a different output."""
    harness = harness_for(component)
    require(_matters(harness, harness.audio_inputs), "the output does not depend on the audio")


def pictures_matter(component: ComponentUnderTest) -> None:
    """Different images give a different output."""
    harness = harness_for(component)
    if component.entry.kind == "spatializer" and uses_no_images(harness):
        raise NotApplicable("it uses no images (`encode_images` returns None)")
    require(_matters(harness, harness.image_inputs), "the output does not depend on the images")


def uses_no_images(harness: Harness) -> bool:
    """Whether a spatializer declares that it uses no images."""
    with torch.no_grad():
        return harness.build().encode_images(harness.inputs()["images"]) is None


def _matters(harness: Harness, names: Sequence[str]) -> bool:
    module = harness.build()
    before, other = harness.inputs(1), harness.inputs(2)
    after = {name: other[name] if name in names else value for name, value in before.items()}
    pairs = zip(evaluate(harness, module, before), evaluate(harness, module, after), strict=True)
    return any(not torch.equal(a, b) for a, b in pairs)


def deterministic(component: ComponentUnderTest) -> None:
    """In evaluation, the same input gives the same output, bit for bit."""
    harness = harness_for(component)
    module, inputs = harness.build(), harness.inputs()
    first, second = evaluate(harness, module, inputs), evaluate(harness, module, inputs)
    for a, b in zip(first, second, strict=True):
        require(torch.equal(a, b), f"two evaluations of one input differ by up to {_gap(a, b):g}")


def items_independent(component: ComponentUnderTest) -> None:
    """In evaluation, an item's output does not depend on the other items of its batch."""
    harness = harness_for(component)
    module, inputs = harness.build(), harness.inputs()
    together = evaluate(harness, module, inputs)
    alone = evaluate(harness, module, {name: value[1:2] for name, value in inputs.items()})
    for a, b in zip(together, alone, strict=True):
        require(_close(a[1:2], b), f"alone, an item's output differs by up to {_gap(a[1:2], b):g}")


def inputs_untouched(component: ComponentUnderTest) -> None:
    """It modifies none of its inputs, neither in training nor in evaluation."""
    harness = harness_for(component)
    module, inputs = harness.build(), harness.inputs()
    before = {name: value.clone() for name, value in inputs.items()}
    for training in (True, False):
        with torch.no_grad():
            harness.outputs(module.train(training), inputs)
            harness.loss(module, inputs)
        for name, value in inputs.items():
            require(torch.equal(value, before[name]), f"{name} was modified")


def state_survives(component: ComponentUnderTest) -> None:
    """A new network with the state that safetensors saved after a training pass gives the same outputs."""
    harness = harness_for(component)
    module, inputs = harness.build(), harness.inputs()
    with torch.no_grad():
        harness.loss(module.train(), harness.inputs(2))
    saved = safetensors.torch.save(state(module))
    again = harness.construct(seed=9)
    again.load_state_dict(safetensors.torch.load(saved))
    for a, b in zip(evaluate(harness, module, inputs), evaluate(harness, again, inputs), strict=True):
        require(torch.equal(a, b), f"after saving and loading, outputs differ by up to {_gap(a, b):g}")


def bfloat16(component: ComponentUnderTest) -> str:
    """Training runs under autocast to bfloat16, and evaluation gives nearly the same outputs."""
    harness = harness_for(component)
    module, inputs = harness.build(), harness.inputs()
    exact = evaluate(harness, module, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        # Two items suffice: a processor without bfloat16 arithmetic takes many times as long.
        loss = harness.loss(module.train(), {name: value[:2] for name, value in inputs.items()})
        if _trainable(module):
            torch.autograd.backward(loss)
    module = harness.build()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = evaluate(harness, module, inputs)
    error = max(_rms(a - b.float()) / max(_rms(a), 1e-12) for a, b in zip(exact, coarse, strict=True))
    require(error <= COARSE, f"in bfloat16 outputs differ by {error:.0%} (rms)")
    return f"outputs differ by {error:.2%} (rms)"


def seeded(component: ComponentUnderTest) -> None:
    """torch's seed determines the initial weights."""
    harness = harness_for(component)
    first, second = state(harness.construct(seed=3)), state(harness.construct(seed=3))
    for name, value in first.items():
        require(torch.equal(value, second[name]), f"{name} starts differently under the same seed")


def devices_agree(component: ComponentUnderTest) -> str:
    """GPU and CPU give the same outputs, within 1 %."""
    if not torch.cuda.is_available():
        raise NotApplicable("there is no GPU here")
    harness = harness_for(component)
    module, inputs = harness.build(), harness.inputs()
    here = evaluate(harness, module, inputs)
    there = evaluate(harness, module.to("cuda"), {name: value.to("cuda") for name, value in inputs.items()})
    error = max(_rms(a - b.cpu()) / max(_rms(a), 1e-12) for a, b in zip(here, there, strict=True))
    require(error <= 0.01, f"outputs differ by {error:.2%} (rms)")
    return f"outputs differ by {error:.2%} (rms)"


def evaluate(harness: Harness, module: Any, inputs: Inputs) -> list[Tensor]:
    """Detached copies of the outputs in evaluation."""
    with torch.no_grad():
        return [output.clone() for output in harness.outputs(module.eval(), inputs)]


def _gap(a: Tensor, b: Tensor) -> float:
    return float((a - b).abs().max())


def _close(a: Tensor, b: Tensor) -> bool:
    return _gap(a, b) <= CLOSE * float(a.abs().max())


def _rms(x: Tensor) -> float:
    return float(x.float().square().mean().sqrt())


COMMON = (
    deterministic,
    items_independent,
    inputs_untouched,
    state_survives,
    bfloat16,
    seeded,
    devices_agree,
)
_START = (construct, shapes, finite, learns)
CHECKS = {
    "visual_encoder": (*_START, pictures_matter, *COMMON),
    "audio_encoder": (*_START, sound_matters, *COMMON),
    "mask_generator": (*_START, sound_matters, pictures_matter, *COMMON),
    "discriminator": (*_START, sound_matters, pictures_matter, *COMMON),
}
