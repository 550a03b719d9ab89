"""Video frames with their times, and the choice of one for every time of a fixed grid.

A grid has `fps` images per second: image k belongs to the time k / fps. Whatever the frame rate of the file, constant
or not, image k is the frame whose time stamp is nearest (the earlier one of two equally near).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from avspatial.errors import MediaError
from avspatial.media.ffmpeg import TOLERATED, open_media, own_seconds

_TOLERANCE = 1e-6
_IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})

TimedFrame = tuple[float, Any]
"""A time in seconds, and its frame: decoded, or an upright image (H, W, 3) uint8, or an image file."""


def stream_frames(
    packets: Iterable[Any], stream: Any, path: Path, origin: float | None = None, start: float = 0.0
) -> Iterator[TimedFrame]:
    """Decode packets of `stream` one after another -> frames with their time since `start` seconds after `origin`, a
    time stamp in seconds; None: the start of the stream. Raises MediaError for a damaged frame."""
    time_base = stream.time_base or Fraction(1, 1)
    first = float(stream.start_time * time_base) if stream.start_time is not None else None
    for packet in packets:
        for frame in packet.decode():
            if frame.time is None:
                raise MediaError("its frames have no time stamps", where=path, fix="Put the video into an mp4 file.")
            if frame.is_corrupt:
                raise MediaError(f"damaged near {frame.time:.2f} s", where=path, fix="Copy or download it again.")
            first = frame.time if first is None else first
            yield frame.time - (first if origin is None else origin) - start, frame


def all_frames(
    container: Any, stream: Any, path: Path, origin: float | None = None, start: float = 0.0
) -> Iterator[TimedFrame]:
    """`stream_frames` of the entire stream. Raises MediaError, at the end, if half a second is missing, or if the video
    ends before `start`."""
    stream.thread_type = "AUTO"
    time_base = stream.time_base or Fraction(1, 1)
    first, end, left = stream.start_time, 0, 0.0
    for time, frame in stream_frames(container.demux(stream), stream, path, origin, start):
        first = frame.pts if first is None else first
        end = frame.pts - first + frame.duration
        left = time + float(frame.duration * time_base)
        yield time, frame
    refuse_early_end(container, stream, float(end * time_base), path)
    refuse_late_start(left, start, path)


def refuse_early_end(container: Any, stream: Any, end: float, path: Path) -> None:
    """Raise MediaError if the file promises half a second more than up to `end`, seconds from the stream's start."""
    declared = own_seconds(container, stream)
    if declared - end > TOLERATED:
        raise MediaError(
            f"cut short: its video ends at {end:.2f} s of {declared:.2f} s",
            where=path,
            fix="Copy or download it again.",
        )


def refuse_late_start(left: float, start: float, path: Path) -> None:
    """Raise MediaError if nothing is left of a video, in seconds, from `start` seconds after its origin on."""
    if start and left <= 0:
        raise MediaError(
            f"its video ends at {start + left:.2f} s; an excerpt from {start:.2f} s on was asked for",
            where=path,
            fix="Correct the times of the clip, leave it out, or copy the file again.",
        )


def image_files(folder: Path) -> list[Path]:
    """The numbered image files of a folder, in the order of their numbers. Raises MediaError if there is none."""
    if not folder.is_dir():
        raise MediaError("no such folder of images", where=folder)
    files = [f for f in folder.iterdir() if f.suffix.lower() in _IMAGE_SUFFIXES and f.stem.isdigit()]
    if not files:
        raise MediaError("holds no numbered png or jpg image", where=folder, fix="Name them 1.jpg or 000001.png ...")
    return sorted(files, key=lambda file: (int(file.stem), file.name))


def folder_frames(folder: Path, rate: float, start: float = 0.0) -> Iterator[TimedFrame]:
    """The numbered image files of a folder, `rate` per second, not yet read, with their time since `start` seconds.
    Raises MediaError if they end before it."""
    files = image_files(folder)
    refuse_late_start(len(files) / rate - start, start, folder)
    for number, file in enumerate(files):
        yield number / rate - start, file


