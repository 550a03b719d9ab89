"""Reading cut-outs: png pictures with transparency."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from avspatial.errors import MediaError


def read_cutout(path: str | Path) -> np.ndarray:
    """A png file with an alpha channel -> (H, W, 4) uint8, RGB and alpha. MediaError for any other file."""
    try:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0))
            picture = frame.to_ndarray(format="rgba")
    except (av.error.FFmpegError, OSError, StopIteration, IndexError) as error:
        raise MediaError("is not a readable png picture", where=path, fix="Save it again as png.") from error
    # A palette may hold clear entries, which only the picture itself shows.
    layered = len(frame.format.components) in (2, 4)
    if not layered and picture[..., 3].min() == 255:
        raise MediaError("has no transparency, so its background would show", where=path, fix="Cut the object out.")
    return picture
