"""Excerpts of audio files and tracks, equal to the same part of what `AudioReader` reads, without decoding the rest.

A container's time stamps do not say which sample is meant: Matroska rounds them to a millisecond, clocks drift, and
gaps are filled. So a track is decoded once to note which samples belong to which time stamp (`TrackIndex`); an excerpt
is then decoded from a second before its beginning, by which time a decoder has forgotten that it began there.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from avspatial.errors import MediaError
from avspatial.media.audio_file import open_audio_file
from avspatial.media.audio_stream import AudioReader, clock_factor, is_audio_file
from avspatial.media.audio_timeline import Piece, TimedBlock, Timeline
from avspatial.media.audio_track import TrackDecoder, open_track
from avspatial.media.file_errors import check_finite, cut_short, empty_audio
from avspatial.media.resample import Resampler

MISSING = 0.2
"""Seconds that the end of a file may be missing from an excerpt: headers round their lengths."""
_LEAD = 1.0
"""Seconds that are decoded before an excerpt."""
_EARLIER = (_LEAD, 10.0, 60.0)
"""Seconds before an excerpt to seek to; farther if a container finds no place that is early enough."""
_FILTER = 4096
"""Samples that the resampler needs before an excerpt."""


def read_excerpt(path: Path, start: float, seconds: float | None) -> tuple[np.ndarray, int]:
    """Part of a file's audio: (C, T) float32 and the rate in Hz; arguments and errors as in `audio.read_audio`."""
    if not start >= 0 or (seconds is not None and not seconds > 0):
        raise ValueError(f"an excerpt of {seconds} s from {start} s on")
    if is_audio_file(path):
        samples, rate = _of_file(path, start, seconds)
    else:
        stat = path.stat() if path.exists() else None
        index = track_index(path, stat.st_size if stat else 0, stat.st_mtime_ns if stat else 0)
        first, count = _range(path, start, seconds, index.rate, index.samples)
        samples, rate = index.read(first, count), index.rate
    check_finite(samples, path)
    return samples, rate


def _range(path: Path, start: float, seconds: float | None, rate: int, total: int) -> tuple[int, int]:
    """The first sample of an excerpt and the number of samples. Raises MediaError if they are not all there."""
    first = round(start * rate)
    count = total - first if seconds is None else max(1, round(seconds * rate))
    if first >= total or first + count - total > min(MISSING * rate, count / 2):
        asked = f"from {start:.2f} s on" if seconds is None else f"from {start:.2f} s to {start + seconds:.2f} s"
        raise MediaError(
            f"its audio ends at {total / rate:.2f} s; an excerpt {asked} was asked for",
            where=path,
            fix="Correct the times of the clip, leave it out, or copy the file again.",
        )
    return first, min(count, total - first)


def _of_file(path: Path, start: float, seconds: float | None) -> tuple[np.ndarray, int]:
    with open_audio_file(path) as file:
        rate = file.samplerate
        first, count = _range(path, start, seconds, rate, file.frames)
        file.seek(first)
        samples = file.read(count, dtype="float32", always_2d=True).T
        if samples.shape[1] < count:
            raise cut_short(path, (first + samples.shape[1]) / rate, file.frames / rate)
    return np.ascontiguousarray(samples), rate


