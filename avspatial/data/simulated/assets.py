"""Assets of scenes: the built-in sounds, head model and sprites, or the user's own files instead."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avspatial.data.simulated.camera import SPRITES, Camera
from avspatial.data.simulated.instruments import INSTRUMENTS, Instrument
from avspatial.data.simulated.render import RATE, RenderContext
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.errors import DataError
from avspatial.folders import files_below
from avspatial.media.audio import read_audio
from avspatial.media.image import read_cutout
from avspatial.media.resample import resample
from avspatial.signal.head import Head, head_model

_SOUND_FILES = (".wav", ".flac")


def load_assets(settings: SimulatedSettings) -> RenderContext:
    """Load what the settings name; DataError or MediaError for an unusable file or folder."""
    built_in: dict[str, Instrument] = {name: INSTRUMENTS[name] for name in settings.families}
    sounds = _own_sounds(settings.sounds) if settings.sounds else built_in
    cutouts = _own_cutouts(settings.cutouts) if settings.cutouts else {}
    bare = sorted(set(sounds) - set(cutouts) - set(SPRITES))
    if bare:
        raise DataError(
            f"no image for the sounds {', '.join(bare)}",
            where=settings.cutouts or settings.sounds or "",
            fix=f"Put {bare[0]}.png into the folder that data.cutouts names, or call the sounds "
            f"{', '.join(INSTRUMENTS)}.",
        )
    return RenderContext(settings, sounds, _head(settings), Camera(settings, cutouts))


def content_digests(settings: SimulatedSettings) -> list[str]:
    """Digests of the user's own files, in the order of their names; DataError for a folder that is not there."""
    files: list[Path] = []
    if isinstance(settings.head, Path):
        files.append(_there(settings.head))
    for folder in (settings.sounds, settings.cutouts):
        files += files_below(_there(folder), Path.is_file) if folder else []
    named = [] if isinstance(settings.head, Path) or settings.head == "spherical" else [settings.head]
    return named + [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]


def _there(path: Path) -> Path:
    if not path.exists():
        raise DataError("no such file or folder", where=path, fix="Give one that is there, or leave the setting out.")
    return path


def _head(settings: SimulatedSettings) -> Callable[[float], Head]:
    if settings.head == "spherical":
        return lambda distance: head_model("spherical", distance)
    measured = head_model(settings.head)
    return lambda distance: measured


@dataclass(frozen=True)
class Recordings:
    """An instrument made of dry recordings (T,) at 48 kHz: a stretch of one of them, repeated if it is short."""

    sounds: tuple[np.ndarray, ...]

    def __call__(self, random: np.random.Generator, samples: int, rate: int) -> np.ndarray:
        sound = self.sounds[random.integers(len(self.sounds))]
        start = int(random.integers(max(1, len(sound) - samples + 1)))
        part = np.resize(sound[start:], samples)
        return part / max(float(np.sqrt(np.mean(part**2))), 1e-6)


def _own_sounds(folder: Path) -> dict[str, Instrument]:
    """`FAMILY.wav` and `FAMILY/*.wav` under a folder -> an instrument a family."""
    files = files_below(_there(folder), lambda file: file.suffix.lower() in _SOUND_FILES)
    families: dict[str, list[np.ndarray]] = {}
    for file in files:
        family = file.stem if file.parent == folder else file.parent.name
        families.setdefault(family, []).append(_dry(file))
    if not families:
        raise DataError("holds no wav or flac file", where=folder, fix="Put FAMILY.wav or FAMILY/NAME.wav into it.")
    return {family: Recordings(tuple(sounds)) for family, sounds in families.items()}


def _dry(file: Path) -> np.ndarray:
    """A mono file as samples (T,) at 48 kHz."""
    samples, rate = read_audio(file)
    if len(samples) != 1:
        raise DataError(f"has {len(samples)} channels; a dry sound is mono", where=file, fix="Mix it down to one.")
    if not np.any(samples):
        raise DataError("is silent from beginning to end", where=file, fix="Take it out of the folder.")
    return resample(samples, rate, RATE)[0].astype(np.float64)


def _own_cutouts(folder: Path) -> dict[str, np.ndarray]:
    """`FAMILY.png` in a folder -> images (H, W, 4) uint8."""
    cutouts = {
        file.stem: read_cutout(file)
        for file in files_below(_there(folder), lambda file: file.suffix == ".png", depth=0)
    }
    if not cutouts:
        raise DataError("holds no png file", where=folder, fix="Put cut-out images named FAMILY.png into it.")
    return cutouts
