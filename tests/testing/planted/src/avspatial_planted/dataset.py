"""Data sets, each with one fault."""

from __future__ import annotations

import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.data.layout import layout_clips, split_folder, split_list
from avspatial.errors import DataError
from avspatial.interfaces import Clip, Dataset, Progress, Truth
from avspatial.media.audio import write_wav


class Good(Dataset):
    """FAIR-Play's layout: nothing to find."""

    def __init__(self, settings: Any, *, progress: Progress) -> None:
        super().__init__(settings, progress=progress)
        self.root = Path(settings.root)

    def prepare(self) -> None:
        pass

    def clips(self, split: str) -> list[Clip]:
        return layout_clips(self.root, split_list(split_folder(self.root, 1), split))

    def fingerprint(self) -> str:
        return "always the same"


class Construct(Good):
    """Cannot be prepared where it is prepared already."""

    prepared = False

    def prepare(self) -> None:
        if self.prepared:
            raise DataError("the folder exists", where=self.root)
        self.prepared = True


class ClipsReadable(Good):
    def clips(self, split: str) -> list[Clip]:
        return [replace(clip, video=clip.video.with_suffix(".mov")) for clip in super().clips(split)]


class _Turned:
    """Ears that take two of four channels, and grey views."""

    key = "turned"
    panorama = (16, 32)
    random_yaw = True

    def field(self, audio: np.ndarray) -> np.ndarray:
        return audio

    def stereo(self, field: np.ndarray, rate: int, yaw: float = 0.0) -> np.ndarray:
        return field[:2]

    def view(self, images: np.ndarray, size: tuple[int, int], yaw: float = 0.0) -> np.ndarray:
        return np.full((len(images), *size, 3), 128, np.uint8)


class ClipsReadableRandomYaw(Good):
    """Test clips that are turned at random, as training clips may be."""

    def clips(self, split: str) -> list[Clip]:
        field = self.root / "field.wav"
        write_wav(field, np.full((4, 16_000), 0.1, np.float32), 16_000)
        return [replace(clip, audio=field, rendering=_Turned()) for clip in super().clips(split)]


class LengthsAgree(Good):
    """Sounds that go on for two seconds after the pictures end."""

    def clips(self, split: str) -> list[Clip]:
        long = self.root / "long.wav"
        write_wav(long, np.zeros((2, 40_000), np.float32), 16_000)
        return [replace(clip, audio=long) for clip in super().clips(split)]


class SplitsDisjoint(Good):
    """Clips of one recording, spread over all splits."""

    def clips(self, split: str) -> list[Clip]:
        return [replace(clip, recording="the concert") for clip in super().clips(split)]


class OrderFixed(Good):
    def fingerprint(self) -> str:
        return uuid.uuid4().hex


class UnknownSplitRefused(Good):
    def clips(self, split: str) -> list[Clip]:
        return super().clips(split) if split in ("train", "val", "test") else []


class TruthComplete(Good):
    """Angles for one half of the sound."""

    def clips(self, split: str) -> list[Clip]:
        truth = Truth(20.0, np.zeros((1, 5)), np.ones((1, 5)))
        return [replace(clip, truth=truth) for clip in super().clips(split)]
