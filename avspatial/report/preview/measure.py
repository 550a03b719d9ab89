"""Measure a stereo file: loudness, true peak, and level difference and azimuth over time.

The file is read once; memory grows only with the curves (0.1 s frames) and the excerpt of one minute.
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
"""Seconds of audio, from the start, that the page plays."""
BLOCK = 0.5
"""Length of the blocks in which a direction is estimated, s."""
RATE = 16000
"""Rate at which level differences and directions are measured, Hz."""
_MIDDLE = 10.0
"""Azimuths up to this many degrees count as the middle."""
_CHUNK = 10 * RATE


@dataclass(frozen=True)
class Measurement:
    """The measurements of a file with two channels (one, if the original is mono).

    excerpt (C, T): the first minute, float32 at `rate` Hz. start: time stamp of the first sample, s. loudness: LUFS,
    None if undefined; peak: true peak, dBTP. times (K,) s, level (K,) dB, left minus right, and power (K,) of both
    channels, in frames of 0.1 s. directions: one per block of 0.5 s that is active.
    """

    seconds: float
    rate: int
    channels: int
    start: float
    excerpt: np.ndarray
    loudness: float | None
    peak: float
    times: np.ndarray
    level: np.ndarray
    power: np.ndarray
    directions: tuple[Direction, ...]

    @property
    def quiet(self) -> np.ndarray:
        """Frames (K,) that are 40 dB below the loudest one or silent, where the level difference means nothing."""
        loudest = self.power.max(initial=0.0)
        return self.power <= max(2 * POWER_FLOOR, loudest * 10 ** (-ACTIVE_RANGE / 10))

    def summary(self) -> dict[str, Any]:
        """Shares of the active time from the left, the middle (within 10 degrees) and the right, the median azimuth and
        the range of the central 90 %, in degrees; empty without directions."""
        angles = np.array([direction.azimuth for direction in self.directions])
        if not len(angles):
            return {}
        low, median, high = np.percentile(angles, (5, 50, 95))
        shares = {"left": angles > _MIDDLE, "middle": np.abs(angles) <= _MIDDLE, "right": angles < -_MIDDLE}
        return {
            **{side: float(share.mean()) for side, share in shares.items()},
            "median_azimuth": float(median),
            "azimuth_range": [float(low), float(high)],
        }


def measure(path: Path, *, stereo: bool = True) -> Measurement:
    """Read and measure the audio of a file; with `stereo` False it may be mono, which has no directions.

    Raises MediaError for a file that cannot be read, has no audio or more than two channels, or is mono with `stereo`.
    """
    audio = AudioReader(path)
    meters: Meters | None = None
    kept: list[np.ndarray] = []
    remaining = 0
    chunks = _Chunks()
    for block in audio.blocks():
        if meters is None:
            _check_channels(audio, path, stereo)
            meters, remaining = Meters(audio.rate), round(PLAYED_SECONDS * audio.rate)
        meters.add(block)
        kept.append(block[:, :remaining])
        remaining -= kept[-1].shape[1]
        chunks.add(block, audio.rate)
    if meters is None:
        raise MediaError("its audio has no samples", where=path, fix="Copy it again.")
    chunks.finish()
    directions = chunks.directions() if audio.channels == 2 else ()
    times, level, power = (np.concatenate(parts) for parts in (chunks.times, chunks.level, chunks.power))
    return Measurement(
        seconds=audio.samples / audio.rate,
        rate=audio.rate,
        channels=audio.channels,
        start=audio.start,
        excerpt=np.concatenate(kept, axis=1),
        loudness=meters.loudness,
        peak=meters.peak,
        times=times,
        level=level,
        power=power,
        directions=directions,
    )


def _check_channels(audio: AudioReader, path: Path, stereo: bool) -> None:
    refuse_channels(audio.channels, path)
    if stereo and audio.channels == 1:
        fix = "Give a stereo file; `avspatial spatialize` makes one of it."
        raise MediaError("its audio is mono: there is no direction to show", where=path, fix=fix)


class _Chunks:
    """Measures level differences, power and azimuths at 16 kHz, in chunks of ten seconds."""

    def __init__(self) -> None:
        self.times: list[np.ndarray] = []
        self.level: list[np.ndarray] = []
        self.power: list[np.ndarray] = []
        self._azimuths: list[np.ndarray] = []
        self._loudness: list[np.ndarray] = []
        self._estimator = AzimuthEstimator(SphericalHead(), RATE)
        self._resampler: Resampler | None = None
        self._pending = np.zeros((2, 0), np.float32)
        self._measured = 0

    def add(self, block: np.ndarray, rate: int) -> None:
        """block (C, n) at `rate` Hz."""
        self._resampler = self._resampler or Resampler(2, rate, RATE)
        self._append(self._resampler.push(np.ascontiguousarray(np.broadcast_to(block, (2, block.shape[1])))))
        while self._pending.shape[1] >= 2 * _CHUNK:
            self._measure(_CHUNK)

    def finish(self) -> None:
        if self._resampler is not None:
            self._append(self._resampler.finish())
        while self._pending.shape[1]:
            rest = self._pending.shape[1]
            self._measure(rest if rest < 2 * _CHUNK else _CHUNK)

    def directions(self) -> tuple[Direction, ...]:
        """The blocks that are within 40 dB of the loudest one and have an azimuth."""
        if not self._azimuths:
            return ()
        azimuths, loudness = np.concatenate(self._azimuths), np.concatenate(self._loudness)
        active = loudness > max(2 * POWER_FLOOR, loudness.max() * 10 ** (-ACTIVE_RANGE / 10))
        end = self._measured / RATE
        return tuple(
            Direction(k * BLOCK, min((k + 1) * BLOCK, end), float(azimuth))
            for k, (azimuth, is_active) in enumerate(zip(azimuths, active, strict=True))
            if is_active and np.isfinite(azimuth)
        )

    def _append(self, ready: np.ndarray) -> None:
        self._pending = np.concatenate((self._pending, ready), axis=1)

    def _measure(self, samples: int) -> None:
        chunk, self._pending = self._pending[:, :samples], self._pending[:, samples:]
        self.times.append(self._measured / RATE + frame_times(samples, RATE))
        self.level.append(level_difference(chunk, RATE))
        self.power.append(frame_powers(chunk, RATE).sum(0))
        for azimuth, loudness in self._blocks(chunk):
            self._azimuths.append(azimuth)
            self._loudness.append(loudness)
        self._measured += samples

    def _blocks(self, chunk: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Azimuth and power of the blocks of a chunk (2, T); a shorter rest is a block of its own."""
        size = round(BLOCK * RATE)
        complete = chunk.shape[1] // size * size
        for part in (chunk[:, :complete], chunk[:, complete:]):
            count = max(1, part.shape[1] // size)
            if part.shape[1] < 2 * round(FRAME_HOP * RATE):
                continue
            samples = part.astype(np.float64)
            active = self._estimator.active(band_power(samples, RATE))
            estimates = self._estimator.estimate(cues(samples, RATE), active, round(BLOCK / FRAME_HOP))
            # The last block lacks a frame or two: the estimator joins it to the previous one; both get one azimuth.
            azimuths = estimates[np.minimum(np.arange(count), len(estimates) - 1)]
            pieces = np.array_split(np.square(samples).sum(0), count)
            yield azimuths, np.array([piece.mean() for piece in pieces])
