"""Sound and pictures in memory, to binaural sound in memory: the middle of what becomes of a file."""

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
from avspatial.inference.files.render import ProgressCallback, assemble_stereo, image_count
from avspatial.inference.files.scene_cuts import SceneImages
from avspatial.inference.options import InferenceOptions, make_processor
from avspatial.inference.visual_features import ImageSource
from avspatial.interfaces import Spatializer
from avspatial.media.audio_meters import mono
from avspatial.media.audio_stream import BLOCK
from avspatial.media.frame_grid import Timed, array_frames, on_grid
from avspatial.media.frame_reader import FrameReader


def as_audio(audio: np.ndarray | Tensor) -> np.ndarray:
    """(T,), (1, T) or (2, T), floating point -> (C, T) float32. DataError for anything else, or what is not finite."""
    sound = audio.detach().cpu().numpy() if isinstance(audio, Tensor) else np.asarray(audio)
    if not np.issubdtype(sound.dtype, np.floating):
        raise DataError(
            f"its samples are {sound.dtype}; floating point in [-1, 1] is needed",
            where="audio",
            fix="Divide 16 bit samples by 32768.",
        )
    sound = sound[None] if sound.ndim == 1 else sound
    if sound.ndim != 2 or sound.shape[0] not in {1, 2} or not sound.shape[1]:
        raise DataError(f"needs (T,), (1, T) or (2, T), got {np.shape(audio)}", where="audio")
    with np.errstate(over="ignore"):
        sound = sound.astype(np.float32, copy=False)
    if not np.isfinite(sound).all():
        raise DataError("has samples that are NaN or infinite", where="audio")
    return sound


def timed_frames(pictures: Iterable[Any], fps: float | None, times: Iterable[float] | None) -> Iterator[Timed]:
    """Pictures at `fps` a second or at `times`; DataError unless just one of these says when they are."""
    if isinstance(pictures, int | float) or pictures is None:
        raise DataError(f"needs an array, an iterable of arrays or a video file, got {pictures!r}", where="pictures")
    if (fps is None) == (times is None) or (fps is not None and not (isinstance(fps, Real) and 0 < fps < math.inf)):
        raise DataError("needs either fps, above 0, or times, in seconds", where="pictures")
    return array_frames(pictures, (k / fps for k in count()) if fps is not None else times if times is not None else ())


VideoInput = np.ndarray | Tensor | Iterable[Any] | str | Path
"""uint8 (P, H, W, 3), any iterable of (H, W, 3), or a video file."""


def image_source(
    shown: VideoInput, fps: float | None, times: Iterable[float] | None, window: Window, seconds: float
) -> SceneImages:
    """Pictures for so many seconds on the grid of `window`, which starts as those of a video file do. DataError unless
    it is clear when they are, MediaError for a file or pictures that cannot be used."""
    wanted = image_count(seconds, window.fps)
    if not isinstance(shown, str | Path):
        frames = timed_frames(shown, fps, times)
        return SceneImages(on_grid(frames, window.fps, window.picture, wanted, Path("pictures")), wanted)
    if fps is not None or times is not None:
        raise DataError("a video file says itself when its pictures are", where="pictures", fix="Leave fps away.")
    return SceneImages(FrameReader(shown).on_grid(window.fps, window.picture, wanted), wanted)


def spatialize_audio(
    spatializer: Spatializer,
    sound: np.ndarray,
    rate: int,
    pictures: ImageSource,
    options: InferenceOptions,
    advance: ProgressCallback,
) -> np.ndarray:
    """sound (C, T) float32 at `rate` Hz -> stereo (2, T) float32, left + right twice the mono sound. The spatializer is
    in eval mode. DataError for one that cannot take mono sound, MediaError as `pictures`."""
    seconds = sound.shape[1] / rate

    def blocks() -> Iterator[np.ndarray]:
        for first in range(0, sound.shape[1], BLOCK):
            yield mono(sound[:, first : first + BLOCK])
            advance(min(first + BLOCK, sound.shape[1]) / rate, seconds)

    with torch.inference_mode(), options.arithmetic(spatializer):
        walk = make_processor(spatializer, pictures, options)
        return np.concatenate(
            list(assemble_stereo(walk, blocks(), rate, spatializer.framing.window.rate, options.width)), 1
        )
