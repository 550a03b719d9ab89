"""Conformance checks of spatializers, in addition to those of every network."""

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
    pictures_matter,
    shapes,
    sound_matters,
    uses_no_images,
)
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import NotApplicable, require

LENGTHS = (1, 159, 160_086)
"""In samples: one; less than a hop; slightly more than ten seconds, as FAIR-Play's clips."""
CONDITIONS: tuple[VisualCondition, ...] = ("normal", "mirrored", "blank")
SIDES = 0.02
"""Mirrored images change at least this share of what black images change; less is rounding."""
SUM_ERROR = 1e-4
"""Largest difference of left + right from the mixture, relative to its peak."""


def lengths_kept(component: ComponentUnderTest) -> None:
    """The output of a clip of any length has the length of the clip."""
    module = SpatializerHarness(component).build()
    for length in LENGTHS:
        output = _inferred(module, _audio(length))
        require(output.shape == (2, length), f"{length} samples became {tuple(output.shape)}")
        require(output.isfinite().all(), f"{length} samples: the output is not finite")


def truth_unseen(component: ComponentUnderTest) -> None:
    """The output depends only on the mixture, not on the reference stereo or the training target."""
    harness = SpatializerHarness(component)
    module, inputs = harness.build(), harness.inputs()
    outputs = []
    for seed in (7, 8):
        with torch.no_grad():
            module.eval().loss_terms(training_batch(inputs, seed), "l1")
        outputs.append(evaluate(harness, module, inputs)[0])
    require(torch.equal(*outputs), "the output depends on the reference of the last training batch")
    audio = _audio(module.framing.samples)
    gap = (_inferred(module, audio) - _inferred(module, audio.flip(0))).abs().max()
    require(gap <= SUM_ERROR, f"with the input's channels exchanged the output differs by up to {gap:g}")


def sides_seen(component: ComponentUnderTest) -> str:
    """Mirrored images change the output: without a left and a right there is nothing to learn."""
    harness = SpatializerHarness(component)
    if uses_no_images(harness):
        raise NotApplicable("it uses no images (`encode_images` returns None)")
    module, audio = harness.build(), _audio(harness.framing.samples)
    normal, mirrored, blank = (stereo.difference(_inferred(module, audio, condition)) for condition in CONDITIONS)
    share = float((normal - mirrored).norm() / (normal - blank).norm().clamp_min(1e-20))
    require(share >= SIDES, f"mirrored images change the audio by {share:.1g} of what black images change")
    return f"untrained, mirrored images change the audio by {share:.2g} of what black images change"


def mixture_kept(component: ComponentUnderTest) -> None:
    """left + right is the mixture, if `preserves_mixture` is declared."""
    harness = SpatializerHarness(component)
    module, inputs = harness.build(), harness.inputs()
    if not module.preserves_mixture:
        raise NotApplicable("`preserves_mixture` is not declared")
    mixture = inputs["mixture"]
    error = (stereo.mixture(evaluate(harness, module, inputs)[0]) - mixture).abs().max() / mixture.abs().max()
    require(error <= SUM_ERROR, f"left + right differs from the mixture by {error:.2g} of its peak")


def _audio(samples: int) -> Tensor:
    """Stereo noise (2, T), louder on the left."""
    noise = torch.randn(2, samples, generator=torch.Generator().manual_seed(1))
    return noise * torch.tensor([[0.2], [0.1]])


def _inferred(module: Any, audio: Tensor, condition: VisualCondition = "normal") -> Tensor:
    """Stereo (2, T) of an entire clip, by overlap-add inference."""
    window = module.framing.window
    count = max(1, math.ceil(audio.shape[-1] / window.rate * window.fps))
    generator = torch.Generator().manual_seed(2)
    images = torch.randint(0, 256, (count, *window.picture, 3), dtype=torch.uint8, generator=generator)
    return spatialize(module, audio, images, Inference(hop=window.seconds, batch_size=4), condition=condition)


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
