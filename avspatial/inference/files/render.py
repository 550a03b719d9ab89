"""Rendering one file's audio, guided by its images, in constant memory.

Three passes over the audio, of which only the second is expensive: `scan_audio` reads it through, so that audio that
cannot be used is refused before anything is computed; `predict` runs the model, writes the differences to a temporary
file (4 bytes a sample at the model's rate) and measures the level of the result; `Prediction.blocks` reads the audio
again and combines the two, at the common gain.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch

from avspatial.errors import MediaError, reason
from avspatial.inference.files.mixdown import SILENCE, OutputLevel, StereoAssembler, common_gain
from avspatial.inference.options import StreamProcessor
from avspatial.media.audio_meters import Meters, downmix, refuse_channels
from avspatial.media.audio_stream import AudioReader
from avspatial.media.audio_timeline import Restart
from avspatial.media.file_errors import write_fix
from avspatial.media.resample import Resampler
from avspatial.signal import stereo

ProgressCallback = Callable[[float, float], None]
"""Called with the seconds of audio that are done, and those that there are."""


@dataclass(frozen=True)
class AudioScan:
    """Facts of audio that was read: rate in Hz, number of channels, samples (T), time stamp of the first sample in s,
    samples of silence that fill gaps, samples that were dropped where time stamps overlap, where the time stamps begin
    anew, loudness in LUFS, and the factor by which the time stamps make it longer (`AudioReader.clock`)."""

    rate: int
    channels: int
    samples: int
    start: float
    gaps: int
    dropped: int
    restarts: Sequence[Restart]
    loudness: float | None
    clock: float

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


def scan_audio(audio: AudioReader) -> AudioScan:
    """Read audio to its end. Raises MediaError if it is damaged, silent, or has more than two channels."""
    meters: Meters | None = None
    mono_peak = 0.0
    for block in audio.blocks():
        if meters is None:
            refuse_channels(audio.channels, audio.path)
            meters = Meters(audio.rate)
        meters.add(block)
        mono_peak = max(mono_peak, float(np.abs(downmix(block)).max(initial=0)))
    if meters is None or meters.peak <= SILENCE:
        raise MediaError("its audio is silent, so there is nothing to spatialize", where=audio.path)
    if audio.channels == 2 and mono_peak <= 10 ** (SILENCE / 20):
        raise MediaError(
            "its left and right cancel each other: their mixture is silent, so there is nothing to spatialize",
            where=audio.path,
            fix="Invert one channel, or give one of them as mono audio.",
        )
    samples = round(audio.samples * audio.clock)
    return AudioScan(
        audio.rate,
        audio.channels,
        samples,
        audio.start,
        audio.gaps,
        audio.dropped,
        tuple(audio.restarts),
        meters.loudness,
        audio.clock,
    )


class Prediction:
    """The predicted differences, at the model's rate in a temporary file, and the level of the result."""

    def __init__(self, file: IO[bytes], rate: int, model_rate: int, width: float, level: OutputLevel) -> None:
        self.level = level
        self._file = file
        self._rate, self._model_rate = rate, model_rate
        self._width = width

    def blocks(self, audio: AudioReader) -> Iterator[np.ndarray]:
        """Stereo blocks (2, n) float32 of the audio, which is read again, at the common gain."""
        self._file.seek(0)
        factor = np.float32(self.level.factor)
        assembler = StereoAssembler(self._rate, self._model_rate, self._width)
        for block in audio.blocks():
            assembler.push_mono(downmix(block))
            due = 4 * (audio.samples * self._model_rate // self._rate)
            yield from (factor * ready for ready in assembler.push_difference(self._read(due - self._file.tell())))
        yield from (factor * ready for ready in assembler.push_difference(self._read(-1)))
        yield from (factor * ready for ready in assembler.finish())

    def _read(self, size: int) -> np.ndarray:
        return np.frombuffer(self._file.read(size), np.float32)


@contextmanager
def predict(
    processor: StreamProcessor,
    audio: AudioReader,
    scan: AudioScan,
    model_rate: int,
    width: float,
    folder: Path,
    advance: ProgressCallback,
) -> Iterator[Prediction]:
    """Process all of `audio` and yield the prediction. The temporary file, in `folder`, has no name: nothing remains of
    it, whatever happens. Raises the errors of the audio and the processor, and MediaError for a full disk."""
    with _refuse_unwritable(folder):
        file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115 - unbuffered: a full disk shows at once

    def write_difference(difference: np.ndarray) -> None:
        rest = memoryview(difference.tobytes())
        with _refuse_unwritable(folder):
            while rest:
                rest = rest[file.write(rest) :]

    with file:
        meters = Meters(scan.rate)
        for ready in assemble_stereo(
            processor, audio.blocks(), scan.rate, model_rate, width, advance, scan.seconds, write_difference
        ):
            meters.add(ready)
        yield Prediction(file, scan.rate, model_rate, width, common_gain(scan.loudness, meters))


def assemble_stereo(
    processor: StreamProcessor,
    blocks: Iterable[np.ndarray],
    rate: int,
    model_rate: int,
    width: float,
    advance: ProgressCallback,
    seconds: float,
    on_difference: Callable[[np.ndarray], None] = lambda difference: None,
) -> Iterator[np.ndarray]:
    """Blocks (C, n) at `rate`, of `seconds` in all -> stereo blocks (2, n) float32 at that rate, as many samples.

    `width` is the factor of the difference; `on_difference` gets each predicted difference, (k,) float32 at the model's
    rate.
    """
    resampler = Resampler(1, rate, model_rate)
    assembler = StereoAssembler(rate, model_rate, width)
    samples = 0

    def combine(prediction: torch.Tensor) -> Iterator[np.ndarray]:
        difference = np.ascontiguousarray(stereo.difference(prediction.numpy()), np.float32)
        on_difference(difference)
        return assembler.push_difference(difference)

    for block in blocks:
        mono = downmix(block)
        assembler.push_mono(mono)
        yield from combine(processor.push(torch.from_numpy(resampler.push(mono[None]))))
        samples += len(mono)
        advance(samples / rate, seconds)
    yield from combine(processor.push(torch.from_numpy(resampler.finish())))
    yield from combine(processor.finish())
    yield from assembler.finish()


@contextmanager
def _refuse_unwritable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"no temporary file can be written here ({reason(error)})"
        raise MediaError(text, where=folder, fix=write_fix(error) or "Choose another folder.") from error
