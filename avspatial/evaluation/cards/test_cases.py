"""What the card of a metric is measured on: four simulated scenes with known angles, and what becomes of each.

The scenes are fixed, whatever the settings of a recipe: a standing source on either side, one that walks from left to
right, and two at once. Each is distorted in every way of `evaluation.distortions`, and rendered anew with all its
sources turned by 5 to 40 degrees to the left: away from the middle for sources on the left, past it for the others.
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
    """The name of a scene turned by that many degrees."""
    return f"turned_{degrees}"


def distortion_names() -> tuple[str, ...]:
    """Everything that becomes of a scene, the reference first, the turns last."""
    return (*DISTORTIONS, *map(turned, TURNS))


def description_of(name: str) -> str:
    """What a name of `names` means, in words."""
    turns = {turned(angle): f"Every source {angle} degrees further to the left" for angle in TURNS}
    return turns[name] if name in turns else DISTORTIONS[name].description


def keeps_directions(name: str) -> bool:
    """Whether all is heard from where it was."""
    return name in DISTORTIONS and DISTORTIONS[name].keeps_directions


@dataclass(frozen=True)
class Case:
    """A scene, what became of it, and the pair (2, T) at the convention's rate to be scored; the truth is its own."""

    scene: str
    distortion: str
    prediction: Array
    reference: Array
    truth: Truth


def make_test_cases(convention: Convention, progress: Progress) -> list[Case]:
    """Every scene with everything that becomes of it: scene by scene, in the order of `names`. Takes seconds."""
    return [case for scene in progress(list(SCENES), "Rendering scenes") for case in _cases(scene, convention)]


def _scene(*sources: tuple[str, Trajectory]) -> Scene:
    things = (
        SceneObject(kind, path, DISTANCE, height=0.0, sounding=True, seed=number)
        for number, (kind, path) in enumerate(sources)
    )
    return Scene(0, tuple(things), seed=0)


SCENES = {
    "voice_left": _scene(("voice", Trajectory(25.0))),
    "plucked_right": _scene(("plucked", Trajectory(-45.0))),
    "drum_walking": _scene(("drum", Trajectory(0.0, swing=45.0, period=2 * SECONDS, phase=0.25))),
    "bar_and_blown": _scene(("bar", Trajectory(40.0)), ("blown", Trajectory(-20.0))),
}
"""The scenes by name; angles in degrees, positive left."""


def _cases(name: str, convention: Convention) -> Iterator[Case]:
    ready = load_assets(SimulatedSettings(seconds=SECONDS))
    stereo, truth = render_audio(ready, SCENES[name])
    reference = resampled(stereo, RATE, convention)
    for distortion in DISTORTIONS.values():
        yield Case(name, distortion.name, distortion.change(reference, convention.rate), reference, truth)
    for angle in TURNS:
        prediction = resampled(_turned(ready, SCENES[name], angle, truth), RATE, convention)
        yield Case(name, turned(angle), prediction, reference, truth)


def _turned(ready: RenderContext, scene: Scene, degrees: float, truth: Truth) -> Array:
    """The scene with every source that much further to the left, stereo (2, T), its sources as loud as before."""
    things = (
        replace(one, trajectory=replace(one.trajectory, middle=one.trajectory.middle + degrees))
        for one in scene.objects
    )
    stereo, found = render_audio(ready, replace(scene, objects=tuple(things)))
    return stereo * np.sqrt(truth.energy.sum() / found.energy.sum())
