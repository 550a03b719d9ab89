"""FAIR-Play's own sounds: which of a folder's wav files are theirs, to the byte.

`data/fairplay_sounds.csv` has the length and SHA-256 of the 1,871 sounds of FAIR-Play (Gao and Grauman, "2.5D Visual
Sound", CVPR 2019; CC BY 4.0), from the pointers to large files in the data set's own repository.
`docs/scripts/pack_fairplay_sounds.py` made it.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from avspatial.errors import AvspatialError, reason
from avspatial.interfaces import Progress
from avspatial.media.audio import audio_info

RATE = 48000
_LIST = Path(__file__).parents[1] / "fairplay_sounds.csv"
_HEADER, _FRAME = 78, 4
"""Bytes before the samples of an official file, and bytes of one sample of both channels."""


class Sound(NamedTuple):
    """An official sound: samples at 48 kHz, SHA-256 of the wav file."""

    samples: int
    sha256: str

    @property
    def size(self) -> int:
        """Of the file, bytes."""
        return _HEADER + _FRAME * self.samples


@dataclass(frozen=True)
class FairPlayFiles:
    """The wav files of a folder, compared with FAIR-Play's.

    Attributes:
        same: How many are FAIR-Play's to the byte.
        missing: Ids of FAIR-Play without a file.
        changed: What is different, for the ids whose file is another one; copies are often re-encoded.
        other: Ids that FAIR-Play does not have.
    """

    same: int
    missing: tuple[str, ...]
    changed: Mapping[str, str]
    other: tuple[str, ...]


def official_sounds() -> dict[str, Sound]:
    """FAIR-Play's sounds by id."""
    with _LIST.open(newline="", encoding="utf-8") as file:
        return {row["name"]: Sound(int(row["samples"]), row["sha256"]) for row in csv.DictReader(file)}


def compare_files(
    folder: Path, progress: Progress, official: Mapping[str, Sound] | None = None
) -> FairPlayFiles | None:
    """Compare the wav files of a folder with FAIR-Play's.

    Args:
        folder: `binaural_audios`.
        progress: Shows the progress.
        official: The sounds by id [default: FAIR-Play's].

    Returns:
        What is different; None if the folder is not there or no file has the name of one of FAIR-Play's.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.wav"))} if folder.is_dir() else {}
    official = official_sounds() if official is None else official
    named = [name for name in files if name in official]
    if not named:
        return None
    found = {name: _difference(files[name], official[name]) for name in progress(named, "Comparing with FAIR-Play")}
    changed = {name: why for name, why in found.items() if why}
    missing = tuple(name for name in official if name not in files)
    return FairPlayFiles(
        len(named) - len(changed), missing, changed, tuple(name for name in files if name not in official)
    )


def _difference(path: Path, sound: Sound) -> str:
    """What is different about a file; empty for FAIR-Play's own."""
    try:
        if path.stat().st_size == sound.size and _sha256(path) == sound.sha256:
            return ""
        info = audio_info(path)
    except OSError as error:
        return f"cannot be read: {reason(error)}"
    except AvspatialError as error:
        return error.what
    if info.rate != RATE:
        return f"at {info.rate} Hz, not {RATE} Hz"
    if info.samples != sound.samples:
        return f"{info.samples} samples, not {sound.samples}"
    return "as long, but other bytes: another encoding or other audio"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
