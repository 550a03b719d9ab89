"""Reading the pictures of a clip on a fixed grid, and writing videos (PyAV).

A grid of `fps` pictures a second starts with the clip: picture k belongs to the time k / fps. Whatever the frame
rate of the file, constant or not, picture k is the frame whose time stamp, counted from the start of the stream, is
nearest (the earlier one of two equally near).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
import torch
from av.error import FFmpegError

from avspatial.errors import MediaError
from avspatial.runs.whole import whole_file

# PyAV raises these three beside its own class when FFmpeg reports out of memory, end of file, or a missing stream.
_DECODING = (FFmpegError, MemoryError, EOFError, IndexError)
_TOLERANCE = 1e-6
_PICTURE_FILES = frozenset({".png", ".jpg", ".jpeg"})

Timed = tuple[float, av.VideoFrame]


def video_seconds(path: str | Path) -> float:
    """The length of the pictures in seconds, by the file's header alone; MediaError as `grid_pictures`."""
    with _opened(Path(path)) as container:
        return _declared_seconds(container, _picture_stream(container, Path(path)))


def picture_aspect(path: str | Path, frames_fps: float | None = None) -> float:
    """Width over height of the first picture as a player shows it: upright, with the shape of its pixels.

    `path` is a video file, or, with `frames_fps`, a folder of numbered pictures. MediaError as `grid_pictures`.
    """
    path = Path(path)
    if frames_fps is not None:
        path = picture_files(path)[0]
    with _opened(path) as container:
        stream = _picture_stream(container, path)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise MediaError("a video without a single picture", where=path, fix="Leave the clip out.")
        wide = frame.width * float(stream.sample_aspect_ratio or 1) / frame.height
        return 1 / wide if round(frame.rotation / 90) % 2 else wide


def grid_pictures(path: str | Path, fps: float, size: tuple[int, int], count: int | None = None) -> np.ndarray:
    """The pictures of a video file on the grid k / fps -> uint8 (P, H, W, 3) RGB, `size` being (H, W).

    P is `count`, the last frame being repeated where the video is shorter, or as many as the video is long. Rotation
    metadata is applied; the whole picture is resized with antialiasing, its aspect not kept. One pass, one decoded
    frame in memory at a time. MediaError for a file that is missing, has no picture, is cut short or is damaged.
    """
    path = Path(path)
    with _opened(path) as container:
        stream = _picture_stream(container, path)
        return _on_grid(_stream_frames(container, stream, path), fps, size, count, path)


def folder_pictures(
    folder: str | Path, rate: float, fps: float, size: tuple[int, int], count: int | None = None
) -> np.ndarray:
    """As `grid_pictures`, from a folder of numbered png or jpg files taken at `rate` pictures a second."""
    folder = Path(folder)
    return _on_grid(_folder_frames(folder, rate), fps, size, count, folder)


def picture_files(folder: Path) -> list[Path]:
    """The numbered picture files of a folder, in the order of their numbers; MediaError where there is none."""
    if not folder.is_dir():
        raise MediaError("no such folder of pictures", where=folder)
    files = [f for f in folder.iterdir() if f.suffix.lower() in _PICTURE_FILES and f.stem.isdigit()]
    if not files:
        raise MediaError("holds no numbered png or jpg picture", where=folder, fix="Name them 1.jpg or 000001.png ...")
    return sorted(files, key=lambda file: (int(file.stem), file.name))


def write_video(
    path: str | Path,
    pictures: Iterable[np.ndarray],
    fps: float,
    audio: np.ndarray | None = None,
    rate: int | None = None,
) -> None:
    """pictures (P, H, W, 3) uint8 RGB, H and W even -> a whole mp4 (h264, yuv420p), with sound (C, T) as AAC if given.

    Any iterable of (H, W, 3) pictures will do, so that a long video need not be in memory. The same pictures give the
    same bytes. ValueError for an odd size or no picture; MediaError when the file cannot be written.
    """
    try:
        with whole_file(Path(path)) as aside, av.open(str(aside), "w", options={"fflags": "+bitexact"}) as container:
            _encode(container, pictures, fps, audio, rate)
    except (OSError, FFmpegError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"cannot be written ({reason})", where=path, fix="Free space, or choose another folder."
        ) from (error)


@contextmanager
def _opened(path: Path, **options: str) -> Iterator[av.container.InputContainer]:
    """An open container; everything FFmpeg has to complain about in the block becomes a MediaError."""
    if not path.exists():
        raise MediaError("no such video file", where=path)
    try:
        with av.open(str(path), metadata_errors="replace", options=options) as container:
            yield container
    except _DECODING as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise MediaError(
            f"not a readable video ({reason}); it is damaged or cut short",
            where=path,
            fix="Copy or download it again.",
        ) from error


def _picture_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    if not container.streams.video:
        raise MediaError("a clip with no picture: the file has no video stream", where=path, fix="Leave the clip out.")
    return container.streams.video[0]


def _declared_seconds(container: av.container.InputContainer, stream: av.VideoStream) -> float:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return (container.duration or 0) / 1e6