@dataclass(frozen=True, eq=False)
class TrackIndex:
    """Where the samples of a track are.

    Attributes:
        path: The file.
        rate: Hz.
        channels: Number of channels.
        start: Time stamp of the first sample, s.
        clock: Factor by which the audio is longer according to its time stamps.
        times: (K,), the time stamp of each frame, s; NaN if it has none.
        firsts: (K + 1,), the number of its first sample among those decoded, and how many there are.
        pieces: Which samples stand where, in step with the time stamps but for a drift.
        length: Samples in step, but for a drift.
    """

    path: Path
    rate: int
    channels: int
    start: float
    clock: float
    times: np.ndarray
    firsts: np.ndarray
    pieces: tuple[Piece, ...]
    length: int

    @property
    def samples(self) -> int:
        """Samples of the entire audio as `AudioReader` reads it."""
        return round(self.length * self.clock)

    def read(self, first: int, count: int) -> np.ndarray:
        """Samples `first` to `first + count` of the entire audio, (C, count) float32."""
        if self.clock == 1:
            return self._in_step(first, first + count)
        # Begin where the grids of samples before and after the resampling meet best.
        latest = max(0, int(first / self.clock) - _FILTER)
        candidates = np.arange(max(0, latest - round(1 / abs(self.clock - 1)) - self.rate), latest + 1)
        off = candidates * self.clock
        begin = int(candidates[np.argmin(np.abs(off - np.round(off)))])
        end = min(self.length, int((first + count) / self.clock) + _FILTER)
        resampler = Resampler(self.channels, self.rate / self.clock, self.rate)
        followed = np.concatenate([resampler.push(self._in_step(begin, end)), resampler.finish()], axis=1)
        skipped = first - round(begin * self.clock)
        return np.ascontiguousarray(followed[:, skipped : skipped + count])

    def _in_step(self, begin: int, end: int) -> np.ndarray:
        """Samples from `begin` to `end` as they stand in step, silence where nothing was recorded."""
        out = np.zeros((self.channels, end - begin), np.float32)
        used = [piece for piece in self.pieces if piece.place < end and piece.place + piece.length > begin]
        if not used:
            return out
        low = used[0].first + max(0, begin - used[0].place)
        high = used[-1].first + min(used[-1].length, end - used[-1].place)
        decoded = self._decoded(low, high)
        if decoded is None:
            return self._from_beginning(begin, end)
        for place, first, length in used:
            a, b = max(begin, place), min(end, place + length)
            out[:, a - begin : b - begin] = decoded[:, first + a - place - low : first + b - place - low]
        return out

    def _decoded(self, low: int, high: int) -> np.ndarray | None:
        """Decoded samples from number `low` to `high`; None if seeking leads to other frames than the index has."""
        if not (np.diff(self.times) > 0).all():
            return None
        begin = int(np.searchsorted(self.firsts, low, "right")) - 1
        end = int(np.searchsorted(self.firsts, high, "left"))
        for earlier in _EARLIER:
            blocks = self._frames(begin, end, earlier)
            if blocks is not None:
                return np.concatenate(blocks, axis=1)[:, low - self.firsts[begin] : high - self.firsts[begin]]
        return None

    def _frames(self, begin: int, end: int, earlier: float) -> list[np.ndarray] | None:
        """The frames from number `begin` to `end`, decoded from `earlier` seconds before on; None if others came."""
        found: list[np.ndarray] = []
        expected: int | None = None
        try:
            for time, block in self._decode_from(float(self.times[begin]) - earlier):
                number = self._number(time)
                if number is None or (expected is not None and number != expected):
                    if expected is None:
                        continue
                    return None
                if expected is None and number and self.times[begin] - self.times[number] < _LEAD / 2:
                    return None
                expected = number + 1
                if number >= begin:
                    if block.shape[1] != self.firsts[number + 1] - self.firsts[number]:
                        return None
                    found.append(block)
                if expected == end:
                    return found
        except (FFmpegError, MediaError):
            pass
        return None

    def _number(self, time: float | None) -> int | None:
        number = int(np.searchsorted(self.times, time)) if time is not None else len(self.times)
        return number if number < len(self.times) and self.times[number] == time else None

    def _decode_from(self, time: float) -> Iterator[TimedBlock]:
        """Frames from about a time stamp on; from the beginning if nothing precedes it."""
        with open_track(self.path) as (container, stream):
            packets: Iterator[Any] = container.demux(stream)
            if time > self.times[0]:
                container.seek(int(time * 1e6))
                unit = float(stream.time_base)
                packets = (packet for packet in packets if packet.pts is None or packet.pts * unit >= time)
            yield from TrackDecoder(self.path).frames(container, stream, packets)

    def _from_beginning(self, begin: int, end: int) -> np.ndarray:
        parts, place = [], 0
        for block in AudioReader(self.path).blocks():
            parts.append(block[:, max(0, begin - place) : max(0, end - place)])
            place += block.shape[1]
            if place >= end:
                break
        return np.concatenate(parts, axis=1)


@lru_cache(maxsize=4)
def track_index(path: Path, size: int, modified: int) -> TrackIndex:
    """Decode a track to its end -> where its samples are; kept for the files read last, by size and time of change.

    Raises:
        MediaError: As `AudioReader.blocks`.
    """
    decoder = TrackDecoder(path)
    times, counts = array("d"), array("q", [0])

    def noted(frames: Iterator[TimedBlock]) -> Iterator[TimedBlock]:
        for time, block in frames:
            check_finite(block, path)
            times.append(np.nan if time is None else time)
            counts.append(block.shape[1])
            yield time, block

    with open_track(path) as (container, stream):
        frames = noted(decoder.frames(container, stream))
        first = next(frames, None)
        if first is None:
            raise empty_audio(path)
        timeline = Timeline(decoder.rate)
        length = sum(block.shape[1] for block in timeline.in_step(chain([first], frames)))
    clock = clock_factor(timeline.drift, length / decoder.rate, path)
    firsts = np.cumsum(np.frombuffer(counts, np.int64))
    format_ = decoder.rate, decoder.channels, decoder.start
    return TrackIndex(path, *format_, clock, np.frombuffer(times), firsts, tuple(timeline.pieces), length)
