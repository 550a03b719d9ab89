"""What a file states about itself outside its packets, and what of it a copy has lost."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

from avspatial.media.ffmpeg import main_audio, main_video, open_media

_SIDE_DATA = {
    "SPHERICAL": "360-degree mark",
    "STEREO3D": "3D mark",
    "MASTERING_DISPLAY_METADATA": "mastering display",
    "CONTENT_LIGHT_LEVEL": "content light level",
}
"""Side data of a decoded frame, by FFmpeg's name, whether from the header or from the packets."""
_HEADER_MARKS = {
    "Dolby Vision record": re.compile(rb"(?:\x00\x00\x00\x20|\x41\xe7\x84)dv[cvw]C"),
    "360-degree mark (GSpherical)": re.compile(bytes.fromhex("ffcc8263f8554a938814587a02521fdd")),
}
"""What FFmpeg keeps or drops without showing it: a box of mp4 or a block addition of Matroska, and a uuid box."""
_HEADER_BYTES = 1 << 20
"""Bytes of a file that is not mp4 or mov that hold its header."""
_SAME_ASPECT = 0.005
"""FFmpeg reads a pixel aspect of Matroska as a ratio of numbers up to 255."""
_TECHNICAL = re.compile(
    r"major_brand|minor_version|compatible_brands|encoder|vendor_id|handler_name|duration|bps|number_of_.*|_statistics.*"
    r"|source_id|language|rotate|.*-(?:eng|und|xxx)",
    re.IGNORECASE,
)
"""Tags that describe the file itself or repeat another tag; a muxer writes its own."""


def lost_marks(source: Path, out: Path) -> tuple[str, ...]:
    """Name what `source` states about itself, its video and its audio track that its copy `out` does not state.

    Raises MediaError if one of the two cannot be read.
    """
    (before, aspect), (after, aspect_after) = _marks(source), _marks(out)
    lost = [text for mark, text in before.items() if mark not in after]
    if abs(aspect_after / aspect - 1) > _SAME_ASPECT:
        lost.append(f"pixel aspect {aspect.numerator}:{aspect.denominator}")
    return tuple(lost)


def _marks(path: Path) -> tuple[dict[str, str], Fraction]:
    """Marks of a file, each with its description, and the aspect of its pixels."""
    header = _header(path)
    marks = {mark: mark for mark, pattern in _HEADER_MARKS.items() if pattern.search(header)}
    with open_media(path) as container:
        video, audio = main_video(container), main_audio(container)
        tags = [*container.metadata, *(video.metadata if video is not None else ())]
        marks |= {f"tag {tag.lower()}": f"tag {tag}" for tag in tags if not _TECHNICAL.fullmatch(tag)}
        language = audio.metadata.get("language", "und") if audio is not None else "und"
        if language != "und":
            marks["language"] = f"language of the audio ({language})"
        if video is None:
            return marks, Fraction(1)
        aspect = video.sample_aspect_ratio or Fraction(1)
        frame = next(container.decode(video), None)
        side_data = {data.type.name for data in frame.side_data} if frame is not None else set()
    return marks | {mark: mark for kind, mark in _SIDE_DATA.items() if kind in side_data}, aspect


def _header(path: Path) -> bytes:
    """The box `moov` of an mp4 or mov file, or the first bytes of another one."""
    with path.open("rb") as file:
        while len(head := file.read(16)) == 16:
            size = int.from_bytes(head[:4], "big")
            size = int.from_bytes(head[8:], "big") if size == 1 else size
            if head[4:8] == b"moov":
                return file.read(size)
            if size < 16:
                break
            file.seek(size - 16, 1)
        file.seek(0)
        return file.read(_HEADER_BYTES)