def _stream_frames(container: av.container.InputContainer, stream: av.VideoStream, path: Path) -> Iterator[Timed]:
    """Frames with their time since the start of the stream; at the end, a MediaError if half a second is missing."""
    stream.thread_type = "AUTO"
    time_base = stream.time_base or Fraction(1, 1)
    start = float(stream.start_time * time_base) if stream.start_time is not None else None
    end = 0.0
    for frame in container.decode(stream):
        if frame.time is None:
            raise MediaError("its frames have no time stamps", where=path, fix="Put the video into an mp4 file.")
        if frame.is_corrupt:
            raise MediaError(f"damaged near {frame.time:.2f} s", where=path, fix="Copy or download it again.")
        start = frame.time if start is None else start
        end = frame.time - start + float(frame.duration * time_base)
        yield frame.time - start, frame
    declared = float((stream.duration or 0) * time_base)
    if declared - end > 0.5:
        raise MediaError(
            f"cut short: its pictures end at {end:.2f} s of {declared:.2f} s",
            where=path,
            fix="Copy or download it again.",
        )


def _folder_frames(folder: Path, rate: float) -> Iterator[Timed]:
    for number, file in enumerate(picture_files(folder)):
        with _opened(file, pattern_type="none") as container:
            frame = next(container.decode(video=0), None)
        if frame is None:
            raise MediaError("a picture that cannot be read", where=file, fix="Copy it again.")
        yield number / rate, frame


def _on_grid(frames: Iterator[Timed], fps: float, size: tuple[int, int], count: int | None, path: Path) -> np.ndarray:
    """Take the nearest frame for every grid time; only the frames taken are converted."""
    taken: list[np.ndarray] = []
    previous: Timed | None = None
    step = 0.0
    for time, frame in frames:
        if previous is not None:
            step = time - previous[0]
            _take(taken, previous[1], _grid_end((time + previous[0]) / 2 * fps, count), size)
        previous = time, frame
        if count is not None and len(taken) >= count:
            break
    if previous is None:
        raise MediaError("a clip with no picture: not one frame could be decoded", where=path, fix="Copy it again.")
    if count is None:
        count = max(1, math.ceil((previous[0] + step) * fps - _TOLERANCE))
    _take(taken, previous[1], count, size)
    return np.stack(taken)


def _grid_end(boundary: float, count: int | None) -> int:
    """How many grid pictures lie at or before `boundary` (in grid steps)."""
    end = math.floor(boundary + _TOLERANCE) + 1
    return end if count is None else min(end, count)


def _take(taken: list[np.ndarray], frame: av.VideoFrame, end: int, size: tuple[int, int]) -> None:
    missing = end - len(taken)
    if missing > 0:
        taken.extend([_picture(frame, size)] * missing)


def _picture(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    """A decoded frame -> uint8 (H, W, 3), upright."""
    picture = frame.to_ndarray(format="rgb24")
    quarters = round(frame.rotation / 90) % 4
    upright = np.ascontiguousarray(np.rot90(picture, quarters))
    if upright.shape[:2] == tuple(size):
        return upright
    # torch resizes uint8 with antialiasing as Pillow does, several times faster than swscale's area filter.
    planes = torch.from_numpy(upright).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(planes, size=tuple(size), mode="bilinear", antialias=True)
    return np.ascontiguousarray(resized[0].permute(1, 2, 0).numpy())


def _encode(
    container: av.container.OutputContainer,
    pictures: Iterable[np.ndarray],
    fps: float,
    audio: np.ndarray | None,
    rate: int | None,
) -> None:
    exact = Fraction(fps).limit_denominator(1001)
    waiting = iter(pictures)
    first = next(waiting, None)
    if first is None:
        raise ValueError("a video needs at least one picture")
    stream = _video_stream(container, exact, first.shape)
    sound = _Sound(container, audio, rate) if audio is not None and rate is not None else None
    for number, picture in enumerate(chain([first], waiting)):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")))
        if sound is not None:
            # Sound goes beside its pictures: players stall on files whose streams are not interleaved.
            sound.encode_until(float((number + 1) / exact))
    container.mux(stream.encode())
    if sound is not None:
        sound.finish()


def _video_stream(container: av.container.OutputContainer, fps: Fraction, shape: tuple[int, ...]) -> av.VideoStream:
    if len(shape) != 3 or shape[0] % 2 or shape[1] % 2 or shape[2] != 3:
        raise ValueError(f"pictures must be (H, W, 3) with even H and W, not {shape}")
    # One thread and no version strings: the same pictures give the same bytes.
    options = {"crf": "18", "preset": "veryfast", "threads": "1"}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


class _Sound:
    """The sound track of a video under way: AAC, fed as far as the pictures have come."""

    def __init__(self, container: av.container.OutputContainer, samples: np.ndarray, rate: int) -> None:
        self.container = container
        self.samples = np.ascontiguousarray(samples, dtype=np.float32)
        self.rate = rate
        self.done = 0
        self.layout = {1: "mono", 2: "stereo"}[samples.shape[0]]
        self.stream = container.add_stream("aac", rate=rate, layout=self.layout, options={"aac_coder": "fast"})
        self.stream.codec_context.flags |= av.codec.context.Flags.bitexact

    def encode_until(self, seconds: float) -> None:
        end = min(round(seconds * self.rate), self.samples.shape[1])
        if end <= self.done:
            return
        part = np.ascontiguousarray(self.samples[:, self.done : end])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=self.layout)
        frame.rate, frame.pts, frame.time_base = self.rate, self.done, Fraction(1, self.rate)
        self.container.mux(self.stream.encode(frame))
        self.done = end

    def finish(self) -> None:
        self.encode_until(self.samples.shape[1] / self.rate)
        self.container.mux(self.stream.encode())
