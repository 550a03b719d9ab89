"""Sound and pictures in memory, to binaural sound in memory: the middle of what becomes of a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avspatial.errors import DataError
from avspatial.inference.binaural import mono
from avspatial.inference.render import Advance, binaural, picture_count
from avspatial.inference.scenes import ScenePictures
from avspatial.inference.walks import Manner, walk_over
from avspatial.interfaces import Spatializer
from avspatial.media.container import opened, picture_stream
from avspatial.media.frames import Timed, array_frames, on_grid, stream_frames
from avspatial.media.track import BLOCK


def as_sound(audio: np.ndarray | Tensor) -> np.ndarray:
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
    if not np.isfinite(sound).all():
        raise DataError("has samples that are NaN or infinite", where="audio")
    return sound.astype(np.float32, copy=False)


@contextmanager
def frames_of(
    pictures: np.ndarray | Tensor | Iterable[Any] | str | Path, fps: float | None, times: Iterable[float] | None
) -> Iterator[Iterator[Timed]]:
    """The frames of a video file, its first one at 0 s, or of pictures at `fps` a second or at `times`.

    DataError unless just one of these says when the pictures are; MediaError for a file that cannot be read.
    """
    if isinstance(pictures, str | Path):
        if fps is not None or times is not None:
            raise DataError("a video file says itself when its pictures are", where="pictures", fix="Leave fps away.")
        with opened(Path(pictures)) as container:
            yield stream_frames(container, picture_stream(container, Path(pictures)), Path(pictures))
        return
    if (fps is None) == (times is None) or (fps is not None and not fps > 0):
        raise DataError("needs either fps, above 0, or times, in seconds", where="pictures")
    yield array_frames(pictures, (k / fps for k in count()) if fps is not None else times or ())


def spatialize_sound(
    spatializer: Spatializer, sound: np.ndarray, rate: int, frames: Iterator[Timed], manner: Manner, advance: Advance
) -> np.ndarray:
    """sound (C, T) float32 at `rate` Hz, frames with times from its start -> stereo (2, T) float32, left + right twice
    the mono sound. The spatializer is in eval mode. DataError for a model that cannot take mono sound."""
    window = spatializer.framing.window
    seconds = sound.shape[1] / rate
    wanted = picture_count(seconds, window.fps)
    grid = ScenePictures(on_grid(frames, window.fps, window.picture, wanted, Path("pictures")), wanted)

    def blocks() -> Iterator[np.ndarray]:
        for first in range(0, sound.shape[1], BLOCK):
            yield mono(sound[:, first : first + BLOCK])
            advance(min(first + BLOCK, sound.shape[1]) / rate, seconds)

    with torch.inference_mode(), manner.arithmetic(spatializer):
        walk = walk_over(spatializer, grid, manner)
        return np.concatenate(list(binaural(walk, blocks(), rate, window.rate, manner.width)), 1)
