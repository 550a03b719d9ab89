"""Audio of any file, read block by block at its own rate: memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from avspatial.errors import MediaError
from avspatial.media.audio_file import open_audio_file, states_length
from avspatial.media.audio_folder import is_audio_folder
from avspatial.media.audio_timeline import Restart, Timeline
from avspatial.media.audio_track import TrackDecoder, open_track
from avspatial.media.file_errors import check_finite, empty_audio, ffmpeg_command
from avspatial.media.resample import Resampler

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".w64", ".rf64", ".caf", ".au"})
"""Read by soundfile, sample for sample."""
BLOCK = 65536
"""Samples of a block read from an audio file."""
LARGEST_DRIFT = 0.04
"""Seconds that the time stamps may run away from the count of samples: less is not noticed."""
LARGEST_CLOCK_ERROR = 0.01
"""Recorders' clocks are off by a smaller fraction than this."""


def is_audio_file(path: Path) -> bool:
    """Whether soundfile reads a file, or a folder of numbered files, and not FFmpeg.

    Raises MediaError for an audio file that cannot be read.
    """
    return is_audio_folder(path) or (path.suffix.lower() in AUDIO_SUFFIXES and states_length(path))


class AudioReader:
    """The blocks of a file's audio track (of several the default one), in step with its time stamps.

    After the first block `start` is the time stamp of the first sample, s, and `rate` its rate, Hz. After the last one
    `samples` is how many there were, `gaps` how many samples of silence filled jumps of the time stamps, `dropped` how
    many were left out because the time stamps go back there, `restarts` where they go back so far that they begin
    anew, and `clock` the factor by which the audio is longer
    according to its time stamps. A slow or fast clock is followed if the factor is given to another reader.
    """

    def __init__(self, path: str | Path, clock: float = 1.0) -> None:
        self.path = Path(path)
        self.clock = clock
        self.start = 0.0
        self.rate = 0
        self.channels = 0
        self.samples = 0
        self.gaps = 0
        self.dropped = 0
        self.restarts: Sequence[Restart] = ()

    def blocks(self) -> Generator[np.ndarray, None, None]:
        """Blocks (C, n) float32, integers scaled to [-1, 1), each n at least 1. Once only.

        Raises:
            MediaError: For a file that is missing, damaged, without audio, whose rate or number of channels changes,
                whose time stamps do not fit its samples, or that holds samples that are not finite.
        """
        source = self._read_file() if is_audio_file(self.path) else self._read_track()
        for block in source if self.clock == 1 else self._follow(source):
            if block.shape[1]:
                check_finite(block, self.path)
                self.samples += block.shape[1]
                yield block
        if not self.samples:
            raise empty_audio(self.path)

    def _read_file(self) -> Iterator[np.ndarray]:
        with open_audio_file(self.path) as file:
            self.rate, self.channels = file.samplerate, file.channels
            for block in file.blocks(BLOCK, dtype="float32", always_2d=True):
                yield np.ascontiguousarray(block.T)

    def _read_track(self) -> Iterator[np.ndarray]:
        decoder = TrackDecoder(self.path)
        with open_track(self.path) as (container, stream):
            frames = decoder.frames(container, stream)
            first = next(frames, None)
            if first is None:
                return
            self.rate, self.channels, self.start = decoder.rate, decoder.channels, decoder.start
            timeline = Timeline(self.rate)
            for block in timeline.in_step(chain([first], frames)):
                self.gaps, self.dropped, self.restarts = timeline.gaps, timeline.dropped, timeline.restarts
                yield block
            if self.clock == 1:
                self.clock = clock_factor(timeline.drift, self.samples / self.rate, self.path)

    def _follow(self, source: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Audio from a clock that was slow or fast, at the stated rate."""
        resampler: Resampler | None = None
        for block in source:
            resampler = resampler or Resampler(self.channels, self.rate / self.clock, self.rate)
            yield resampler.push(block)
        if resampler is not None:
            yield resampler.finish()


def clock_factor(drift: float, seconds: float, path: Path) -> float:
    """The factor by which audio of `seconds` is longer according to its time stamps, which run away by `drift` seconds.

    Raises MediaError if no clock is so slow or fast.
    """
    if abs(drift) <= LARGEST_DRIFT:
        return 1.0
    if abs(drift) > LARGEST_CLOCK_ERROR * seconds:
        raise MediaError(
            f"its audio lasts {seconds:.2f} s by its samples and {seconds + drift:.2f} s by its time stamps",
            where=path,
            fix="Make them agree: "
            + ffmpeg_command(path, "-c:v copy -af aresample=async=1000 -c:a flac", "AGREEING.mkv"),
        )
    return 1 + drift / seconds
