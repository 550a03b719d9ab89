"""True directions of real recordings, which a data set's setting `truth` names, matched with its clips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from avspatial.data.object_masks import find_masks
from avspatial.data.settings import TruthSettings
from avspatial.data.truth_table import read_truth_table
from avspatial.errors import DataError
from avspatial.folders import note_once
from avspatial.interfaces import Clip, Truth
from avspatial.text import counted, listed

__all__ = ["KnownDirections", "turned"]


def turned(truth: Truth, yaw: float) -> Truth:
    """The truth as a camera sees it that is turned to the left by `yaw` degrees."""
    return replace(truth, azimuth=(truth.azimuth - yaw + 180) % 360 - 180)


class _Source(Protocol):
    """A csv of directions, or a folder of masks."""

    @property
    def path(self) -> Path: ...
    @property
    def known(self) -> AbstractSet[str]: ...
    def strange(self, ids: AbstractSet[str]) -> Sequence[str]: ...
    def truth(self, clip: Clip) -> Truth | None: ...
    def digest(self) -> str: ...


class KnownDirections:
    """True directions of the clips of a data set.

    Args:
        settings: The setting `truth`.
        ids: Ids of all clips of the data set, in every split. Which of them have no direction, and which directions
            belong to none of them, is noted on stderr, once.

    Raises:
        DataError: A file that is not what it should be, or directions of none of the clips.
        MediaError: A mask that cannot be read.
    """

    def __init__(self, settings: TruthSettings, ids: Iterable[str]) -> None:
        clips = set(ids)
        self._source: _Source
        if settings.masks is not None:
            self._source = find_masks(Path(settings.masks), settings.field_of_view or 0.0, clips)
        else:
            self._source = read_truth_table(Path(settings.csv or ""))
        self._note(clips)

    def add(self, clips: Iterable[Clip]) -> list[Clip]:
        """Add the truth of each clip for which it is known. DataError for a truth that does not fit its clip."""
        return [replace(clip, truth=self._source.truth(clip)) for clip in clips]

    def digest(self) -> str:
        """A digest of the directions, part of the data set's fingerprint."""
        return self._source.digest()

    def _note(self, ids: set[str]) -> None:
        without, strange = sorted(ids - self._source.known), self._source.strange(ids)
        if len(without) == len(ids):
            there = strange[0] if strange else "none"
            what = f"has directions of none of the clips: there is {there} here, {without[0]} in the data"
            raise DataError(what, where=self._source.path, fix="Name clips by their ids.")
        parts = [f"directions of {len(ids) - len(without)} of {counted(len(ids), 'clip')}"]
        parts += [f"none of {listed(without)}"] if without else []
        parts += [f"not in the data: {listed(strange)}"] if strange else []
        if len(parts) > 1:
            note_once(f"note: {self._source.path}: {'; '.join(parts)}")
