"""Reading the images of a clip on a fixed grid, and writing videos (PyAV).

A grid of `fps` images per second starts with the clip: image k belongs to the time k / fps. Whatever the frame rate
of the file, constant or not, image k is the frame whose time stamp, counted from the start of the stream, is nearest
(the earlier one of two equally near).
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain, count, takewhile
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError
from avspatial.media.audio_writer import AudioTrack
from avspatial.media.ffmpeg import declared_seconds, open_file, open_media, video_stream
from avspatial.media.file_errors import unwritable
from avspatial.media.frame_grid import all_frames, folder_frames, image_files, on_grid
from avspatial.media.frame_reader import read_on_grid

__all__ = ["folder_images", "frame_aspect", "grid_images", "image_files", "video_seconds", "write_video"]


def video_seconds(path: str | Path) -> float:
    """The length of the video in seconds, according to its header. Raises MediaError as `grid_images`."""
    with open_media(Path(path)) as container:
        return declared_seconds(container, video_stream(container, Path(path)))


def frame_aspect(path: str | Path, frames_fps: float | None = None) -> float:
    """Width over height of the first frame as a player shows it: upright, with the shape of its pixels.

    `path` is a video file, or, with `frames_fps`, a folder of numbered images. Raises MediaError as `grid_images`.
    """
    path = Path(path)
    if frames_fps is not None:
        path = image_files(path)[0]
    with open_media(path) as container:
        stream = video_stream(container, path)
        frame = next(container.decode(stream), None)
        if frame is None:
            raise MediaError("a video without a single frame", where=path, fix="Leave the clip out.")
        wide = frame.width * float(stream.sample_aspect_ratio or 1) / frame.height
        return 1 / wide if round(frame.rotation / 90) % 2 else wide


def grid_images(
    path: str | Path,
    fps: float,
    size: tuple[int, int],
    count: int | None = None,
    *,
    start: float = 0.0,
    origin: float | None = None,
) -> np.ndarray:
    """Read the images of a video file on the grid `start` + k / fps, in one pass with one decoded frame in memory at a
    time. If `count` is given, only the frames from the last keyframe before `start` on are decoded.

    Rotation metadata is applied; the full frame is resized with antialiasing, its aspect is not kept.

    Args:
        path: A video file.
        fps: Images per second of the grid.
        size: (H, W).
        count: Number of images P, the last frame being repeated if the video is shorter; None: as many as the video is
            long.
        start: Where an excerpt begins, seconds after `origin`.
        origin: Time stamp from which the grid is counted, s; None: that of the first video frame. The images that
            belong to an excerpt of the same file's audio are counted from `audio.audio_start`.

    Returns:
        uint8 (P, H, W, 3), RGB.

    Raises:
        MediaError: For a file that is missing, has no video, is cut short or is damaged, or that ends before `start`.
    """
    path = Path(path)
    if count is not None:
        return np.stack(list(read_on_grid(path, fps, size, count, origin, start)))
    with open_media(path) as container:
        frames = all_frames(container, video_stream(container, path), path, origin, start)
        return np.stack(list(on_grid(frames, fps, size, None, path)))


def folder_images(
    folder: str | Path,
    rate: float,
    fps: float,
    size: tuple[int, int],
    count: int | None = None,
    *,
    start: float = 0.0,
) -> np.ndarray:
    """Read images as `grid_images`, from a folder of numbered png or jpg files taken at `rate` per second."""
    folder = Path(folder)
    return np.stack(list(on_grid(folder_frames(folder, rate, start), fps, size, count, folder)))


def write_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    fps: float,
    audio: np.ndarray | None = None,
    rate: int | None = None,
) -> None:
    """Write an mp4 file (h264, yuv420p, AAC), completely or not at all. The same input gives the same bytes.

    Args:
        path: The file.
        frames: uint8 (P, H, W, 3) RGB, H and W even, or any iterable of (H, W, 3): a long video need not be in memory.
        fps: Frames per second.
        audio: (C, T), or None.
        rate: Of the audio, in Hz.

    Raises:
        ValueError: For an odd size or no frame.
        MediaError: If the file cannot be written.
    """
    try:
        with (
            atomic_write(Path(path)) as temporary_path,
            open_file(temporary_path, "w", options={"fflags": "+bitexact"}) as container,
        ):
            _encode(container, frames, fps, audio, rate)
    except (OSError, FFmpegError) as error:
        raise unwritable(path, error) from error


def _encode(
    container: av.container.OutputContainer,
    frames: Iterable[np.ndarray],
    fps: float,
    audio: np.ndarray | None,
    rate: int | None,
) -> None:
    exact = Fraction(fps).limit_denominator(1001)
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise ValueError("a video needs at least one frame")
    stream = _video_stream(container, exact, first.shape)
    track = _audio_track(container, audio, rate, exact) if audio is not None and rate is not None else None
    for number, image in enumerate(chain([first], remaining)):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        if track is not None:
            # Audio goes next to its frames: players stall on files whose streams are not interleaved.
            track.write_until(float((number + 1) / exact))
    container.mux(stream.encode())
    if track is not None:
        track.finish()


def _video_stream(container: av.container.OutputContainer, fps: Fraction, shape: tuple[int, ...]) -> av.VideoStream:
    if len(shape) != 3 or shape[0] % 2 or shape[1] % 2 or shape[2] != 3:
        raise ValueError(f"frames must be (H, W, 3) with even H and W, not {shape}")
    # One thread and no version strings: the same frames give the same bytes.
    options = {"crf": "18", "preset": "veryfast", "threads": "1"}
    stream = container.add_stream("libx264", rate=fps, options=options)
    stream.height, stream.width = shape[:2]
    stream.pix_fmt = "yuv420p"
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    return stream


def _audio_track(
    container: av.container.OutputContainer, samples: np.ndarray, rate: int, blocks_per_second: Fraction
) -> AudioTrack:
    """A track of AAC, in blocks as long as the video frames that they go next to."""
    layout = {1: "mono", 2: "stereo"}[samples.shape[0]]
    stream = container.add_stream("aac", rate=rate, layout=layout, options={"aac_coder": "fast"})
    stream.codec_context.flags |= av.codec.context.Flags.bitexact
    ends = (round(float(number / blocks_per_second) * rate) for number in count(1))
    within = list(takewhile(lambda end: end < samples.shape[1], ends))
    return AudioTrack(container, stream, "fltp", np.split(np.asarray(samples, np.float32), within, axis=1))
