"""Any stereo videos below a folder, cut into clips of a fixed length and split by recordings."""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from avspatial.data.clip_cache import cache_root
from avspatial.data.cutting import clip_id
from avspatial.data.layout import PARTS
from avspatial.data.leaving_out import left_out_note, nothing_left
from avspatial.data.screening import screen
from avspatial.data.settings import FolderSettings
from avspatial.data.splitting import Section, one_recording, read_sections, refuse_two_splits, splits_by_digest
from avspatial.data.stereo_measures import Cutting, MeasuredClip, MeasuredFile, measure_file
from avspatial.data.truth import KnownDirections
from avspatial.data.video_files import VideoFile, find_videos
from avspatial.errors import DataError
from avspatial.folders import as_path
from avspatial.interfaces import Clip, Dataset, Progress
from avspatial.text import counted

__all__ = ["Folder"]

_FIX = (
    "Each split needs a recording of its own, so three videos at least. Add videos, shorten the clips (data.seconds),\n"
    "  change what is left out (data.screening), or list files and splits in a csv (data.splits)."
)


@dataclass(frozen=True)
class _Contents:
    """The clips of each split, the reasons for what is left out, and the directions that are known."""

    clips: Mapping[str, list[Clip]]
    left_out: Mapping[str, str]
    directions: KnownDirections | None


@dataclass(frozen=True)
class _Measured:
    """A video, the parts of it to be cut, and what was measured."""

    video: VideoFile
    parts: Sequence[Section]
    result: MeasuredFile

    def clips(self, part: Section) -> list[MeasuredClip]:
        """The clips of a part."""
        end = math.inf if part.end is None else part.end
        return [clip for clip in self.result.clips if part.start <= clip.start < end]


