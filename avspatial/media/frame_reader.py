"""The pictures of a video on a grid, without decoding what nobody looks at.

Which frames lie nearest to the places of the grid follows from the time stamps of the packets alone. Of the others, the
decoder leaves out those that no frame refers to, and codecs whose frames stand alone decode no other at all: what
comes out is, bit for bit, what decoding everything gives.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.media.ffmpeg import opened, video_stream
from avspatial.media.frame_grid import Timed, all_frames, nearest_frames, on_grid, refuse_early_end, stream_frames


class FrameReader:
    """The first video stream of a file that is no cover. `decoded` counts the frames that came out of the decoder."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.decoded = 0

    def on_grid(
        self, fps: float, size: tuple[int, int], count: int, origin: float | None = None
    ) -> Generator[np.ndarray, None, None]:
        """The frames nearest to k / fps, k below `count`, seconds since `origin` (a time stamp in s; the start of the
        stream where None) -> uint8 (H, W, 3), upright, resized, the last one repeated where the video is shorter.

        MediaError for a file that is missing, has no picture, is damaged, or is cut short.
        """
        needed = self._needed(fps, count, origin)
        given = 0
        if needed is not None:
            try:
                for picture in self._sparing(needed, fps, size, count, origin):
                    yield picture
                    given += 1
                return
            except LeftOutError:
                # Not every packet holds a picture: then its neighbours are needed, which were left out.
                pass
        with opened(self.path) as container:
            frames = all_frames(container, video_stream(container, self.path), self.path, origin)
            yield from islice(on_grid(self._counted(frames), fps, size, count, self.path), given, None)

    def _sparing(
        self, needed: np.ndarray, fps: float, size: tuple[int, int], count: int, origin: float | None
    ) -> Iterator[np.ndarray]:
        with opened(self.path) as container:
            stream = video_stream(container, self.path)
            frames = stream_frames(_hinted(container, stream, needed), stream, self.path, origin)
            yield from on_grid(checked(self._counted(frames), needed), fps, size, count, self.path)

    def _counted(self, frames: Iterable[Timed]) -> Iterator[Timed]:
        for timed in frames:
            self.decoded += 1
            yield timed

    def _needed(self, fps: float, count: int, origin: float | None) -> np.ndarray | None:
        """The time stamps of the frames that the grid takes, ascending; None where the packets do not tell."""
        found = array("q")
        with opened(self.path) as container:
            stream = video_stream(container, self.path)
            base, first = stream.time_base, stream.start_time
            for packet in container.demux(stream):
                if packet.size and packet.pts is None:
                    return None
                if packet.size and not packet.is_discard:
                    found.append(packet.pts)
                    last = packet.pts + (packet.duration or 0)
            stamps = np.sort(np.frombuffer(found, np.int64)) if found else np.zeros(0, np.int64)
            if first is None or base is None or not len(stamps) or not np.diff(stamps).all():
                return None
            times = stamps * base.numerator / base.denominator - (float(first * base) if origin is None else origin)
            if times[-1] < (count - 1) / fps:
                refuse_early_end(container, stream, float((max(last, int(stamps[-1])) - first) * base), self.path)
        return stamps[nearest_frames(times, fps, count)]


class LeftOutError(Exception):
    """The decoder did not give a frame that it was asked for."""


def _hinted(container: Any, stream: Any, needed: np.ndarray) -> Iterator[Any]:
    """The packets to decode; before each one the decoder is told whether its frame is needed."""
    stream.thread_type = "AUTO"
    codec = stream.codec_context
    for packet in container.demux(stream):
        wanted = not packet.size or _holds(needed, packet.pts)
        if wanted or not codec.codec.intra_only:
            codec.skip_frame = "DEFAULT" if wanted else "NONREF"
            yield packet


def _holds(needed: np.ndarray, stamp: int) -> bool:
    place = int(np.searchsorted(needed, stamp))
    return place < len(needed) and int(needed[place]) == stamp


def checked(frames: Iterable[Timed], needed: np.ndarray) -> Iterator[Timed]:
    """The same frames; LeftOutError as soon as it is clear that a needed one is not among them."""
    due = 0
    for time, frame in frames:
        if due < len(needed) and (frame.pts is None or frame.pts > needed[due]):
            raise LeftOutError
        due += int(due < len(needed) and frame.pts == needed[due])
        yield time, frame
    if due < len(needed):
        raise LeftOutError
