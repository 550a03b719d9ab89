"""Writing clips in FAIR-Play's layout: `videos/ID.mp4`, `binaural_audios/ID.wav`, `splits/split1/PART.h5`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from avspatial.atomic import atomic_write
from avspatial.media.audio import write_wav
from avspatial.media.audio_file import open_audio_file
from avspatial.media.video import write_video


def clip_files(root: Path, name: str) -> tuple[Path, Path]:
    """The wav and the mp4 of a clip."""
    return root / "binaural_audios" / f"{name}.wav", root / "videos" / f"{name}.mp4"


def write_clip(
    root: Path,
    name: str,
    stereo: np.ndarray,
    rate: int,
    images: Iterable[np.ndarray],
    fps: float,
    *,
    wav: np.ndarray | None = None,
) -> None:
    """Write a clip, each file completely or not at all. The same input gives the same bytes.

    Args:
        root: Folder of the data set.
        name: The clip's id.
        stereo: (2, T), within [-1, 1] unless `wav` is given.
        rate: Of the audio, Hz.
        images: (H, W, 3) uint8 each, H and W even.
        fps: Images per second.
        wav: What the wav file holds, (2, T) int16 or float32 [default: `stereo` with 16 bits].

    Raises:
        MediaError: A file that cannot be written.
    """
    audio, video = clip_files(root, name)
    write_video(video, images, fps, stereo, rate)
    if wav is None:
        write_wav(audio, stereo, rate, subtype="PCM_16")
    else:
        write_wav(audio, wav, rate, subtype="PCM_16" if wav.dtype == np.int16 else "FLOAT")


def is_16_bit(audio: Path) -> bool:
    """Whether `write_clip` stored a wav with 16 bits. Raises MediaError for a file that cannot be read."""
    with open_audio_file(audio) as file:
        return str(file.subtype) == "PCM_16"


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
