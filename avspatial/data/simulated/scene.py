"""Random scenes: which sources sound, their trajectories and distances, and the silent objects.

`sample_scene` is a pure function of the settings and the clip's number, so that more clips leave the earlier ones
unchanged.
Clips come in pairs whose first sources are at opposite azimuths, and a pair goes to one split: every split is
balanced between left and right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from avspatial.data.layout import PARTS
from avspatial.data.simulated.settings import SimulatedSettings

FURNITURE = ("box", "plant")
"""Silent objects that resemble no instrument."""

_GOLDEN = (np.sqrt(5) - 1) / 2
_APART = 20.0


@dataclass(frozen=True)
class Trajectory:
    """An azimuth over time: `middle` + `swing` sin(2 pi (t / `period` + `phase`)), in degrees and seconds."""

    middle: float
    swing: float = 0.0
    period: float = 1.0
    phase: float = 0.0

    def at(self, time: float | np.ndarray) -> np.ndarray:
        """Azimuth in degrees at times in seconds, any shape."""
        turn = 2 * np.pi * (np.asarray(time, float) / self.period + self.phase)
        return self.middle + self.swing * np.sin(turn)


@dataclass(frozen=True)
class SceneObject:
    """A visible object: a sounding source or a silent distractor.

    `kind` is a family of sounds or a piece of furniture, `distance` is in m, `height` the position of its middle, in
    image heights above the middle of the image; `seed` determines its sound.
    """

    kind: str
    trajectory: Trajectory
    distance: float
    height: float
    sounding: bool
    seed: int = field(default=0, repr=False)


@dataclass(frozen=True)
class Scene:
    """All random choices of a scene, except for the samples of its sounds."""

    number: int
    objects: tuple[SceneObject, ...]
    seed: int

    @property
    def sources(self) -> tuple[SceneObject, ...]:
        return tuple(item for item in self.objects if item.sounding)


def split_of(clips: int, shares: tuple[float, float, float]) -> list[str]:
    """The split of each clip. Pairs go, in order, to the split that is furthest below its share.

    The first three pairs go to the three splits in turn, so that none is empty.
    """
    counts = np.zeros(3)
    splits: list[str] = []
    for pair in range((clips + 1) // 2):
        behind = np.array(shares) * (pair + 1) - counts
        chosen = pair if pair < len(PARTS) else int(np.argmax(behind))
        counts[chosen] += 1
        splits += [PARTS[chosen]] * 2
    return splits[:clips]


def sample_scene(settings: SimulatedSettings, families: tuple[str, ...], number: int) -> Scene:
    """The scene of clip `number` (from 0); `families` are the sounds to choose from."""
    random = np.random.default_rng([settings.seed, number])
    first = _first_azimuth(settings, number)
    count = min(int(random.integers(settings.sources[0], settings.sources[1] + 1)), len(families))
    kinds = random.choice(len(families), count, replace=False)
    objects: list[SceneObject] = []
    for order, kind in enumerate(kinds):
        azimuth = first if order == 0 else _free_azimuth(random, objects, settings)
        trajectory = _trajectory(random, azimuth, settings)
        objects.append(_object(random, families[kind], trajectory, settings, sounding=True))
    for _ in range(int(random.integers(settings.distractors[0], settings.distractors[1] + 1))):
        trajectory = Trajectory(_free_azimuth(random, objects, settings))
        objects.append(_object(random, _silent_kind(random, families, settings), trajectory, settings, sounding=False))
    return Scene(number, tuple(objects), int(random.integers(2**31)))


def _first_azimuth(settings: SimulatedSettings, number: int) -> float:
    """Golden-ratio steps spread the pairs evenly over the half circle; the second of a pair is on the other side."""
    start = np.random.default_rng(settings.seed).random()
    size = settings.azimuth_limit * ((start + (number // 2) * _GOLDEN) % 1.0)
    return float(size if number % 2 == 0 else -size)


def _free_azimuth(random: np.random.Generator, objects: list[SceneObject], settings: SimulatedSettings) -> float:
    """An azimuth, if possible, 20 degrees away from where the others start."""
    tries = random.uniform(-settings.azimuth_limit, settings.azimuth_limit, 50)
    taken = np.array([item.trajectory.middle for item in objects])
    gaps = np.abs(tries[:, None] - taken).min(-1, initial=np.inf)
    return float(tries[np.argmax(gaps >= _APART) if gaps.max() >= _APART else np.argmax(gaps)])


def _trajectory(random: np.random.Generator, azimuth: float, settings: SimulatedSettings) -> Trajectory:
    moves = random.random() < settings.moving
    speed = settings.speed * random.uniform(0.5, 1.0)
    period = random.uniform(2.0, 6.0)
    phase = random.random()
    swing = min(speed * period / (2 * np.pi), settings.azimuth_limit - abs(azimuth))
    return Trajectory(azimuth, swing, period, phase) if moves else Trajectory(azimuth)


def _object(
    random: np.random.Generator, kind: str, trajectory: Trajectory, settings: SimulatedSettings, sounding: bool
) -> SceneObject:
    distance = float(random.uniform(*settings.distance))
    height = float(random.uniform(-0.18, 0.12))
    return SceneObject(kind, trajectory, distance, height, sounding, int(random.integers(2**31)))


def _silent_kind(random: np.random.Generator, families: tuple[str, ...], settings: SimulatedSettings) -> str:
    furniture = str(random.choice(FURNITURE))
    instrument = families[random.integers(len(families))]
    return instrument if random.random() < settings.silent_instruments else furniture
