"""Masks of sounding objects in the picture, and the azimuth that a camera saw each object at."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from avspatial.data.truth_table import clip_seconds, constant_truth
from avspatial.errors import DataError
from avspatial.folders import files_below
from avspatial.interfaces import Clip, Truth
from avspatial.media.image import read_mask
from avspatial.media.video import frame_aspect

PANORAMA = 360.0
"""The field of view of equirectangular pictures, degrees."""
_ASPECT_TOLERANCE = 0.02
"""Masks are scaled to full pixels: their shape may differ from the video's by this share."""


def mask_azimuth(mask: np.ndarray, field_of_view: float) -> float | None:
    """The azimuth of an object's middle.

    Args:
        mask: (H, W), true or not zero where the object is.
        field_of_view: Horizontal angle of the camera, degrees: a pinhole camera below 180, an equirectangular picture
            at 360, whose middle is a mean of directions (the left and right edges are neighbours).

    Returns:
        Degrees, positive is left; None for an empty mask, or one that surrounds the camera evenly.
    """
    width = mask.shape[1]
    places = np.nonzero(mask)[1] + 0.5
    if not len(places):
        return None
    if field_of_view == PANORAMA:
        middle = np.exp(2j * np.pi * (0.5 - places / width)).mean()
        return float(np.degrees(np.angle(middle))) if abs(middle) > 1e-6 else None
    focal = width / 2 / math.tan(math.radians(field_of_view / 2))
    return math.degrees(math.atan((width / 2 - places.mean()) / focal))


@dataclass(frozen=True)
class ObjectMasks:
    """The masks below a folder: `ID.png`, or `ID_*.png` with one object each. An id may have folders of its own.

    Attributes:
        path: The folder.
        field_of_view: As for `mask_azimuth`.
        files: Masks of each clip.
        others: Names of png files that belong to none of the clips.
    """

    path: Path
    field_of_view: float
    files: Mapping[str, Sequence[Path]]
    others: Sequence[str]

    @cached_property
    def _objects(self) -> Mapping[str, Sequence[_Object]]:
        return {clip: [_read_object(file, self.field_of_view) for file in files] for clip, files in self.files.items()}

    @cached_property
    def known(self) -> AbstractSet[str]:
        """The clips with an object. MediaError for an unreadable mask."""
        return {clip for clip, objects in self._objects.items() if any(one.azimuth is not None for one in objects)}

    def strange(self, ids: AbstractSet[str]) -> Sequence[str]:
        """Names of the files that belong to none of the clips."""
        return self.others

    def truth(self, clip: Clip) -> Truth | None:
        """The directions of a clip's objects, for its entire length, if there are any.

        DataError for a mask whose shape is not that of the clip's video.
        """
        if clip.id not in self.known:
            return None
        self._check_shape(clip)
        azimuths = [one.azimuth for one in self._objects[clip.id] if one.azimuth is not None]
        return constant_truth(azimuths, clip_seconds(clip))

    def digest(self) -> str:
        """SHA-256 of what was read from the masks."""
        seen = {clip: [(one.shape, one.azimuth) for one in objects] for clip, objects in self._objects.items()}
        return hashlib.sha256(json.dumps([self.field_of_view, seen]).encode()).hexdigest()

    def _check_shape(self, clip: Clip) -> None:
        aspect = frame_aspect(clip.video, clip.frames_fps)
        for one in self._objects[clip.id]:
            height, width = one.shape
            if abs(width / height / aspect - 1) > _ASPECT_TOLERANCE:
                what = f"{width} x {height} pixels, not the shape of the video ({aspect:.3g} times as wide as high)"
                fix = f"Make it from frames of {clip.video} that are neither cropped nor stretched."
                raise DataError(what, where=one.file, fix=fix)


@dataclass(frozen=True)
class _Object:
    file: Path
    shape: tuple[int, int]
    azimuth: float | None


def _read_object(file: Path, field_of_view: float) -> _Object:
    mask = read_mask(file)
    return _Object(file, (mask.shape[0], mask.shape[1]), mask_azimuth(mask, field_of_view))


def find_masks(folder: Path, field_of_view: float, ids: AbstractSet[str]) -> ObjectMasks:
    """List the masks of clips.

    Args:
        folder: Folder of png files, which may be in further folders.
        field_of_view: As for `mask_azimuth`.
        ids: Ids of the clips; of two that fit a name, the longer one is meant.

    Returns:
        The masks.

    Raises:
        DataError: There is no such folder, or no png file in it.
    """
    fix = "Give a folder of masks: ID.png, or ID_*.png for several objects of a clip."
    if not folder.is_dir():
        raise DataError("no such folder of masks", where=folder, fix=fix)
    masks = files_below(folder, lambda file: file.suffix.lower() == ".png")
    if not masks:
        raise DataError("holds no png file", where=folder, fix=fix)
    files: dict[str, list[Path]] = {}
    others = []
    for file in masks:
        name = file.relative_to(folder).with_suffix("").as_posix()
        parts = name.split("_")
        beginnings = ("_".join(parts[:count]) for count in range(len(parts), 0, -1))
        clip = next((beginning for beginning in beginnings if beginning in ids), None)
        if clip is None:
            others.append(f"{name}.png")
        else:
            files.setdefault(clip, []).append(file)
    return ObjectMasks(folder, field_of_view, files, others)
