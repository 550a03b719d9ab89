"""Test signals for metric cards: four simulated scenes with known angles and their distorted versions.

The scenes do not depend on a recipe: a static source on either side, one that moves from left to right, and two at
once. Each gets every distortion of `evaluation.cards.distortions`, and is rendered with all its sources turned by 5 to
40 degrees to the left: away from the middle for sources on the left, across it for the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from avspatial.data.simulated.assets import load_assets
from avspatial.data.simulated.render import RATE, RenderContext, render_audio
from avspatial.data.simulated.scene import Scene, SceneObject, Trajectory
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.evaluation.cards.distortions import DISTORTIONS
from avspatial.interfaces import Convention, Progress, Truth
from avspatial.metrics.conventions import resampled

SECONDS = 1.0
"""Length of a scene."""
DISTANCE = 1.5
"""Distance of every source, m."""
TURNS = (5, 10, 20, 40)
"""Angles by which a scene is turned, degrees."""

Array = NDArray[np.float64]


def turned(degrees: int) -> str:
    """The name of a rotation."""
    return f"turned_{degrees}"


def distortion_names() -> tuple[str, ...]:
    """All distortions, the reference first, the rotations last."""
    return (*DISTORTIONS, *map(turned, TURNS))


def description_of(name: str) -> str:
    """One line of text for a name of `distortion_names`."""
    turns = {turned(angle): f"Every source {angle} degrees further to the left" for angle in TURNS}
    return turns[name] if name in turns else DISTORTIONS[name].description


def keeps_directions(name: str) -> bool:
    """Whether every source keeps its direction."""
    return name in DISTORTIONS and DISTORTIONS[name].keeps_directions


@dataclass(frozen=True)
class Case:
    """A distorted scene: prediction and reference (2, T) at the convention's rate, and the truth of the reference."""

    scene: str
    distortion: str
    prediction: Array
    reference: Array
    truth: Truth


def make_test_cases(convention: Convention, progress: Progress) -> list[Case]:
    """Render every scene with every distortion, in the order of `distortion_names`; takes seconds."""
    return [case for scene in progress(list(SCENES), "Rendering scenes") for case in _cases(scene, convention)]


def _scene(*sources: tuple[str, Trajectory]) -> Scene:
    objects = (
        SceneObject(kind, trajectory, DISTANCE, height=0.0, sounding=True, seed=number)
        for number, (kind, trajectory) in enumerate(sources)
    )
    return Scene(0, tuple(objects), seed=0)


SCENES = {
    "voice_left": _scene(("voice", Trajectory(25.0))),
    "plucked_right": _scene(("plucked", Trajectory(-45.0))),
    "drum_moving": _scene(("drum", Trajectory(0.0, swing=45.0, period=2 * SECONDS, phase=0.25))),
    "bar_and_blown": _scene(("bar", Trajectory(40.0)), ("blown", Trajectory(-20.0))),
}
"""The scenes by name; angles in degrees, positive left."""


def _cases(name: str, convention: Convention) -> Iterator[Case]:
    context = load_assets(SimulatedSettings(seconds=SECONDS))
    stereo, truth = render_audio(context, SCENES[name])
    reference = resampled(stereo, RATE, convention)
    for distortion in DISTORTIONS.values():
        yield Case(name, distortion.name, distortion.change(reference, convention.rate), reference, truth)
    for angle in TURNS:
        prediction = resampled(_turned(context, SCENES[name], angle, truth), RATE, convention)
        yield Case(name, turned(angle), prediction, reference, truth)


def _turned(context: RenderContext, scene: Scene, degrees: float, truth: Truth) -> Array:
    """The scene turned to the left, stereo (2, T), at the energy of the original."""
    objects = (
        replace(source, trajectory=replace(source.trajectory, middle=source.trajectory.middle + degrees))
        for source in scene.objects
    )
    stereo, turned_truth = render_audio(context, replace(scene, objects=tuple(objects)))
    return stereo * np.sqrt(truth.energy.sum() / turned_truth.energy.sum())
