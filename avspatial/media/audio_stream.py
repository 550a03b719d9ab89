"""Audio of any file, read block by block at its own rate: memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np

from avspatial.errors import MediaError
from avspatial.media.audio_file import open_audio_file, states_length
from avspatial.media.audio_timeline import TimedBlock, Timeline
from avspatial.media.ffmpeg import main_audio, open_media
from avspatial.media.file_errors import check_finite, empty_audio, ffmpeg_command, unknown_codec
from avspatial.media.resample import Resampler

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff", ".w64", ".rf64", ".caf", ".au"})
"""Read by soundfile, sample for sample."""
BLOCK = 65536
"""Samples of a block read from an audio file."""
LARGEST_DRIFT = 0.04
"""Seconds that the time stamps may run away from the count of samples: less is not noticed."""
LARGEST_CLOCK_ERROR = 0.01
"""Recorders' clocks are off by a smaller fraction than this."""
_TRIMMED = frozenset({"mov", "mp4", "m4a"})
"""Containers whose header states a track's length to the sample; codecs decode to full blocks, a little longer."""


class AudioReader:
    """The blocks of a file's audio track (of several the default one), in step with its time stamps.

    After the first block `start` is the time stamp of the first sample, s, and `rate` its rate, Hz. After the last one
    `samples` is how many there were, `gaps` how many samples of silence filled jumps of the time stamps, `dropped` how
    many were left out because the time stamps go back there, and `clock` the factor by which the audio is longer
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

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks (C, n) float32, integers scaled to [-1, 1), each n at least 1. Once only.

        Raises:
            MediaError: For a file that is missing, damaged, without audio, whose rate or number of channels changes,
                whose time stamps do not fit its samples, or that holds samples that are not finite.
        """
        in_file = self.path.suffix.lower() in AUDIO_SUFFIXES and states_length(self.path)
        source = self._read_file() if in_file else self._read_track()
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
        with open_media(self.path) as container:
            stream = main_audio(container)
            if stream is None:
                raise MediaError("has no audio stream", where=self.path)
            if stream.codec_context is None:
                raise unknown_codec("audio", self.path)
            frames = self._frames(container, stream)
            first = next(frames, None)
            if first is None:
                return
            timeline = Timeline(self.rate)
            for block in timeline.in_step(chain([first], frames)):
                self.gaps, self.dropped = timeline.gaps, timeline.dropped
                yield block
            if self.clock == 1:
                self.clock = self._clock(timeline.drift)

    def _frames(self, container: Any, stream: Any) -> Iterator[TimedBlock]:
        """The decoded frames, the last one without the silence that an encoder adds to it."""
        # Packed: PyAV 18.1 crashes when it reads the planes of eight or more channels.
        packed = av.AudioResampler(format="flt")
        last: TimedBlock | None = None
        for frame in container.decode(stream):
            self._check(frame)
            for part in packed.resample(frame):
                if last is not None:
                    yield last
                last = frame.time, np.ascontiguousarray(part.to_ndarray().reshape(-1, self.channels).T)
        if last is not None:
            time, block = last
            yield time, block[:, : _samples_to_end(container, stream, time, block.shape[1])]

    def _clock(self, drift: float) -> float:
        seconds = self.samples / self.rate
        if abs(drift) <= LARGEST_DRIFT:
            return 1.0
        if abs(drift) > LARGEST_CLOCK_ERROR * seconds:
            raise MediaError(
                f"its audio lasts {seconds:.2f} s by its samples and {seconds + drift:.2f} s by its time stamps",
                where=self.path,
                fix="Make them agree: "
                + ffmpeg_command(self.path, "-c:v copy -af aresample=async=1000 -c:a flac", "AGREEING.mkv"),
            )
        return 1 + drift / seconds

    def _follow(self, source: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Audio from a clock that was slow or fast, at the stated rate."""
        resampler: Resampler | None = None
        for block in source:
            resampler = resampler or Resampler(self.channels, self.rate / self.clock, self.rate)
            yield resampler.push(block)
        if resampler is not None:
            yield resampler.finish()

    def _check(self, frame: Any) -> None:
        channels = frame.layout.nb_channels
        if not self.rate:
            self.rate, self.channels, self.start = frame.sample_rate, channels, frame.time or 0.0
        if frame.is_corrupt:
            raise MediaError(
                f"its audio is damaged near {frame.time or 0:.2f} s", where=self.path, fix="Copy or download it again."
            )
        for what, was, now in (("number of channels", self.channels, channels), ("rate", self.rate, frame.sample_rate)):
            if was != now:
                raise MediaError(
                    f"the {what} of its audio changes from {was} to {now} at {frame.time or 0:.2f} s",
                    where=self.path,
                    fix="Convert its audio to one format first, or cut the video there.",
                )


def _samples_to_end(container: Any, stream: Any, time: float | None, samples: int) -> int:
    """How many of the last frame's samples lie before the end that the header states, if it states one within the frame
    to the sample."""
    exact = stream.time_base is not None and stream.time_base.denominator == stream.codec_context.sample_rate
    if stream.duration is None or time is None or not exact or not _TRIMMED & set(container.format.name.split(",")):
        return samples
    end = ((stream.start_time or 0) + stream.duration) * float(stream.time_base)
    kept = round((end - time) * stream.codec_context.sample_rate)
    return kept if 0 < kept < samples else samples
