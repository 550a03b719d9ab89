"""Rendering of a 360-degree recording: its channels for two ears, its panoramas for a camera that turns with them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from avspatial.data.foa360.settings import Foa, Renderer, View
from avspatial.errors import DataError, reason
from avspatial.media.frame_grid import to_image
from avspatial.media.panorama import Panorama
from avspatial.signal.ambisonics import rotate, to_ambix
from avspatial.signal.decoders import BinauralDecoder, magls, mid_side, projection8, virtual
from avspatial.signal.sofa import HeadResponses, read_responses

__all__ = ["AAC_CARRIER", "FIRST_FOUR", "Foa360Rendering", "check_head", "head_digest"]

_VERSION = 1
"""Part of every key; increased whenever the same files and settings would give other samples or images."""
_COMMON_RATE = 48000
"""The rate of nearly all ambisonic recordings, Hz."""
FIRST_FOUR = (0, 1, 2, 3)
"""The channels of a field in a file of four channels, or of six, of which the last two are stereo for the head."""
AAC_CARRIER = (2, 1, 4, 0)
"""Where W, Y, Z and X stand in AAC 5.1 as FFmpeg decodes it (FL, FR, FC, LFE, BL, BR). YouTube's format 327 holds W, X,
Y, Z in the order of AAC's own bitstream: C, L, R, Ls."""


@dataclass(frozen=True)
class Foa360Rendering:
    """A `Rendering` of first-order ambisonics.

    Attributes:
        renderer: How four channels become two ears.
        camera: What the camera sees.
        foa: Order and normalization of the channels, of those that are chosen from the file.
        head: Digest of the head's responses, by `head_digest`.
        chosen: Which channels of the file are the field's four.
        panorama: Height and width at which panoramas are decoded, pixels.
        random_yaw: Whether each training window is turned anew.
    """

    renderer: Renderer
    camera: View
    foa: Foa
    head: str
    chosen: tuple[int, ...] = FIRST_FOUR
    panorama: tuple[int, int] = (448, 896)
    random_yaw: bool = False

    @property
    def key(self) -> str:
        """See `Rendering.key`."""
        parts = {
            "version": _VERSION,
            "renderer": self.renderer.model_dump(mode="json", exclude={"head"}),
            "head": self.head,
            "foa": self.foa.model_dump(mode="json"),
            "channels": self.chosen,
            "view": {**self.camera.model_dump(mode="json", exclude={"panorama"}), "yaw": self.camera.front},
            "panorama": self.panorama,
        }
        return json.dumps(parts, sort_keys=True, allow_nan=False)

    def field(self, audio: np.ndarray) -> np.ndarray:
        """See `Rendering.field`; DataError for a file without the channels that were chosen."""
        if len(audio) <= max(self.chosen):
            raise DataError(
                f"{len(audio)} channels where an ambisonic field has 4", fix="Take the recording's ambisonic audio."
            )
        return to_ambix(audio[list(self.chosen)], self.foa.order, self.foa.normalization)

    def stereo(self, field: np.ndarray, rate: int, yaw: float = 0.0) -> np.ndarray:
        """See `Rendering.stereo`; DataError for an unusable head."""
        turned = rotate(field, self.camera.front + yaw, self.camera.pitch)
        return np.asarray(_decoder(self.renderer, self.head, rate)(turned), np.float32)

    def view(self, images: np.ndarray, size: tuple[int, int], yaw: float = 0.0) -> np.ndarray:
        """See `Rendering.view`.

        Where the panorama is finer than the view, the view is cut out larger and reduced, so that it has no jagged
        edges. A panorama that is only turned is shifted by entire columns.
        """
        height, width = images.shape[1:3]
        turn, pitch = self.camera.front + yaw, self.camera.pitch
        if self.camera.kind == "perspective":
            finer = _ratio(width, size[1], self.camera.fov)
            cut = Panorama((size[0] * finer, size[1] * finer), self.camera.fov, turn, pitch).views(images)
        elif pitch:
            cut = Panorama((height, width), None, turn, pitch).views(images)
        else:
            cut = np.roll(images, round(width * turn / 360), axis=2)
        return np.stack([to_image(image, size) for image in cut])


def head_digest(renderer: Renderer) -> str:
    """What identifies the head of a renderer: its name, or the first digits of its file's SHA-256.

    Raises:
        DataError: A file that is missing or cannot be read.
    """
    if renderer.use == "mid_side":
        return "none"
    if not isinstance(renderer.head, Path):
        return renderer.head
    try:
        with renderer.head.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
    except OSError as error:
        fix = "Give the path of a SOFA file, or kemar."
        raise DataError(
            f"the head's responses cannot be read ({reason(error)})", where=renderer.head, fix=fix
        ) from error


def check_head(renderer: Renderer, digest: str) -> None:
    """Compute the filters of a renderer, which are kept.

    Raises:
        DataError: A file that is no head, or none for this renderer.
    """
    _decoder(renderer, digest, _COMMON_RATE)


@lru_cache(maxsize=8)
def _responses(head: str | Path, digest: str) -> HeadResponses:
    return read_responses(head)


@lru_cache(maxsize=8)
def _decoder(renderer: Renderer, digest: str, rate: int) -> BinauralDecoder:
    """The filters of a renderer; `digest` is that of its head, so that another file under its name is read again."""
    if renderer.use == "mid_side":
        return mid_side()
    head = _responses(renderer.head, digest)
    if renderer.use == "virtual":
        return virtual(head, rate, renderer.layout, renderer.weighting)
    if renderer.use == "projection8_cipic3":
        return projection8(head, rate, resample=renderer.resample)
    try:
        return magls(head, rate)
    except ValueError as error:
        raise DataError(
            f"not a head for magls: {error}",
            where=renderer.head,
            fix="Take a head that was measured all around, or renderer: {use: virtual, layout: ring8}.",
        ) from error


def _ratio(panorama: int, view: int, fov: float) -> int:
    """How many columns of a panorama one column in the middle of a view covers, rounded, at least 1."""
    of_view = view / 2 / math.tan(math.radians(fov) / 2)
    return max(1, round(panorama / (2 * math.pi) / of_view))
