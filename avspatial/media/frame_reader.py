"""Video frames on a grid, decoding no more frames than necessary.

The time stamps of the packets alone determine which frames lie nearest to the times of the grid. Of the others the
decoder skips those that no frame refers to, and for codecs whose frames are independent no other frame is decoded: the
result is, bit for bit, that of decoding everything.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from av.error import FFmpegError

from avspatial.media.ffmpeg import open_media, video_stream
from avspatial.media.frame_grid import (
    TimedFrame,
    all_frames,
    nearest_frames,
    on_grid,
    refuse_early_end,
    refuse_late_start,
    stream_frames,
)

_EARLIER = (0.0, 2.0, 20.0)
"""Seconds before an excerpt to seek to; farther if the keyframe found there is too late."""


@dataclass(frozen=True)
class _Grid:
    """Image k belongs to the time `start` + k / fps after `origin`, a time stamp in s (None: the start of the stream).

    Times are counted from `start` on.
    """

    fps: float
    size: tuple[int, int]
    count: int
    origin: float | None
    start: float

    @property
    def last(self) -> float:
        """The time of the last image, s."""
        return (self.count - 1) / self.fps

    def zero(self, stream: Any) -> float:
        """The time stamp at which times are 0, s."""
        origin = float(stream.start_time * stream.time_base) if self.origin is None else self.origin
        return origin + self.start


def read_on_grid(
    path: str | Path,
    fps: float,
    size: tuple[int, int],
    count: int,
    origin: float | None = None,
    start: float = 0.0,
) -> Generator[np.ndarray, None, None]:
    """The frames of a file's video nearest to `start` + k / fps, k below `count`, in seconds since `origin` (a time
    stamp in s; None: the start of the stream) -> uint8 (H, W, 3), upright, resized, the last one repeated if the video
    is shorter.

    Raises:
        MediaError: For a file that is missing, has no video, is damaged, or is cut short, or that ends before `start`.
    """
    path = Path(path)
    grid = _Grid(fps, size, count, origin, start)
    yielded = 0
    try:
        for image in _read_needed(path, grid):
            yield image
            yielded += 1
        return
    except MissingFrameError:
        # Not every packet holds a frame: then the neighbours are needed that the decoder skipped. Or seeking does not
        # lead to a keyframe.
        pass
    with open_media(path) as container:
        frames = all_frames(container, video_stream(container, path), path, origin, start)
        yield from islice(on_grid(frames, fps, size, count, path), yielded, None)


def _read_needed(path: Path, grid: _Grid) -> Iterator[np.ndarray]:
    """The images, from no more frames than necessary. Raises MissingFrameError if that is impossible."""
    needed = _needed_stamps(path, grid)
    with open_media(path) as container:
        stream = video_stream(container, path)
        packets = _packets(_from_keyframe(container, stream, grid), stream, needed)
        frames = require_frames(stream_frames(packets, stream, path, grid.origin, grid.start), needed)
        yield from on_grid(_up_to(frames, int(needed[-1])), grid.fps, grid.size, grid.count, path)


def _needed_stamps(path: Path, grid: _Grid) -> np.ndarray:
    """The time stamps of the frames that the grid takes, ascending, at least one. Raises MissingFrameError if the
    packets do not determine them."""
    collected = array("q")
    with open_media(path) as container:
        stream = video_stream(container, path)
        base, first = stream.time_base, stream.start_time
        if first is None or base is None:
            raise MissingFrameError
        beyond: int | None = None
        reached = False
        end = (grid.zero(stream) + grid.last) / float(base)
        for packet in _from_keyframe(container, stream, grid):
            if beyond is not None and packet.dts is not None and packet.dts > beyond:
                reached = True  # no later packet holds an earlier frame
                break
            if packet.size and packet.pts is None:
                raise MissingFrameError
            if packet.size and not packet.is_discard:
                collected.append(packet.pts)
                last = packet.pts + (packet.duration or 0)
                if packet.pts > end:
                    beyond = packet.pts if beyond is None else min(beyond, packet.pts)
        stamps = np.sort(np.frombuffer(collected, np.int64)) if collected else np.zeros(0, np.int64)
        if not len(stamps) or not np.diff(stamps).all():
            raise MissingFrameError
        times = stamps * base.numerator / base.denominator - grid.zero(stream)
        last = max(last, int(stamps[-1]))
        if not reached and times[-1] < grid.last:
            refuse_early_end(container, stream, float((last - first) * base), path)
            refuse_late_start(float(last * base) - grid.zero(stream), grid.start, path)
    return stamps[nearest_frames(times, grid.fps, grid.count)]


def _from_keyframe(container: Any, stream: Any, grid: _Grid) -> Iterator[Any]:
    """The packets from the last keyframe before the grid on; all, if the grid begins with the video. Raises
    MissingFrameError if seeking does not lead to one."""
    # After seeking, avi has no time stamps to tell reordered frames by.
    if not grid.start or (container.format.name == "avi" and stream.codec_context.has_b_frames):
        yield from container.demux(stream)
        return
    stamp = math.floor(grid.zero(stream) / stream.time_base)
    for earlier in _EARLIER:
        try:
            container.seek(math.floor(stamp - earlier / stream.time_base), stream=stream)
        except FFmpegError:  # no keyframe is so early
            continue
        packets = container.demux(stream)
        first = next((packet for packet in packets if packet.is_keyframe and packet.size), None)
        if first is not None and first.pts is not None and first.pts <= stamp:
            yield first
            yield from packets
            return
    raise MissingFrameError


class MissingFrameError(Exception):
    """The decoder did not return a requested frame."""


def _packets(packets: Iterable[Any], stream: Any, needed: np.ndarray) -> Iterator[Any]:
    """The packets to decode; the decoder is set for each one according to whether its frame is needed."""
    stream.thread_type = "AUTO"
    codec = stream.codec_context
    codec.open(strict=False)  # dav1d would take what it is opened with for all packets
    for packet in packets:
        # Behind the last one a few more are decoded until its frame comes out.
        wanted = not packet.size or _contains(needed, packet.pts) or (packet.dts or 0) > needed[-1]
        if wanted or not codec.codec.intra_only:
            codec.skip_frame = "DEFAULT" if wanted else "NONREF"
            yield packet


def _contains(stamps: np.ndarray, stamp: int) -> bool:
    index = int(np.searchsorted(stamps, stamp))
    return index < len(stamps) and int(stamps[index]) == stamp


def require_frames(frames: Iterable[TimedFrame], needed: np.ndarray) -> Iterator[TimedFrame]:
    """Yield the frames; raise MissingFrameError as soon as a needed one is certain not to come."""
    due = 0
    for time, frame in frames:
        if due < len(needed) and (frame.pts is None or frame.pts > needed[due]):
            raise MissingFrameError
        due += int(due < len(needed) and frame.pts == needed[due])
        yield time, frame
    if due < len(needed):
        raise MissingFrameError


def _up_to(frames: Iterable[TimedFrame], last: int) -> Iterator[TimedFrame]:
    """The frames up to the one whose time stamp is `last`."""
    for time, frame in frames:
        yield time, frame
        if frame.pts == last:
            return
