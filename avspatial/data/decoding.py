"""Decoding of a clip: the part of its files that it is, as it is stored there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avspatial.data.layout import check_audio
from avspatial.interfaces import Clip
from avspatial.media.audio import audio_start, read_audio
from avspatial.media.frame_reader import read_on_grid
from avspatial.media.video import folder_images

__all__ = ["clip_audio", "clip_images", "clip_views"]

_VIEWS = 8
"""Panoramas of which views are cut at a time."""


def clip_audio(clip: Clip) -> tuple[np.ndarray, int]:
    """Decode a clip's audio.

    Args:
        clip: The clip.

    Returns:
        (2, T) float32 and its rate in Hz: two equal channels of a mono clip, the channels of the file, (C, T), of one
        that is to be rendered.

    Raises:
        DataError: Another number of channels than two where two are needed, or less than 8 kHz.
        MediaError: A file that cannot be read, or that ends before the clip does.
    """
    check_audio(clip.audio, stereo=not clip.mono and clip.rendering is None)
    audio, rate = read_audio(clip.audio, clip.start, clip.seconds)
    return (np.repeat(audio.mean(0, keepdims=True), 2, axis=0) if clip.mono else audio), rate


def clip_images(clip: Clip, fps: float, size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    """Decode a clip's images at the times k / fps, one after another.

    Args:
        clip: The clip.
        fps: Images per second.
        size: Height and width, pixels.
        count: Number of images; the last one is repeated if the video is shorter.

    Yields:
        (H, W, 3) uint8, as they are in the files: panoramas if the clip is to be rendered.

    Raises:
        MediaError: A video that cannot be read or is damaged.
    """
    if clip.frames_fps is not None:
        yield from folder_images(clip.video, clip.frames_fps, fps, size, count, start=clip.start)
        return
    # The images of one file are counted from its audio, which may begin earlier or later than its video.
    origin = audio_start(clip.audio) if clip.audio == clip.video else None
    yield from read_on_grid(clip.video, fps, size, count, origin, clip.start)


def clip_views(clip: Clip, fps: float, size: tuple[int, int], count: int) -> Iterator[np.ndarray]:
    """Decode a clip's images, rendered if it is to be rendered; arguments and errors as for `clip_images`.

    Yields:
        (H, W, 3) uint8 of this size.
    """
    if clip.rendering is None:
        yield from clip_images(clip, fps, size, count)
        return
    waiting: list[np.ndarray] = []
    for number, panorama in enumerate(clip_images(clip, fps, clip.rendering.panorama, count), 1):
        waiting.append(panorama)
        if len(waiting) == _VIEWS or number == count:
            yield from clip.rendering.view(np.stack(waiting), size)
            waiting = []
