"""What a spatializer must do, beyond what every network must."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from avspatial.inference.overlap_add import VisualCondition, spatialize
from avspatial.recipe.schema import Inference
from avspatial.signal import stereo
from avspatial.testing.checks.harness import SpatializerHarness, training_batch
from avspatial.testing.checks.networks import (
    COMMON,
    construct,
    evaluate,
    finite,
    learns,
    looks_at_nothing,
    pictures_matter,
    shapes,
    sound_matters,
)
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import NotApplicable, require

LENGTHS = (1, 159, 160_086)
"""One sample; less than a window and no whole hop; ten seconds and a bit, as FAIR-Play's clips have."""
VIEWS: tuple[VisualCondition, ...] = ("normal", "mirrored", "blank")
SIDES = 0.02
"""Mirrored pictures change at least this share of what black ones change; what is less is rounding."""
SUM_ERROR = 1e-4
"""By this much of its peak may left + right differ from the mixture."""


def lengths_kept(component: ComponentUnderTest) -> None:
    """A clip of any length comes out as long as it went in."""
    module = SpatializerHarness(component).build()
    for length in LENGTHS:
        made = _walk(module, _sound(length))
        require(made.shape == (2, length), f"{length} samples became {tuple(made.shape)}")
        require(made.isfinite().all(), f"{length} samples: the output is not finite")


def truth_unseen(component: ComponentUnderTest) -> None:
    """What comes out hangs on the mixture alone: neither the clip's own stereo nor that of a lesson shows in it."""
    harness = SpatializerHarness(component)
    module, inputs = harness.build(), harness.inputs()
    outputs = []
    for seed in (7, 8):
        with torch.no_grad():
            module.eval().loss_terms(training_batch(inputs, seed), "l1")
        outputs.append(evaluate(harness, module, inputs)[0])
    require(torch.equal(*outputs), "the true stereo of the last lesson shows in the output")
    sound = _sound(module.framing.samples)
    gap = (_walk(module, sound) - _walk(module, sound.flip(0))).abs().max()
    require(gap <= SUM_ERROR, f"with the ears of the input exchanged the output differs by up to {gap:g}")


def sides_seen(component: ComponentUnderTest) -> str:
    """Mirrored pictures change the output: a model that cannot tell left from right has nothing to learn from."""
    harness = SpatializerHarness(component)
    if looks_at_nothing(harness):
        raise NotApplicable("it looks at no pictures (`encode_images` gives None)")
    module, sound = harness.build(), _sound(harness.framing.samples)
    seen, mirrored, blank = (stereo.difference(_walk(module, sound, view)) for view in VIEWS)
    share = float((seen - mirrored).norm() / (seen - blank).norm().clamp_min(1e-20))
    require(share >= SIDES, f"mirrored pictures change the sound by {share:.1g} of what black ones do")
    return f"untrained, mirrored pictures change the sound by {share:.2g} of what black ones do"


def mixture_kept(component: ComponentUnderTest) -> None:
    """left + right is the mixture, where `preserves_mixture` says so."""
    harness = SpatializerHarness(component)
    module, inputs = harness.build(), harness.inputs()
    if not module.preserves_mixture:
        raise NotApplicable("`preserves_mixture` is not declared")
    mixture = inputs["mixture"]
    error = (stereo.mixture(evaluate(harness, module, inputs)[0]) - mixture).abs().max() / mixture.abs().max()
    require(error <= SUM_ERROR, f"left + right differs from the mixture by {error:.2g} of its peak")


def _sound(samples: int) -> Tensor:
    """Stereo noise (2, T), louder on the left."""
    noise = torch.randn(2, samples, generator=torch.Generator().manual_seed(1))
    return noise * torch.tensor([[0.2], [0.1]])


def _walk(module: Any, sound: Tensor, condition: VisualCondition = "normal") -> Tensor:
    """A whole clip through the sliding windows of inference: stereo (2, T)."""
    window = module.framing.window
    count = max(1, math.ceil(sound.shape[-1] / window.rate * window.fps))
    generator = torch.Generator().manual_seed(2)
    pictures = torch.randint(0, 256, (count, *window.picture, 3), dtype=torch.uint8, generator=generator)
    return spatialize(module, sound, pictures, Inference(hop=window.seconds, batch_size=4), condition=condition)


CHECKS = {
    "spatializer": (
        construct,
        shapes,
        finite,
        learns,
        sound_matters,
        pictures_matter,
        *COMMON,
        lengths_kept,
        truth_unseen,
        sides_seen,
        mixture_kept,
    )
}
