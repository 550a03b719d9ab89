"""One sound, guided by its pictures, from end to end in constant memory.

Three passes over the sound, of which only the second costs: `scan_audio` reads it through, so that what cannot be used
is said before anything is computed; `predict` lets the model listen and look, writes the differences to a temporary
file (4 bytes a sample at the model's rate) and measures what will become of the level; `Prediction.blocks` reads the
sound again and puts the two together, at the common gain.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import torch

from avspatial.errors import MediaError
from avspatial.inference.files.mixdown import SILENCE, OutputLevel, StereoAssembler, common_gain
from avspatial.inference.options import StreamProcessor
from avspatial.media.audio_meters import Meters, mono, refuse_channels
from avspatial.media.ffmpeg import reason
from avspatial.media.resample import Resampler
from avspatial.signal import stereo

ProgressCallback = Callable[[float, float], None]
"""Told how many seconds of the sound are done, and how many there are."""


class AudioSource(Protocol):
    """A sound in blocks; the attributes hold once the last block was given."""

    path: Path
    start: float
    rate: int
    channels: int
    samples: int
    gaps: int

    def blocks(self) -> Iterator[np.ndarray]: ...


@dataclass(frozen=True)
class AudioScan:
    """What was read of a sound: rate in Hz, number of channels, samples (T), time stamp of the first one, s, silence
    that was filled in, in samples, loudness in LUFS."""

    rate: int
    channels: int
    samples: int
    start: float
    gaps: int
    loudness: float | None

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


def scan_audio(sound: AudioSource) -> AudioScan:
    """Read a sound through. MediaError for one that cannot be read or used: damaged, silent, of many channels."""
    meters: Meters | None = None
    mixed = 0.0
    for block in sound.blocks():
        if meters is None:
            refuse_channels(sound.channels, sound.path)
            meters = Meters(sound.rate)
        meters.add(block)
        mixed = max(mixed, float(np.abs(mono(block)).max(initial=0)))
    if meters is None or meters.peak <= SILENCE:
        raise MediaError("its sound is silent, so there is nothing to spatialize", where=sound.path)
    if sound.channels == 2 and mixed <= 10 ** (SILENCE / 20):
        raise MediaError(
            "its left and right cancel each other: their mixture is silent, so there is nothing to spatialize",
            where=sound.path,
            fix="Turn the sign of one channel, or give one of them as mono sound.",
        )
    return AudioScan(sound.rate, sound.channels, sound.samples, sound.start, sound.gaps, meters.loudness)


def image_count(seconds: float, fps: float) -> int:
    """A picture for every grid time within a sound of that length."""
    return max(1, math.ceil(seconds * fps - 1e-6))


class Prediction:
    """The differences of a sound, at the model's rate in a temporary file, and the level that the result has."""

    def __init__(self, file: IO[bytes], model_rate: int, width: float, level: OutputLevel) -> None:
        self.level = level
        self._file = file
        self._model_rate = model_rate
        self._width = width

    def blocks(self, sound: AudioSource) -> Iterator[np.ndarray]:
        """Stereo blocks (2, n) float32 of the sound, which is read again, at the common gain."""
        self._file.seek(0)
        factor = np.float32(self.level.factor)
        joined: StereoAssembler | None = None
        came = went = 0
        for block in sound.blocks():
            joined = joined or StereoAssembler(sound.rate, self._model_rate, self._width)
            joined.mono(mono(block))
            came += block.shape[1]
            wanted = came * self._model_rate // sound.rate - went
            went += wanted
            yield from (factor * ready for ready in joined.difference(self._read(wanted)))
        if joined is not None:
            yield from (factor * ready for ready in joined.difference(self._read(-1)))
            yield from (factor * ready for ready in joined.finish())

    def _read(self, count: int) -> np.ndarray:
        return np.frombuffer(self._file.read(4 * count if count >= 0 else -1), np.float32)


@contextmanager
def predict(
    walk: StreamProcessor,
    sound: AudioSource,
    known: AudioScan,
    model_rate: int,
    width: float,
    folder: Path,
    advance: ProgressCallback,
) -> Iterator[Prediction]:
    """Let `walk` hear all of `sound`, and yield what it says. The temporary file, in `folder`, has no name: whatever
    happens, nothing is left of it. Errors as those of the sound and of the walk; MediaError for a full disk."""
    with _temporary(folder) as file:
        meters = Meters(known.rate)

        def heard() -> Iterator[np.ndarray]:
            for block in sound.blocks():
                yield mono(block)
                advance(sound.samples / known.rate, known.seconds)

        def keep(difference: np.ndarray) -> None:
            _write(file, difference, folder)

        for ready in assemble_stereo(walk, heard(), known.rate, model_rate, width, keep):
            meters.add(ready)
        yield Prediction(file, model_rate, width, common_gain(known.loudness, meters))


def assemble_stereo(
    walk: StreamProcessor,
    blocks: Iterable[np.ndarray],
    rate: int,
    model_rate: int,
    width: float,
    keep: Callable[[np.ndarray], None] = lambda difference: None,
) -> Iterator[np.ndarray]:
    """Mono blocks (n,) at `rate` -> stereo blocks (2, n) float32 at that rate, as many samples as came in.

    `width` scales the difference, `keep` is handed what the walk says of it, (k,) float32 at the model's rate.
    """
    resampler = Resampler(1, rate, model_rate)
    joined = StereoAssembler(rate, model_rate, width)

    def laid(said: torch.Tensor) -> Iterator[np.ndarray]:
        difference = np.ascontiguousarray(stereo.difference(said.numpy()), np.float32)
        keep(difference)
        return joined.difference(difference)

    for block in blocks:
        joined.mono(block)
        yield from laid(walk.push(torch.from_numpy(resampler.push(block[None]))))
    yield from laid(walk.push(torch.from_numpy(resampler.finish())))
    yield from laid(walk.finish())
    yield from joined.finish()


def _temporary(folder: Path) -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(dir=folder, buffering=0)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(file: IO[bytes], difference: np.ndarray, folder: Path) -> None:
    """Append all of it: unbuffered, so that a full disk shows here and nowhere later."""
    rest = memoryview(difference.tobytes())
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> MediaError:
    return MediaError(
        f"no temporary file can be written here ({reason(error)})",
        where=folder,
        fix="Free space, or choose another folder.",
    )