class Folder(Dataset):
    """Stereo videos below a folder.

    A recording is a video file, or what a csv calls one; files of equal content are one recording. No recording is in
    two splits.
    """

    settings: FolderSettings

    def __init__(self, settings: FolderSettings, *, progress: Progress) -> None:
        super().__init__(settings, progress=progress)
        self.root = as_path(settings.root)
        if not self.root.is_dir():
            fix = "Name a folder of videos: --set data.root=DIR."
            raise DataError("the data root is not there", where=self.root, fix=fix)

    def prepare(self) -> None:
        """Screen the videos, and note on stderr what is left out.

        DataError for a csv that is not valid, a recording in two splits, and a split of which nothing remains.
        """
        noted = "_contents" in vars(self)
        note = left_out_note(self.root, self._contents.left_out)
        if note and not noted:
            print(note, file=sys.stderr)

    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test", by video and time; DataError as `prepare`, and for another split."""
        if split not in PARTS:
            raise DataError(f"there is no split {split!r}", where=self.root, fix=f"Ask for {', '.join(PARTS)}.")
        return list(self._contents.clips[split])

    def left_out(self) -> Mapping[str, str]:
        """The reason for each video and each clip that is left out; DataError as `prepare`."""
        return dict(self._contents.left_out)

    def fingerprint(self) -> str:
        """A digest of settings, csv, names, sizes and truth; the place on the disk does not enter.

        No video is opened, unless the truth must be matched with its clips.
        """
        values = self.settings.model_dump(mode="json", exclude={"root", "splits", "truth"})
        listed = [
            (video.file, video.audio.suffix, video.sizes, [(*part.span, part.split, part.recording) for part in parts])
            for video, parts in self._listed[0]
        ]
        if self.settings.truth is not None and self._contents.directions is not None:
            values["truth"] = self._contents.directions.digest()
        return hashlib.sha256(json.dumps([values, listed]).encode()).hexdigest()[:16]

    @cached_property
    def _listed(self) -> tuple[list[tuple[VideoFile, list[Section]]], dict[str, str]]:
        """The videos with the parts of them to be cut, and what is left out for its name."""
        if self.settings.splits is None:
            videos, left_out = find_videos(self.root)
            return [(one, [Section(one.file, "", 0.0, None, one.recording)]) for one in videos], left_out
        parts: dict[str, list[Section]] = {}
        for section in read_sections(as_path(self.settings.splits), self.root):
            parts.setdefault(section.file, []).append(section)
        videos, left_out = find_videos(self.root, parts.keys())
        for file in parts.keys() - {one.file for one in videos} - left_out.keys():
            what = f"column file: {file} is none of the videos below {self.root}"
            raise DataError(what, where=parts[file][0].where, fix="Name a video that is not hidden nor behind a link.")
        return [(one, sorted(parts[one.file], key=lambda part: part.start)) for one in videos], left_out

    @cached_property
    def _contents(self) -> _Contents:
        videos, unfit = self._listed
        measured = []
        for video, parts in self.progress(videos, "Screening videos"):
            measured.append(_Measured(video, parts, measure_file(video, self._cutting(parts), cache_root())))
        recordings = _recordings(measured)
        left_out = dict(unfit)
        clips = [
            (replace(clip, recording=recordings[clip.recording]), split)
            for one in measured
            for clip, split in self._clips_of(one, left_out)
        ]
        found, directions = self._in_splits(clips, left_out), None
        if self.settings.truth is not None:
            directions = KnownDirections(self.settings.truth, (clip.id for part in found.values() for clip in part))
            found = {split: directions.add(part) for split, part in found.items()}
        return _Contents(found, left_out, directions)

    def _cutting(self, parts: Sequence[Section]) -> Cutting:
        settings = self.settings
        spans = tuple(part.span for part in parts)
        return Cutting(settings.seconds, settings.hop or settings.seconds, settings.length_tolerance, spans)

    def _clips_of(self, one: _Measured, left_out: dict[str, str]) -> Iterator[tuple[Clip, str]]:
        """The clips of a video from which something can be learned, each with the split that a csv gives it."""
        if one.result.fault:
            left_out[one.video.file] = one.result.fault
            return
        for part in one.parts:
            clips = one.clips(part)
            if (part.end or 0.0) > one.result.seconds + self.settings.length_tolerance:
                left_out[part.named(one.video.file)] = f"ends before the csv says: {one.result.seconds:.2f} s"
            elif not clips:
                left_out[part.named(one.video.file)] = f"shorter than {self.settings.seconds:g} s"
            else:
                yield from ((clip, part.split) for clip in self._screened(one.video, part, clips, left_out))

    def _screened(
        self, video: VideoFile, part: Section, measured: Sequence[MeasuredClip], left_out: dict[str, str]
    ) -> Iterator[Clip]:
        for clip in measured:
            id = clip_id(video.name, clip.start)
            why = screen(clip.levels, clip.change, self.settings.screening)
            if why:
                left_out[id] = why
            else:
                yield Clip(id, video.audio, video.video, part.recording, start=clip.start, seconds=clip.seconds)

    def _in_splits(self, clips: Sequence[tuple[Clip, str]], left_out: Mapping[str, str]) -> dict[str, list[Clip]]:
        """The clips of each split. DataError for a split without any."""
        split_of = splits_by_digest((clip.recording for clip, _ in clips), self.settings.shares)
        found: dict[str, list[Clip]] = {split: [] for split in PARTS}
        for clip, listed in clips:
            found[listed or split_of[clip.recording]].append(clip)
        for split in PARTS:
            if not found[split]:
                count = counted(len(split_of), "recording")
                nothing = not clips and not left_out
                what = "holds no video" if nothing else f"no clip for the {split} split: {count} can be used"
                raise nothing_left(what, self.root, left_out, _FIX)
        return found


def _recordings(measured: Sequence[_Measured]) -> dict[str, str]:
    """The name of each recording, one for equal content. DataError for equal content that a csv has in two splits."""
    members: list[tuple[str, Sequence[str]]] = []
    content: list[tuple[str, str, object]] = []
    first: dict[str, str] = {}
    for one in measured:
        names, digests = [part.recording for part in one.parts], one.result.digests
        # Recordings of one file that the csv tells apart stay apart.
        members += [(names[0], digests), *((name, ()) for name in names[1:])]
        for digest in digests:
            name = f"the content of {first.setdefault(digest, one.video.file)}"
            content += [(name, part.split, part.where) for part in one.parts]
    refuse_two_splits(content)
    return one_recording(members)
