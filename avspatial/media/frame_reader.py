"""Video frames on a grid, decoding no more frames than necessary.

The time stamps of the packets alone determine which frames lie nearest to the times of the grid. Of the others the
decoder skips those that no frame refers to, and for codecs whose frames are independent no other frame is decoded: the
result is, bit for bit, that of decoding everything.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.media.ffmpeg import open_media, video_stream
from avspatial.media.frame_grid import TimedFrame, all_frames, nearest_frames, on_grid, refuse_early_end, stream_frames


def read_on_grid(
    path: str | Path, fps: float, size: tuple[int, int], count: int, origin: float | None = None
) -> Generator[np.ndarray, None, None]:
    """The frames of a file's video nearest to k / fps, k below `count`, in seconds since `origin` (a time stamp in s;
    None: the start of the stream) -> uint8 (H, W, 3), upright, resized, the last one repeated if the video is shorter.

    Raises:
        MediaError: For a file that is missing, has no video, is damaged, or is cut short.
    """
    path = Path(path)
    needed = _needed_stamps(path, fps, count, origin)
    yielded = 0
    if needed is not None:
        try:
            for image in _decode_needed(path, needed, fps, size, count, origin):
                yield image
                yielded += 1
            return
        except MissingFrameError:
            # Not every packet holds a frame: then the neighbours are needed that the decoder skipped.
            pass
    with open_media(path) as container:
        frames = all_frames(container, video_stream(container, path), path, origin)
        yield from islice(on_grid(frames, fps, size, count, path), yielded, None)


def _decode_needed(
    path: Path, needed: np.ndarray, fps: float, size: tuple[int, int], count: int, origin: float | None
) -> Iterator[np.ndarray]:
    with open_media(path) as container:
        stream = video_stream(container, path)
        frames = stream_frames(_packets(container, stream, needed), stream, path, origin)
        yield from on_grid(require_frames(frames, needed), fps, size, count, path)


def _needed_stamps(path: Path, fps: float, count: int, origin: float | None) -> np.ndarray | None:
    """The time stamps of the frames that the grid takes, ascending; None if the packets do not determine them."""
    collected = array("q")
    with open_media(path) as container:
        stream = video_stream(container, path)
        base, first = stream.time_base, stream.start_time
        for packet in container.demux(stream):
            if packet.size and packet.pts is None:
                return None
            if packet.size and not packet.is_discard:
                collected.append(packet.pts)
                last = packet.pts + (packet.duration or 0)
        stamps = np.sort(np.frombuffer(collected, np.int64)) if collected else np.zeros(0, np.int64)
        if first is None or base is None or not len(stamps) or not np.diff(stamps).all():
            return None
        times = stamps * base.numerator / base.denominator - (float(first * base) if origin is None else origin)
        if times[-1] < (count - 1) / fps:
            refuse_early_end(container, stream, float((max(last, int(stamps[-1])) - first) * base), path)
    return stamps[nearest_frames(times, fps, count)]


class MissingFrameError(Exception):
    """The decoder did not return a requested frame."""


def _packets(container: Any, stream: Any, needed: np.ndarray) -> Iterator[Any]:
    """The packets to decode; the decoder is set for each one according to whether its frame is needed."""
    stream.thread_type = "AUTO"
    codec = stream.codec_context
    for packet in container.demux(stream):
        wanted = not packet.size or _contains(needed, packet.pts)
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
