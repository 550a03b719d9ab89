"""Rendering of a scene: audio, images and true directions, and its line in `scenes.jsonl`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.data.simulated.camera import Camera
from avspatial.data.simulated.scene import Scene, SceneObject
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.errors import DataError
from avspatial.interfaces import Truth
from avspatial.signal.head import Head, render

RATE = 48000
"""Sample rate of the rendered audio, Hz, that of FAIR-Play."""
TRUTH_RATE = 20.0
"""Rate of the true azimuths and energies, Hz."""

_LEVEL = 0.08
_PEAK = 0.95


@dataclass(frozen=True)
class RenderContext:
    """Assets of a data set: sounds by family, the head model for a distance in m, the camera."""

    settings: SimulatedSettings
    sounds: Mapping[str, Callable[[np.random.Generator, int, int], np.ndarray]]
    head: Callable[[float], Head]
    camera: Camera


@dataclass(frozen=True)
class Rendered:
    """Stereo (2, T) at 48 kHz with peaks below 1, images (P, H, W, 3) uint8, and the true directions."""

    stereo: np.ndarray
    images: np.ndarray
    truth: Truth


def render_scene(context: RenderContext, scene: Scene) -> Rendered:
    """Render a scene; a pure function of its arguments."""
    dry = _dry(context, scene)
    stereo, truth = _sounding(context, scene, dry)
    loudness = {number: _loudness(sound, context.settings) for number, sound in dry.items()}
    return Rendered(stereo, context.camera.render_frames(scene, loudness), truth)


def render_audio(context: RenderContext, scene: Scene) -> tuple[np.ndarray, Truth]:
    """Render the audio alone, for any azimuths: stereo (2, T) at 48 kHz and the true directions."""
    return _sounding(context, scene, _dry(context, scene))


def _dry(context: RenderContext, scene: Scene) -> dict[int, np.ndarray]:
    """Dry sounds (T,) of the sources by their index among the objects, attenuated by distance."""
    samples = round(context.settings.seconds * RATE)
    return {
        number: context.sounds[item.kind](np.random.default_rng(item.seed), samples, RATE) / item.distance
        for number, item in enumerate(scene.objects)
        if item.sounding
    }


def _sounding(context: RenderContext, scene: Scene, dry: Mapping[int, np.ndarray]) -> tuple[np.ndarray, Truth]:
    seconds = context.settings.seconds
    times = (np.arange(round(seconds * TRUTH_RATE)) + 0.5) / TRUTH_RATE
    stereo = np.zeros((2, round(seconds * RATE)))
    for number, sound in dry.items():
        source = scene.objects[number]
        stereo += render(sound, _track(source, seconds), RATE, context.head(source.distance))
    scale = min(_LEVEL / np.sqrt(np.mean(stereo**2)), _PEAK / np.abs(stereo).max())
    azimuths = np.stack([source.trajectory.at(times) for source in scene.sources])
    energies = np.stack([_energy(sound, times, 1 / TRUTH_RATE) for sound in dry.values()])
    return stereo * scale, Truth(TRUTH_RATE, azimuths, energies * scale**2)


def render_solo(context: RenderContext, scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Render a scene of one source in mono: audio (1, T) at 48 kHz with peaks below 1, images (P, H, W, 3) uint8.

    A pure function of its arguments.
    """
    number, source = next((n, item) for n, item in enumerate(scene.objects) if item.sounding)
    samples = round(context.settings.seconds * RATE)
    dry = context.sounds[source.kind](np.random.default_rng(source.seed), samples, RATE)
    scale = min(_LEVEL / np.sqrt(np.mean(dry**2)), _PEAK / np.abs(dry).max())
    return dry[None] * scale, context.camera.render_frames(scene, {number: _loudness(dry, context.settings)})


def _track(source: SceneObject, seconds: float) -> np.ndarray:
    """Azimuths every 10 ms, for `render`; a single one if the source does not move."""
    if source.trajectory.swing == 0:
        return np.array([source.trajectory.middle])
    count = max(2, round(seconds * 100))
    return source.trajectory.at((np.arange(count) + 0.5) * seconds / count)


def _energy(dry: np.ndarray, times: np.ndarray, width: float) -> np.ndarray:
    """Mean square of a sound (T,) within `width` s around each time -> as `times`."""
    total = np.concatenate([[0.0], np.cumsum(dry**2)])
    low = np.clip(np.round((times - width / 2) * RATE).astype(int), 0, len(dry) - 1)
    high = np.clip(np.round((times + width / 2) * RATE).astype(int), low + 1, len(dry))
    return (total[high] - total[low]) / (high - low)


def _loudness(dry: np.ndarray, settings: SimulatedSettings) -> np.ndarray:
    """Level of a sound at each image, 1 at its maximum."""
    times = np.arange(max(1, round(settings.seconds * settings.fps))) / settings.fps
    level = np.sqrt(_energy(dry, times, 0.06))
    return level / max(level.max(), 1e-9)


def describe(scene: Scene, clip: str, truth: Truth) -> dict[str, Any]:
    """The scene's line in `scenes.jsonl`: azimuths in degrees (positive left), distances in m, `rate` in Hz."""
    sources = [
        {
            "family": item.kind,
            "distance": round(item.distance, 4),
            "azimuth": [round(float(a), 3) for a in azimuth],
            "energy": [float(f"{e:.5g}") for e in energy],
        }
        for item, azimuth, energy in zip(scene.sources, truth.azimuth, truth.energy, strict=True)
    ]
    silent = [
        {"kind": item.kind, "distance": round(item.distance, 4), "azimuth": round(item.trajectory.middle, 3)}
        for item in scene.objects
        if not item.sounding
    ]
    return {"clip": clip, "rate": truth.rate, "sources": sources, "distractors": silent}


def read_truth(line: Mapping[str, Any]) -> Truth:
    """True directions from a line of `scenes.jsonl`; KeyError, TypeError or ValueError for an invalid line."""
    sources = line["sources"]
    azimuth = np.array([source["azimuth"] for source in sources], float)
    energy = np.array([source["energy"] for source in sources], float)
    if azimuth.ndim != 2 or azimuth.shape != energy.shape:
        raise ValueError("azimuth and energy must be lists of one length")
    return Truth(float(line["rate"]), azimuth, energy)


def read_scenes(path: Path) -> dict[str, Truth]:
    """{clip: truth} from a `scenes.jsonl`; DataError for a file that is missing or damaged."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return {str(line["clip"]): read_truth(line) for line in lines}
    except (OSError, ValueError, KeyError, TypeError) as error:
        what = "no such file of scenes" if isinstance(error, FileNotFoundError) else "not a readable scenes.jsonl"
        raise DataError(what, where=path, fix="It is in the folder of the simulated scenes.") from error
