"""What is measured of a recording once, when it is first used: levels of its channels and ears, and directions.

The results are kept in the cache, so that a second start decodes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.atomic import write_text
from avspatial.data.content_digest import content_digest
from avspatial.data.foa360.rendering import Foa360Rendering
from avspatial.data.screening import Levels, audio_levels
from avspatial.data.settings import Screening
from avspatial.interfaces import Truth
from avspatial.media.audio_stream import AudioReader
from avspatial.signal.ambisonics import banded_blocks, directions, rotate
from avspatial.signal.head import Floats

__all__ = ["BLOCK", "EXCESS", "Measured", "dead_channel", "measure", "measure_source"]

_VERSION = 1
"""Part of every key; increased whenever the same file would be measured differently."""
BLOCK = 0.25
"""Directions are found in blocks of this many seconds."""
EXCESS = 1.2
"""A first order that follows W with a larger gain than this is none in SN3D."""
_BAND = (200.0, 4000.0)
_FLOOR = 1e-10
"""-100 dB."""


@dataclass(frozen=True)
class Measured:
    """What was measured of one clip.

    Attributes:
        ears: Levels of the rendered ears.
        channels: Levels of W, Y, Z and X, dB; 0 is a sample of 1 at all times.
        gain: Gain of the part of Y, Z and X that follows W, in most of the sound: at most 1 in SN3D.
        azimuth: Degrees in the camera's frame, positive is left, block by block.
        directness: 1 for a plane wave, 0 for a diffuse field, block by block.
        energy: Mean energy density, block by block.
    """

    ears: Levels
    channels: tuple[float, ...]
    gain: float
    azimuth: tuple[float, ...]
    directness: tuple[float, ...]
    energy: tuple[float, ...]

    def truth(self, directness: float) -> Truth | None:
        """The directions of the blocks that are at least as direct as this; None if there is none."""
        direct = np.array(self.directness) >= directness
        energy = np.where(direct, self.energy, 0.0)
        return Truth(1 / BLOCK, np.array([self.azimuth]), energy[None]) if energy.any() else None


def measure(audio: Floats, rate: int, rendering: Foa360Rendering) -> Measured:
    """Measure a clip.

    Args:
        audio: (C, T) float32, the channels of the file.
        rate: Sample rate, Hz.
        rendering: How it is rendered.

    Returns:
        What was measured.
    """
    field = rendering.field(audio)
    found = directions(rotate(field, rendering.camera.front, rendering.camera.pitch), rate, BLOCK, _BAND)
    power = np.maximum(np.mean(np.asarray(field, float) ** 2, axis=-1), _FLOOR)
    return Measured(
        audio_levels(rendering.stereo(field, rate)),
        tuple(np.round(10 * np.log10(power), 2).tolist()),
        round(first_order_gain(field, rate), 3),
        tuple(np.round(found.azimuth, 2).tolist()),
        tuple(np.round(found.directness, 4).tolist()),
        tuple(found.energy.tolist()),
    )


def first_order_gain(field: Floats, rate: int) -> float:
    """Gain with which the first order follows W, in SN3D at most 1.

    In blocks of 0.25 s, from 200 Hz to 4 kHz, the length of the vector of the regressions of Y, Z and X on W: 1 for a
    plane wave, less for several or for a diffuse field, whose vectors cancel, and not more for noise in Y, Z and X.
    Data in N3D that is read as SN3D reaches 1.73, FuMa's 1.41.

    Args:
        field: (4, T): W, Y, Z, X.
        rate: Sample rate, Hz.

    Returns:
        The value that a quarter of the energy of W exceeds; 0 for silence.
    """
    blocks = banded_blocks(field, rate, BLOCK, _BAND)
    power = (blocks[0] ** 2).mean(-1)
    if not power.any():
        return 0.0
    together = np.linalg.norm((blocks[:1] * blocks[1:]).mean(-1), axis=0)
    gains = np.divide(together, power, out=np.zeros(len(power)), where=power > 0)
    order = np.argsort(gains)
    share = np.cumsum(power[order]) / power.sum()
    return float(gains[order][np.searchsorted(share, 0.75)])


def dead_channel(measured: Measured, limits: Screening) -> str | None:
    """Say which channel of a field is dead.

    Args:
        measured: What was measured of a clip.
        limits: `silence` for W, `dead` for Y and X, which may also be Z in another order; Z itself is often silent.

    Returns:
        The reason to leave the clip out; None if these three have sound.
    """
    w, y, z, x = measured.channels
    if w < limits.silence:
        return f"silent: W is below {limits.silence:g} dBFS"
    dead = [name for name, level in (("Y", y), ("X", x)) if level < w - limits.dead]
    if dead == ["X"] and z > w - limits.dead:
        return "its X channel is dead, but not Z: stereo without front and back, or W, X, Y in FuMa's order"
    return f"its {' and its '.join(dead)} channel is dead" if dead else None


def measure_source(
    path: Path, spans: Sequence[tuple[float, float]], rendering: Foa360Rendering, cache: Path
) -> list[Measured]:
    """Measure the clips of a recording, each with its part of the audio in memory; from the cache if they are there.

    Args:
        path: Its audio.
        spans: Beginning and length of each clip, s; the beginnings ascend.
        rendering: How they are rendered.
        cache: Root of the caches.

    Returns:
        What was measured of each clip; fewer than `spans` if the audio ends before the last ones begin.

    Raises:
        MediaError: A file that is missing or cannot be read.
        DataError: A file without the channels that were chosen, or an unusable head.
    """
    parts = [_VERSION, content_digest(path, cache), list(spans), rendering.key]
    note = cache / "foa360" / f"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        return [_parsed(one) for one in json.loads(note.read_text(encoding="utf-8"))]
    reader = AudioReader(path)
    measured = [measure(part, reader.rate, rendering) for part in _cut(reader, spans)]
    with suppress(OSError):  # a cache that cannot be written costs time alone
        write_text(note, json.dumps([asdict(one) for one in measured], allow_nan=False))
    return measured


def _parsed(values: dict[str, Any]) -> Measured:
    lists = {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
    return Measured(**{**values, **lists, "ears": Levels(**values["ears"])})


def _cut(reader: AudioReader, spans: Sequence[tuple[float, float]]) -> Iterator[np.ndarray]:
    """The audio of one clip after another; what comes before the next one is forgotten."""
    blocks = reader.blocks()
    held, begin = np.zeros((0, 0), np.float32), 0
    for start, seconds in spans:
        parts, count = [held] if held.size else [], held.shape[1]
        while not reader.rate or begin + count < round((start + seconds) * reader.rate):
            block = next(blocks, None)
            if block is None:
                break
            parts.append(block)
            count += block.shape[1]
        held = np.concatenate(parts, axis=1) if len(parts) != 1 else parts[0]
        first = round(start * reader.rate) - begin
        if first >= count:
            return
        yield held[:, first : first + round(seconds * reader.rate)]
        held, begin = held[:, first:], begin + first
