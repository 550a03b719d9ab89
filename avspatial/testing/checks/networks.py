"""What every network must do, of whatever kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from avspatial.testing.checks.harness import Bench, Inputs, bench, state
from avspatial.testing.component import Subject
from avspatial.testing.results import Inapplicable, require

CLOSE = 1e-3
"""By this much of their largest value numbers may differ that are computed in another order."""
COARSE = 0.25
"""By this much of their size (rms) numbers may differ that are computed in bfloat16."""


def construct(subject: Subject) -> None:
    """It is built from its example settings."""
    bench(subject).construct()


def shapes(subject: Subject) -> None:
    """Outputs have the declared shapes, for an odd batch and two sizes of input."""
    bench(subject).check_shapes()


def finite(subject: Subject) -> None:
    """Silence, the loudest sound and constant input give finite outputs, losses and gradients."""
    table = bench(subject)
    for what, inputs in table.extremes():
        module = table.build()
        module.train()
        loss = table.loss(module, inputs)
        require(loss.isfinite(), f"{what}: the loss is {loss.item()}")
        if _learning(module):
            loss.backward()
        for name, parameter in module.named_parameters():
            require(parameter.grad is None or parameter.grad.isfinite().all(), f"{what}: the gradient of {name}")
        for output in evaluate(table, module, inputs):
            require(output.isfinite().all(), f"{what}: the output is not finite")


def learns(subject: Subject) -> str:
    """Every parameter that is not frozen has a share in the loss."""
    table = bench(subject)
    module = table.build()
    learning = _learning(module)
    if not learning:
        raise Inapplicable("it has no parameters that learn")
    table.loss(module.eval(), table.inputs()).backward()
    moved = {name for name, parameter in module.named_parameters() if _pulled(parameter)}
    module.zero_grad()
    table.loss(module.train(), table.inputs(2)).backward()
    moved |= {name for name, parameter in module.named_parameters() if _pulled(parameter)}
    idle = [name for name in learning if name not in moved]
    require(not idle, f"no gradient ever reaches {', '.join(idle[:3])} ({len(idle)} of {len(learning)} parameters)")
    return f"{len(learning)} parameters"


def _learning(module: nn.Module) -> list[str]:
    """The names of the parameters that are not frozen; without any, a loss has no gradient."""
    return [name for name, parameter in module.named_parameters() if parameter.requires_grad]


def _pulled(parameter: Tensor) -> bool:
    return parameter.grad is not None and bool(parameter.grad.any())


def sound_matters(subject: Subject) -> None:
    """Other sound, other output."""
    table = bench(subject)
    require(_matters(table, table.sound), "the output is the same whatever the sound")


def pictures_matter(subject: Subject) -> None:
    """Other pictures, other output."""
    table = bench(subject)
    if subject.entry.kind == "spatializer" and looks_at_nothing(table):
        raise Inapplicable("it looks at no pictures (`encode_images` gives None)")
    require(_matters(table, table.pictures), "the output is the same whatever the pictures")


def looks_at_nothing(table: Bench) -> bool:
    """Whether a spatializer says that it needs no pictures."""
    with torch.no_grad():
        return table.build().encode_images(table.inputs()["images"]) is None


def _matters(table: Bench, names: Sequence[str]) -> bool:
    module = table.build()
    before, other = table.inputs(1), table.inputs(2)
    after = {name: other[name] if name in names else value for name, value in before.items()}
    pairs = zip(evaluate(table, module, before), evaluate(table, module, after), strict=True)
    return any(not torch.equal(a, b) for a, b in pairs)


def deterministic(subject: Subject) -> None:
    """In evaluation, the same input gives the same output, to the bit."""
    table = bench(subject)
    module, inputs = table.build(), table.inputs()
    first, second = evaluate(table, module, inputs), evaluate(table, module, inputs)
    for a, b in zip(first, second, strict=True):
        require(torch.equal(a, b), f"two evaluations of one input differ by up to {_gap(a, b):g}")


def items_independent(subject: Subject) -> None:
    """In evaluation, an item's output does not depend on the other items of its batch."""
    table = bench(subject)
    module, inputs = table.build(), table.inputs()
    together = evaluate(table, module, inputs)
    alone = evaluate(table, module, {name: value[1:2] for name, value in inputs.items()})
    for a, b in zip(together, alone, strict=True):
        require(_close(a[1:2], b), f"alone, an item's output differs by up to {_gap(a[1:2], b):g}")


def inputs_untouched(subject: Subject) -> None:
    """It writes into none of its inputs, neither in training nor in evaluation."""
    table = bench(subject)
    module, inputs = table.build(), table.inputs()
    before = {name: value.clone() for name, value in inputs.items()}
    for training in (True, False):
        with torch.no_grad():
            table.outputs(module.train(training), inputs)
            table.loss(module, inputs)
        for name, value in inputs.items():
            require(torch.equal(value, before[name]), f"{name} was written into")


def state_survives(subject: Subject) -> None:
    """What safetensors saves after a training pass is all there is: loaded into a new one, it evaluates alike."""
    table = bench(subject)
    module, inputs = table.build(), table.inputs()
    with torch.no_grad():
        table.loss(module.train(), table.inputs(2))
    saved = safetensors.torch.save(state(module))
    again = table.construct(seed=9)
    again.load_state_dict(safetensors.torch.load(saved))
    for a, b in zip(evaluate(table, module, inputs), evaluate(table, again, inputs), strict=True):
        require(torch.equal(a, b), f"after saving and loading, outputs differ by up to {_gap(a, b):g}")


def bfloat16(subject: Subject) -> str:
    """Autocast to bfloat16 trains, and evaluates to nearly the same."""
    table = bench(subject)
    module, inputs = table.build(), table.inputs()
    exact = evaluate(table, module, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        # Two items will do: without such arithmetic in the processor it takes many times as long.
        loss = table.loss(module.train(), {name: value[:2] for name, value in inputs.items()})
        if _learning(module):
            loss.backward()
    module = table.build()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        coarse = evaluate(table, module, inputs)
    error = max(_rms(a - b.float()) / max(_rms(a), 1e-12) for a, b in zip(exact, coarse, strict=True))
    require(error <= COARSE, f"in bfloat16 outputs differ by {error:.0%} (rms)")
    return f"outputs differ by {error:.2%} (rms)"


def seeded(subject: Subject) -> None:
    """torch's seed fixes how the weights start."""
    table = bench(subject)
    first, second = state(table.construct(seed=3)), state(table.construct(seed=3))
    for name, value in first.items():
        require(torch.equal(value, second[name]), f"{name} starts differently under the same seed")


def devices_agree(subject: Subject) -> str:
    """The GPU gives what the CPU gives."""
    if not torch.cuda.is_available():
        raise Inapplicable("there is no GPU here")
    table = bench(subject)
    module, inputs = table.build(), table.inputs()
    here = evaluate(table, module, inputs)
    there = evaluate(table, module.to("cuda"), {name: value.to("cuda") for name, value in inputs.items()})
    error = max(_rms(a - b.cpu()) / max(_rms(a), 1e-12) for a, b in zip(here, there, strict=True))
    require(error <= 0.01, f"outputs differ by {error:.2%} (rms)")
    return f"outputs differ by {error:.2%} (rms)"


def evaluate(table: Bench, module: Any, inputs: Inputs) -> list[Tensor]:
    """The outputs in evaluation, detached copies."""
    with torch.no_grad():
        return [output.clone() for output in table.outputs(module.eval(), inputs)]


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