def read_image(file: Path) -> np.ndarray:
    """Read a png or jpg file -> uint8 (H, W, 3) RGB, upright. Raises MediaError if it cannot be read.

    A jpg is decoded by libjpeg, as Pillow and so the field's public code do: FFmpeg's conversion to RGB, made for
    speed, is up to 14 of 255 away from it, which changes a network's output by 3e-4 of full scale.
    """
    if file.suffix.lower() == ".png":
        with open_media(file, pattern_type="none") as container:
            frame = next(container.decode(video=0), None)
        if frame is None:
            raise MediaError("not a readable image", where=file, fix="Copy it again.")
        return _upright(frame)
    from torchvision.io import ImageReadMode, decode_jpeg  # slow to import, and videos need none of it

    try:
        planes = decode_jpeg(torch.from_numpy(np.fromfile(file, np.uint8)), ImageReadMode.RGB, "cpu", True)
    except (RuntimeError, ValueError, OSError) as error:
        text = getattr(error, "strerror", None) or "no jpg, damaged or cut short"
        raise MediaError(f"not a readable image ({text})", where=file, fix="Copy it again.") from error
    return np.ascontiguousarray(planes.permute(1, 2, 0).numpy())


def _upright(frame: av.VideoFrame) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4))


def array_frames(frames: Iterable[Any], times: Iterable[float]) -> Iterator[TimedFrame]:
    """Frames (H, W, 3) uint8 in memory with their times in seconds, ascending.

    Raises:
        MediaError: For no frame, another shape or type, times that do not ascend, and fewer times than frames.
    """
    remaining = iter(times)
    before = -math.inf
    for number, value in enumerate(frames):
        frame = np.asarray(value.cpu() if isinstance(value, torch.Tensor) else value)
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or not frame.size:
            raise MediaError(
                f"frame {number} is {frame.dtype} {tuple(frame.shape)}; uint8 (H, W, 3) is needed", where="frames"
            )
        time = next(remaining, math.nan)
        if not before < time < math.inf:
            text = "has no time" if math.isnan(time) else f"comes at {time:g} s, after one at {before:g} s"
            raise MediaError(f"frame {number} {text}", where="times", fix="Give one ascending time for each frame.")
        before = time
        yield time, frame
    if before == -math.inf:
        raise MediaError("no frame was given", where="frames")


def image_count(seconds: float, fps: float) -> int:
    """One image for every grid time within audio of that length."""
    return max(1, math.ceil(seconds * fps - _TOLERANCE))


def on_grid(
    frames: Iterator[TimedFrame], fps: float, size: tuple[int, int], count: int | None, path: Path
) -> Iterator[np.ndarray]:
    """The nearest frame for every grid time, as uint8 (H, W, 3), `size` being (H, W); only those taken are converted.

    `count` images, the last frame being repeated if the video is shorter; None: as many as the video is long.
    """
    taken = 0
    previous: TimedFrame | None = None
    step = 0.0
    for time, frame in frames:
        if previous is not None:
            step = time - previous[0]
            end = _grid_end((time + previous[0]) / 2 * fps, count)
            yield from _repeat(previous[1], end - taken, size)
            taken = max(taken, end)
        previous = time, frame
        if count is not None and taken >= count:
            return
    if previous is None:
        raise MediaError("a clip without video frames: none could be decoded", where=path, fix="Copy it again.")
    if count is None:
        count = max(1, math.ceil((previous[0] + step) * fps - _TOLERANCE))
    yield from _repeat(previous[1], max(count, 1) - taken, size)


def nearest_frames(times: np.ndarray, fps: float, count: int) -> np.ndarray:
    """Which of the frames at `times` (K,), ascending, `on_grid` takes for `count` grid times -> (n,) int, ascending."""
    middles = (times[1:] + times[:-1]) / 2 * fps
    ends = np.append(np.minimum(np.floor(middles + _TOLERANCE) + 1, count), count)
    begins = np.maximum.accumulate(np.append(0, ends[:-1]))
    return np.flatnonzero(ends > begins)


def _grid_end(boundary: float, count: int | None) -> int:
    """How many grid times lie at or before `boundary` (in grid steps)."""
    end = math.floor(boundary + _TOLERANCE) + 1
    return end if count is None else min(end, count)


def _repeat(frame: av.VideoFrame | np.ndarray | Path, times: int, size: tuple[int, int]) -> list[np.ndarray]:
    return [to_image(frame, size)] * times if times > 0 else []


def to_image(frame: av.VideoFrame | np.ndarray | Path, size: tuple[int, int]) -> np.ndarray:
    """The frame of a `TimedFrame` -> uint8 (H, W, 3), upright, stretched to `size` with antialiasing."""
    if isinstance(frame, Path):
        frame = read_image(frame)
    upright = _upright(frame) if isinstance(frame, av.VideoFrame) else np.ascontiguousarray(frame)
    if upright.shape[:2] == tuple(size):
        return upright
    # torch resizes uint8 with antialiasing as Pillow does, several times faster than swscale's area filter.
    planes = torch.from_numpy(upright).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(planes, size=tuple(size), mode="bilinear", antialias=True)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())
