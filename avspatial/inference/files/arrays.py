"""Audio and video frames in memory to binaural audio in memory, without a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import count
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avspatial.errors import DataError
from avspatial.framing import Window
from avspatial.inference.files.render import ProgressCallback, assemble_stereo
from avspatial.inference.files.scene_cuts import SceneImages
from avspatial.inference.options import InferenceOptions, make_processor
from avspatial.inference.visual_features import ImageSource
from avspatial.interfaces import Spatializer
from avspatial.media.audio_stream import BLOCK
from avspatial.media.frame_grid import TimedFrame, array_frames, image_count, on_grid
from avspatial.media.frame_reader import read_on_grid


def check_audio(audio: np.ndarray | Tensor) -> np.ndarray:
    """(T,), (1, T) or (2, T), floating point -> (C, T) float32. Raises DataError for anything else, and for values that
    are not finite."""
    if isinstance(audio, Tensor):
        audio = (audio.detach().float() if audio.is_floating_point() else audio).cpu().numpy()  # numpy has no bfloat16
    samples = np.asarray(audio)
    if not np.issubdtype(samples.dtype, np.floating):
        raise DataError(
            f"its samples are {samples.dtype}; floating point in [-1, 1] is needed",
            where="audio",
            fix="Divide 16 bit samples by 32768.",
        )
    samples = samples[None] if samples.ndim == 1 else samples
    if samples.ndim != 2 or samples.shape[0] not in {1, 2} or not samples.shape[1]:
        raise DataError(f"needs (T,), (1, T) or (2, T), got {np.shape(audio)}", where="audio")
    with np.errstate(over="ignore"):
        samples = samples.astype(np.float32, copy=False)
    if not np.isfinite(samples).all():
        raise DataError("has samples that are NaN or infinite", where="audio")
    return samples


def timed_frames(frames: Iterable[Any], fps: float | None, times: Iterable[float] | None) -> Iterator[TimedFrame]:
    """Frames at `fps` per second or at `times`. Raises DataError unless exactly one of the two is given."""
    if isinstance(frames, int | float) or frames is None:
        raise DataError(f"needs an array, an iterable of arrays or a video file, got {frames!r}", where="frames")
    if (fps is None) == (times is None) or (fps is not None and not (isinstance(fps, Real) and 0 < fps < math.inf)):
        raise DataError("needs either fps, above 0, or times, in seconds", where="frames")
    return array_frames(frames, (k / fps for k in count()) if fps is not None else times if times is not None else ())


VideoInput = np.ndarray | Tensor | Iterable[Any] | str | Path
"""uint8 (P, H, W, 3), any iterable of (H, W, 3), or a video file."""


def image_source(
    video: VideoInput, fps: float | None, times: Iterable[float] | None, window: Window, seconds: float
) -> SceneImages:
    """Images for `seconds` on the grid of `window`. The grid of a video file starts with its first frame.

    Raises DataError unless the times of the frames are given exactly once, and MediaError for a file or frames that
    cannot be used.
    """
    wanted = image_count(seconds, window.fps)
    if not isinstance(video, str | Path):
        frames = timed_frames(video, fps, times)
        return SceneImages(on_grid(frames, window.fps, window.picture, wanted, Path("frames")), wanted)
    if fps is not None or times is not None:
        raise DataError("a video file has its own time stamps", where="frames", fix="Omit fps and times.")
    return SceneImages(read_on_grid(video, window.fps, window.picture, wanted), wanted)


def spatialize_audio(
    spatializer: Spatializer,
    audio: np.ndarray,
    rate: int,
    images: ImageSource,
    options: InferenceOptions,
    advance: ProgressCallback,
) -> np.ndarray:
    """audio (C, T) float32 at `rate` Hz -> stereo (2, T) float32, left + right twice the mono audio.

    The spatializer is in eval mode. Raises DataError if it cannot take mono audio, MediaError as `images`.
    """
    samples, model_rate = audio.shape[1], spatializer.framing.window.rate
    blocks = (audio[:, first : first + BLOCK] for first in range(0, samples, BLOCK))
    with torch.inference_mode(), options.arithmetic(spatializer):
        processor = make_processor(spatializer, images, options)
        parts = assemble_stereo(processor, blocks, rate, model_rate, options.width, advance, samples / rate)
        return np.concatenate(list(parts), 1)
