"""Edit lists of mp4 and mov: which of the stored video frames are shown, and an end for a copy of them.

A phone trims a video without encoding it: the file keeps everything, and its edit list names the part to play. FFmpeg
writes the start of a part itself (frames with negative time stamps are stored, not shown), but not its end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from avspatial.errors import MediaError
from avspatial.media.ffmpeg import open_media, video_stream
from avspatial.media.file_errors import ffmpeg_command
from avspatial.media.formats import OutputFormat

EDIT_LISTS = frozenset({"mp4", "mov"})
"""Containers with edit lists."""


@dataclass(frozen=True)
class ShownPart:
    """The part of a video that is shown, if not everything is.

    `last` is the decoding time stamp of the last packet that is needed, `seconds` the length of the part. `hidden` is
    how many packets up to `last` are not shown, and `overhang` whether some of them come after the part.
    """

    last: int
    seconds: float
    hidden: int
    overhang: bool


def shown_part(path: Path) -> ShownPart | None:
    """The part of the file's video that is shown, None if everything is.

    Raises:
        MediaError: If more than one part is shown, or one more than once: then packets cannot simply be copied.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        if "mov" not in container.format.name:
            return None
        entries = stream.index_entries
        times = [entry.timestamp for entry in entries]
        ascending = all(before <= after for before, after in pairwise(times))
        if ascending and not any(entry.is_discard for entry in entries):
            return None
        packets = [
            (packet.dts, packet.pts, packet.pts + (packet.duration or 0), packet.is_discard)
            for packet in container.demux(stream)
            if packet.size
        ]
    shown = [packet for packet in packets if not packet[3]]
    if not shown or not ascending:
        raise _several_parts(path)
    last = max(dts for dts, _, _, _ in shown)
    first, end = min(pts for _, pts, _, _ in shown), max(end for _, _, end, _ in shown)
    hidden = [pts for dts, pts, _, discard in packets if discard and dts <= last]
    if any(first < pts < end for pts in hidden):
        raise _several_parts(path)
    return ShownPart(last, float((end - first) * stream.time_base), len(hidden), any(pts >= end for pts in hidden))


def check_edit_list(source: Path, out: Path, target: OutputFormat) -> None:
    """Raise MediaError unless a copy of the video of `source` in this format shows the same frames."""
    part = shown_part(source)
    if part is not None and part.hidden and target.container not in EDIT_LISTS:
        raise MediaError(
            f"its edit list hides {part.hidden} stored video frames, which {out.suffix} cannot hide",
            where=source,
            fix="Give an output that ends in .mp4 or .mov: -o NAME.mp4.",
        )


def _several_parts(path: Path) -> MediaError:
    return MediaError(
        "its edit list plays several parts of its video, which is only copied",
        where=path,
        fix="Make a plain copy first: " + ffmpeg_command(path, "-crf 16", f"PLAIN{path.suffix}"),
    )


def set_end(path: Path, seconds: float) -> None:
    """Let the first track of an mp4 or mov file end `seconds` after its first frame."""
    with path.open("r+b") as file:
        (moov,) = _find(file, 0, path.stat().st_size, b"moov")
        (mvhd,) = _find(file, *moov, b"mvhd")
        track = next(_find(file, *moov, b"trak"))
        (edts,) = _find(file, *track, b"edts")
        (elst,) = _find(file, *edts, b"elst")
        file.seek(mvhd[0])
        header = file.read(24)
        # Version 1 of either box has 64 bits for times.
        (scale,) = struct.unpack_from(">I", header, 20 if header[0] else 12)
        file.seek(elst[0])
        version, count = struct.unpack(">B3xI", file.read(8))
        form = struct.Struct(">Q" if version else ">I")
        file.seek(elst[0] + 8 + (count - 1) * (20 if version else 12))
        # Rounded down, for a part that ends a little later would show one more frame.
        file.write(form.pack(int(seconds * scale)))


def _find(file: BinaryIO, start: int, end: int, name: bytes) -> Iterator[tuple[int, int]]:
    """The contents, from and to, of all boxes of that name between two places."""
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        body = 8
        if size == 1:
            (size,), body = struct.unpack(">Q", file.read(8)), 16
        if kind == name:
            yield start + body, start + size
        start += size or end
