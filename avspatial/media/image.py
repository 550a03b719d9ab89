"""Single images: writing jpg files, reading cut-outs (png with transparency) and masks."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from avspatial.atomic import atomic_write
from avspatial.errors import MediaError
from avspatial.media.ffmpeg import open_file

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in a grey image (ITU-R BT.601)."""


def write_jpeg(path: str | Path, image: np.ndarray, aspect: float | None = None, quality: int = 90) -> None:
    """Write image (H, W, 3) uint8 RGB to a jpg file, completely or not at all, quality 1 to 100.

    `aspect` is the width over height to show it at, by stretching the shorter side: a model's square image then has
    the shape of its video, and no more detail. None leaves its shape. Raises OSError if the file system refuses.
    """
    import torch  # slow to import, and most users of this module write no image
    from torchvision.io import encode_jpeg

    planes = torch.tensor(np.ascontiguousarray(image)).permute(2, 0, 1).contiguous()
    if aspect is not None:
        height, width = planes.shape[1:]
        size = max(height, round(width / aspect)), max(width, round(height * aspect))
        planes = torch.nn.functional.interpolate(planes[None], size=size, mode="bilinear", antialias=True)[0]
    with atomic_write(Path(path)) as temporary_path:
        temporary_path.write_bytes(encode_jpeg(planes, quality).numpy().tobytes())


def read_cutout(path: str | Path) -> np.ndarray:
    """Read a png file with an alpha channel -> (H, W, 4) uint8, RGB and alpha. Raises MediaError for any other file."""
    frame = _png_frame(path)
    image = frame.to_ndarray(format="rgba")
    # A palette may hold transparent entries, which only the image itself shows.
    layered = len(frame.format.components) in (2, 4)
    if not layered and image[..., 3].min() == 255:
        raise MediaError("has no transparency, so its background would show", where=path, fix="Cut the object out.")
    return image


def read_mask(path: str | Path) -> np.ndarray:
    """Read a png file of any kind -> (H, W) bool, true where it is not black. Raises MediaError for any other file."""
    # 16 bits, or labels 1, 2, .. of 16 bits would be rounded to black; transparency is no part of a mask.
    return np.asarray(_png_frame(path).to_ndarray(format="rgb48le").any(-1))


def _png_frame(path: str | Path) -> av.VideoFrame:
    try:
        # FFmpeg would take `%d` in a name for the number of an image.
        with open_file(path, options={"pattern_type": "none"}) as container:
            return next(container.decode(video=0))
    except (av.error.FFmpegError, OSError, StopIteration, IndexError) as error:
        raise MediaError("is not a readable png image", where=path, fix="Save it again as png.") from error
