"""Which recordings, or parts of recordings, belong to which split; no video is in two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from avspatial.data.cutting import clip_spans
from avspatial.data.foa360.headers import Header
from avspatial.data.foa360.layouts import Source
from avspatial.data.splitting import Section, one_recording, read_sections, refuse_two_splits, splits_by_digest
from avspatial.data.video_lists import ListedVideos
from avspatial.errors import DataError

__all__ = ["Part", "in_splits", "listed_id", "listed_parts", "published_parts"]


@dataclass(frozen=True)
class Part:
    """A recording, or a part of one.

    Attributes:
        source: Its files.
        section: Where it begins and ends, the video that it belongs to, and its split, as far as they are known.
    """

    source: Source
    section: Section

    @property
    def name(self) -> str:
        """What it is called where it is left out."""
        return self.section.named(self.source.name)

    def spans(self, header: Header, seconds: float, hop: float) -> list[tuple[float, float]]:
        """Beginning and length of each clip, s."""
        start, end = self.section.span
        return clip_spans(start, header.seconds if end is None else min(end, header.seconds), seconds, hop)


def listed_parts(sources: Sequence[Source], root: Path, csv: Path | None) -> list[Part]:
    """List the recordings, or, if there is a csv, the parts of them that it lists.

    Args:
        sources: All recordings.
        root: The folder below which they are.
        csv: A csv of files and splits; without it the splits are open.

    Returns:
        The parts.

    Raises:
        DataError: A csv that is not valid, a file in it that is no recording, a recording in two splits.
    """
    if csv is None:
        return [Part(source, Section(source.name, "", 0.0, None, source.recording)) for source in sources]
    by_file = {
        path.relative_to(root).as_posix(): source
        for source in sources
        for path in (source.audio, source.video, *([source.audio.parent] if source.frames else []))
    }
    parts = []
    for section in read_sections(csv, root):
        if section.file not in by_file:
            what = f"column file: {section.file} is no recording with audio and video"
            raise DataError(what, where=section.where, fix="Name a file of a recording that has both.")
        source = by_file[section.file]
        if section.recording == PurePosixPath(section.file).with_suffix("").as_posix():
            section = replace(section, recording=source.recording)
        parts.append(Part(source, section))
    refuse_two_splits((f"recording {part.section.recording}", part.section.split, part.section.where) for part in parts)
    return parts


def published_parts(sources: Sequence[Source], videos: ListedVideos) -> list[Part]:
    """List the recordings whose videos are in a published split, with their splits.

    Args:
        sources: All recordings.
        videos: The published split.

    Returns:
        The parts, each an entire recording.
    """
    found = []
    for source in sources:
        video = listed_id(source)
        if video in videos.split_of:
            found.append(Part(source, Section(source.name, videos.split_of[video], 0.0, None, video, videos.name)))
    return found


def listed_id(source: Source) -> str:
    """The id by which published splits list a recording's video, whatever folder it is in."""
    return PurePosixPath(source.recording).name


def in_splits(parts: Sequence[Part], headers: Mapping[str, Header], shares: Sequence[float]) -> list[Part]:
    """Give every part its split; recordings whose audio is equal are one.

    Args:
        parts: Parts, of which a csv may have decided the splits.
        headers: The header of each source, by its name.
        shares: Shares of train, val and test among the recordings, if no csv decides.

    Returns:
        The parts with recording and split.

    Raises:
        DataError: Equal audio that a csv has in two splits.
    """
    first: dict[str, str] = {}
    equal = [first.setdefault(headers[part.source.name].digest, part.source.name) for part in parts]
    refuse_two_splits(
        (f"the audio of {name}", part.section.split, part.section.where)
        for name, part in zip(equal, parts, strict=True)
    )
    joined = one_recording((part.section.recording, [name]) for name, part in zip(equal, parts, strict=True))
    split_of = splits_by_digest(joined.values(), shares)
    found = []
    for part in parts:
        recording = joined[part.section.recording]
        split = part.section.split or split_of[recording]
        found.append(replace(part, section=replace(part.section, recording=recording, split=split)))
    return found
