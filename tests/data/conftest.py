"""A tiny data set in FAIR-Play's layout, made of real files."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from avspatial.media.audio import write_wav
from avspatial.media.video import write_video

PREFIX = "/private/home/rhgao/datasets/BINAURAL_MUSIC_ROOM/binaural16k/"


def write_clip(root: Path, name: str, seconds: float = 2.0, seed: int = 0, rate: int = 48000) -> None:
    """A clip whose left channel is twice as loud, and whose pictures are brighter at the left."""
    samples = round(seconds * rate)
    sound = 0.1 * np.random.default_rng([seed, int(name)]).standard_normal((2, samples))
    write_wav(root / "binaural_audios" / f"{name}.wav", sound * [[0.8], [0.4]], rate, "PCM_16")
    pictures = np.zeros((round(seconds * 10), 24, 32, 3), np.uint8)
    pictures[:, :, :16] = 60
    pictures += (np.arange(len(pictures)) * 5).astype(np.uint8)[:, None, None, None]
    write_video(root / "videos" / f"{name}.mp4", pictures, 10)


def write_h5(path: Path, names: Iterable[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["audio"] = np.array([f"{PREFIX}{name}.wav".encode() for name in names], dtype="S71")


@pytest.fixture
def tiny_root(tmp_path: Path) -> Path:
    """Clips 000001 to 000004; split1: the first two train, then val, then test."""
    root = tmp_path / "FAIR-Play"
    for name in ("000001", "000002", "000003", "000004"):
        write_clip(root, name)
    for part, names in (("train", ["000002", "000001"]), ("val", ["000003"]), ("test", ["000004"])):
        write_h5(root / "splits" / "split1" / f"{part}.h5", names)
    return root


class Shown:
    """A progress that notes what it was asked to show."""

    def __init__(self) -> None:
        self.bars: list[tuple[str, int]] = []

    def __call__(self, items: Iterable[Any], title: str) -> Iterable[Any]:
        items = list(items)
        self.bars.append((title, len(items)))
        return items


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def add_clip(tiny_root: Path) -> Callable[..., None]:
    return lambda name, **options: write_clip(tiny_root, name, **options)


@pytest.fixture
def list_clips(tiny_root: Path) -> Callable[..., Path]:
    def write(part: str, names: Iterable[str], split: str = "split1") -> Path:
        path = tiny_root / "splits" / split / f"{part}.h5"
        write_h5(path, names)
        return path

    return write
