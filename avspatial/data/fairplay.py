"""FAIR-Play (Gao and Grauman, "2.5D Visual Sound", CVPR 2019): 1,871 clips of about ten seconds."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from avspatial.data.layout import PARTS, check_lengths, layout_clips, listed_clips, split_folder, split_ids, split_list
from avspatial.data.settings import FairPlaySettings
from avspatial.data.truth import KnownDirections
from avspatial.errors import DataError
from avspatial.interfaces import Clip, Dataset, Progress

_HOW_TO_GET = (
    "Get FAIR-Play from https://github.com/facebookresearch/FAIR-Play (videos/, binaural_audios/ and splits/ in one\n"
    "  folder) and name that folder: --set data.root=DIR. To try avspatial without it, on simulated scenes:\n"
    "  avspatial run sagm_demo"
)


class FairPlay(Dataset):
    """Clips in FAIR-Play's layout. DataError, with how to get the data, if the data root does not exist."""

    settings: FairPlaySettings

    def __init__(self, settings: FairPlaySettings, *, progress: Progress) -> None:
        super().__init__(settings, progress=progress)
        self.root = Path(settings.root)
        if not self.root.is_dir():
            raise DataError("the data root is not there", where=self.root, fix=_HOW_TO_GET)

    def prepare(self) -> None:
        """DataError for a missing folder (with how to get it), a missing or empty list, or overlapping lists."""
        wanted = ("binaural_audios", self.settings.pictures)
        gone = [name for name in wanted if not (self.root / name).is_dir()]
        if gone:
            raise DataError(f"no {'/ and no '.join(gone)}/ in the data root", where=self.root, fix=_HOW_TO_GET)
        self._lists()
        _ = self._directions  # errors in it come before anything is decoded

    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test" in the list's order; DataError or MediaError for one that is unfit."""
        self.prepare()
        clips = layout_clips(self.root, self._list(split), frames_fps=self._frames_fps)
        for clip in self.progress(clips, f"Checking {split} clips"):
            check_lengths(clip, self.settings.length_tolerance, "Copy both again", "data.length_tolerance")
        return clips if self._directions is None else self._directions.add(clips)

    def listed(self, split: str) -> list[Clip]:
        """The clips of a split's list, complete or not; DataError for a faulty list."""
        return listed_clips(self.root, self._list(split), frames_fps=self._frames_fps)

    def fingerprint(self) -> str:
        """A digest of the lists, the sizes of the audio files, and the truth; the place on the disk does not enter."""
        sizes: dict[str, Any] = {
            part: [(name, self._size(name)) for name in names] for part, names in self._lists().items()
        }
        if self._directions is not None:
            sizes["truth"] = self._directions.digest()
        return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()[:16]

    @cached_property
    def _directions(self) -> KnownDirections | None:
        if self.settings.truth is None:
            return None
        return KnownDirections(self.settings.truth, chain.from_iterable(self._lists().values()))

    @property
    def _frames_fps(self) -> float | None:
        return self.settings.frames_fps if self.settings.pictures == "frames" else None

    def _list(self, split: str) -> Path:
        return split_list(split_folder(self.root, self.settings.split), split)

    def _size(self, name: str) -> int | None:
        audio = self.root / "binaural_audios" / f"{name}.wav"
        return audio.stat().st_size if audio.exists() else None

    def _lists(self) -> dict[str, list[str]]:
        folder = split_folder(self.root, self.settings.split)
        lists = {part: split_ids(split_list(folder, part)) for part in PARTS}
        if self.settings.overlap == "refuse":
            _refuse_overlap(lists, folder)
        return lists


def _refuse_overlap(lists: dict[str, list[str]], folder: Path) -> None:
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        both = sorted(set(lists[first]) & set(lists[second]))
        if both:
            raise DataError(
                f"the {first} and {second} lists share {len(both)} of their clips, {both[0]} for one",
                where=folder,
                fix="Scores on training clips mean nothing: correct the lists. To try out: --set data.overlap=allow.",
            )
