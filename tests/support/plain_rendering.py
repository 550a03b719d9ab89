"""A plain rendering of 360-degree recordings, and small recordings to render."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.media.panorama import Panorama
from avspatial.signal.ambisonics import encode, rotate
from avspatial.signal.decoders import BinauralDecoder, mid_side, virtual
from avspatial.signal.sofa import read_responses
from support.films import noise, write_film

RATE = 16000
PANORAMA = (32, 64)
"""Height and width of the panoramas of `recording`."""


@dataclass(frozen=True)
class PlainRendering:
    """Two ears from virtual loudspeakers around KEMAR (or, plainly, W + Y and W - Y), and a perspective view."""

    random_yaw: bool = False
    head: bool = True
    yaw: float = 0.0
    panorama: tuple[int, int] = PANORAMA

    @property
    def key(self) -> str:
        return f"{self.head} {self.yaw} {self.panorama}"

    def field(self, audio: np.ndarray) -> np.ndarray:
        if len(audio) != 4:
            raise DataError(f"{len(audio)} channels where four are needed")
        return audio

    @cached_property
    def _decoder(self) -> BinauralDecoder:
        return virtual(read_responses("kemar"), RATE) if self.head else mid_side()

    def stereo(self, field: np.ndarray, rate: int, yaw: float = 0.0) -> np.ndarray:
        assert rate == RATE or not self.head
        return self._decoder(rotate(field, self.yaw + yaw))

    def view(self, images: np.ndarray, size: tuple[int, int], yaw: float = 0.0) -> np.ndarray:
        return Panorama(size, field_of_view=90.0, yaw=self.yaw + yaw).views(images)


def panoramas(azimuth: float, count: int, size: tuple[int, int] = PANORAMA) -> list[np.ndarray]:
    """Dark panoramas with a bright bar at an azimuth in degrees."""
    middles = 360 * (0.5 - (np.arange(size[1]) + 0.5) / size[1])
    bar = np.abs((middles - azimuth + 180) % 360 - 180) < 12
    return [np.where(bar[None, :, None], 230, 30).astype(np.uint8) * np.ones((*size, 3), np.uint8)] * count


def recording(path: Path, azimuth: float, seconds: float = 2.0) -> Path:
    """A film of 360 degrees whose noise and bright bar are at an azimuth in degrees (FLAC, ACN, SN3D)."""
    field = encode(noise(round(RATE * seconds), level=0.05)[0], azimuth).astype(np.float32)
    return write_film(
        path, seconds=seconds, pictures=panoramas(azimuth, round(10 * seconds)), sound=field, audio="flac", rate=RATE
    )


def clip_of(path: Path, rendering: PlainRendering, start: float = 0.0, seconds: float | None = None) -> Clip:
    """A clip of a recording that one file holds."""
    return Clip(path.stem, path, path, path.stem, start=start, seconds=seconds, rendering=rendering)
