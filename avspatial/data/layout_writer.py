"""Writing clips in FAIR-Play's layout: `videos/ID.mp4`, `binaural_audios/ID.wav`, `splits/split1/PART.h5`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from avspatial.atomic import atomic_write
from avspatial.media.audio import write_wav
from avspatial.media.video import write_video

SIMULATED, RENDERED = "simulated.json", "rendered.json"
"""Names of the files that say how avspatial made a folder of clips: simulated scenes, or another data set rendered."""


def clip_files(root: Path, name: str) -> tuple[Path, Path]:
    """The wav and the mp4 of a clip."""
    return root / "binaural_audios" / f"{name}.wav", root / "videos" / f"{name}.mp4"


def write_clip(root: Path, name: str, stereo: np.ndarray, rate: int, images: Iterable[np.ndarray], fps: float) -> None:
    """Write a clip, each file completely or not at all. The same input gives the same bytes.

    Args:
        root: Folder of the data set.
        name: The clip's id.
        stereo: (2, T), within [-1, 1]; stored with 16 bits.
        rate: Of the audio, Hz.
        images: (H, W, 3) uint8 each, H and W even.
        fps: Images per second.

    Raises:
        ValueError: Samples beyond full scale.
        MediaError: A file that cannot be written.
    """
    audio, video = clip_files(root, name)
    write_wav(audio, stereo, rate, subtype="PCM_16")
    write_video(video, images, fps, stereo, rate)


def write_lists(root: Path, parts: Mapping[str, Sequence[str]]) -> None:
    """Write the lists of `splits/split1` in the official form: byte strings of one length in one data set `audio`.

    Args:
        root: Folder of the data set.
        parts: The ids of "train", "val" and "test".
    """
    folder = root / "splits" / "split1"
    for part, names in parts.items():
        with atomic_write(folder / f"{part}.h5") as path, h5py.File(path, "w") as file:
            file["audio"] = np.array([f"binaural_audios/{name}.wav" for name in names], "S")
