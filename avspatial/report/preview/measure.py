"""What a listener would want to know of a stereo sound: its level, and where it comes from over time.

The sound is read once, in constant memory but for the curves and the minute that is kept to be heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.errors import MediaError
from avspatial.media.audio_meters import Meters, refuse_channels
from avspatial.media.audio_stream import AudioReader
from avspatial.media.resample import Resampler
from avspatial.media.webvtt import Direction
from avspatial.metrics.azimuth_estimator import AzimuthEstimator
from avspatial.metrics.cues import FRAME_HOP, band_power, cues
from avspatial.signal.head import SphericalHead
from avspatial.signal.level import ACTIVE_RANGE, POWER_FLOOR, frame_powers, frame_times, level_difference

PLAYED_SECONDS = 60.0
"""Seconds of sound, from the start, that are kept to be heard."""
BLOCK = 0.5
"""A direction is estimated in blocks of this many seconds."""
RATE = 16000
"""Rate in Hz at which level differences and directions are measured."""
MIDDLE = 10.0
"""Directions within this many degrees of straight ahead are in the middle."""
_CHUNK = 10 * RATE


@dataclass(frozen=True)
class Measurement:
    """A sound of two channels (one for an original that is mono), measured from end to end.

    heard (C, T) float32 at `rate` Hz, its first minute. start: the time stamp of its first sample, s. loudness in LUFS,
    None where it has none; peak: true peak, dBTP. times (K,) s, level (K,) dB, left minus right, and power (K,), that
    of both ears, in frames of 0.1 s. directions: every 0.5 s in which it sounds.
    """

    seconds: float
    rate: int
    channels: int
    start: float
    heard: np.ndarray
    loudness: float | None
    peak: float
    times: np.ndarray
    level: np.ndarray
    power: np.ndarray
    directions: tuple[Direction, ...]

    @property
    def quiet(self) -> np.ndarray:
        """The frames (K,) that are 40 dB below the loudest one or silent: there the curve says nothing."""
        loudest = self.power.max(initial=0.0)
        return self.power <= max(2 * POWER_FLOOR, loudest * 10 ** (-ACTIVE_RANGE / 10))

    def summary(self) -> dict[str, Any]:
        """Shares of the time in which it sounds from the left, the middle (within 10 degrees) and the right; the
        median azimuth and the range of the middle 90 %, in degrees; empty where nothing sounds."""
        angles = np.array([one.azimuth for one in self.directions])
        if not len(angles):
            return {}
        low, median, high = np.percentile(angles, (5, 50, 95))
        shares = {"left": angles > MIDDLE, "middle": np.abs(angles) <= MIDDLE, "right": angles < -MIDDLE}
        return {
            **{side: float(share.mean()) for side, share in shares.items()},
            "median_azimuth": float(median),
            "azimuth_range": [float(low), float(high)],
        }


def measure(path: Path, *, stereo: bool = True) -> Measurement:
    """Read and measure a file's sound; `stereo` False: mono will do, and has no directions.

    MediaError for a file that cannot be read, has no sound or one of many channels, or is mono where stereo is needed.
    """
    sound = AudioReader(path)
    meters: Meters | None = None
    kept: list[np.ndarray] = []
    room = 0
    chunks = _Chunks()
    for block in sound.blocks():
        if meters is None:
            _refuse(sound, path, stereo)
            meters, room = Meters(sound.rate), round(PLAYED_SECONDS * sound.rate)
        meters.add(block)
        kept.append(block[:, :room])
        room -= kept[-1].shape[1]
        chunks.add(block, sound.rate)
    if meters is None:
        raise MediaError("its sound has no samples", where=path, fix="Copy it again.")
    chunks.finish()
    directions = chunks.directions() if sound.channels == 2 else ()
    times, level, power = (np.concatenate(parts) for parts in (chunks.times, chunks.level, chunks.power))
    heard = np.concatenate(kept, axis=1)
    seconds = sound.samples / sound.rate
    facts = seconds, sound.rate, sound.channels, sound.start
    return Measurement(*facts, heard, meters.loudness, meters.peak, times, level, power, directions)


def _refuse(sound: AudioReader, path: Path, stereo: bool) -> None:
    refuse_channels(sound.channels, path)
    if stereo and sound.channels == 1:
        fix = "Give a stereo file; `avspatial spatialize` makes one of it."
        raise MediaError("its sound is mono: there is no direction to show", where=path, fix=fix)


class _Chunks:
    """Ten seconds at a time, at 16 kHz: level differences, power, and one azimuth every half second."""

    def __init__(self) -> None:
        self.times: list[np.ndarray] = []
        self.level: list[np.ndarray] = []
        self.power: list[np.ndarray] = []
        self._azimuths: list[np.ndarray] = []
        self._loudness: list[np.ndarray] = []
        self._estimator = AzimuthEstimator(SphericalHead(), RATE)
        self._resampler: Resampler | None = None
        self._waiting = np.zeros((2, 0), np.float32)
        self._done = 0

    def add(self, block: np.ndarray, rate: int) -> None:
        """block (C, n) at `rate` Hz."""
        self._resampler = self._resampler or Resampler(2, rate, RATE)
        self._take(self._resampler.push(np.ascontiguousarray(np.broadcast_to(block, (2, block.shape[1])))))
        while self._waiting.shape[1] >= 2 * _CHUNK:
            self._measure(_CHUNK)

    def finish(self) -> None:
        if self._resampler is not None:
            self._take(self._resampler.finish())
        while self._waiting.shape[1]:
            rest = self._waiting.shape[1]
            self._measure(rest if rest < 2 * _CHUNK else _CHUNK)

    def directions(self) -> tuple[Direction, ...]:
        """Every half second that is within 40 dB of the loudest and holds what can be located."""
        if not self._azimuths:
            return ()
        azimuths, loudness = np.concatenate(self._azimuths), np.concatenate(self._loudness)
        sounds = loudness > max(2 * POWER_FLOOR, loudness.max() * 10 ** (-ACTIVE_RANGE / 10))
        end = self._done / RATE
        return tuple(
            Direction(k * BLOCK, min((k + 1) * BLOCK, end), float(azimuth))
            for k, (azimuth, sounding) in enumerate(zip(azimuths, sounds, strict=True))
            if sounding and np.isfinite(azimuth)
        )

    def _take(self, ready: np.ndarray) -> None:
        self._waiting = np.concatenate((self._waiting, ready), axis=1)

    def _measure(self, samples: int) -> None:
        chunk, self._waiting = self._waiting[:, :samples], self._waiting[:, samples:]
        self.times.append(self._done / RATE + frame_times(samples, RATE))
        self.level.append(level_difference(chunk, RATE))
        self.power.append(frame_powers(chunk, RATE).sum(0))
        for azimuth, loudness in self._blocks(chunk):
            self._azimuths.append(azimuth)
            self._loudness.append(loudness)
        self._done += samples

    def _blocks(self, chunk: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Azimuth and power of the blocks of a chunk (2, T); what is left at the sound's end is a block of its own."""
        size = round(BLOCK * RATE)
        whole = chunk.shape[1] // size * size
        for part in (chunk[:, :whole], chunk[:, whole:]):
            count = max(1, part.shape[1] // size)
            if part.shape[1] < 2 * round(FRAME_HOP * RATE):
                continue
            sound = part.astype(np.float64)
            active = self._estimator.active(band_power(sound, RATE))
            found = self._estimator.estimate(cues(sound, RATE), active, round(BLOCK / FRAME_HOP))
            # The last block lacks a frame or two, so the estimator joined it to the one before: it holds for both.
            azimuths = found[np.minimum(np.arange(count), len(found) - 1)]
            pieces = np.array_split(np.square(sound).sum(0), count)
            yield azimuths, np.array([piece.mean() for piece in pieces])
