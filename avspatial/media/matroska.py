"""The pixel aspect in mkv files: FFmpeg writes that of encoded video only, so that of a copy is added afterwards."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

_HEADER_BYTES = 1 << 20
"""Bytes at the beginning of a file that hold the descriptions of its tracks."""
_TRACKS, _TRACK, _VIDEO = b"\x16\x54\xae\x6b", b"\xae", b"\xe0"
_WIDTH, _HEIGHT = b"\xb0", b"\xba"
_DISPLAY = (b"\x54\xb0", b"\x54\xba", b"\x54\xb2")
"""Width and height at which a video is shown, and their unit: pixels, if it is not stated."""
_LARGEST = (1 << 16) - 1
_VOID, _CRC = b"\xec", b"\xbf"


class _Element(NamedTuple):
    """An element of EBML (RFC 8794): its id, and where it, its content and what follows it begin."""

    id: bytes
    start: int
    content: int
    end: int


def set_pixel_aspect(path: Path, aspect: Fraction) -> None:
    """State the aspect of the pixels (width : height) of the first video track, if the header has room for it.

    FFmpeg leaves some room in the description of each video track of an mkv file, and none in webm.
    """
    with path.open("r+b") as file:
        header = file.read(_HEADER_BYTES)
        _, segment = _elements(header, 0, len(header))
        tracks = next(part for part in _parts(header, segment) if part.id == _TRACKS)
        if tracks.end > len(header):
            return
        changed = _with_aspect(header, tracks, aspect)
        first = next(_parts(changed, tracks))
        if first.id == _CRC:
            checked = zlib.crc32(changed[first.end : tracks.end])
            changed = changed[: first.content] + checked.to_bytes(4, "little") + changed[first.end :]
        file.seek(tracks.start)
        file.write(changed[tracks.start : tracks.end])


def _with_aspect(header: bytes, tracks: _Element, aspect: Fraction) -> bytes:
    """The header, of the same length, with the aspect of the first video track, or as it is if there is no room."""
    for track in _parts(header, tracks):
        parts = {part.id: part for part in _parts(header, track)} if track.id == _TRACK else {}
        if _VIDEO in parts:
            break
    else:
        return header
    video, void = parts[_VIDEO], parts.get(_VOID)
    size = _shown_size(header, video, aspect)
    if void is None or void.start < video.start or max(size) > _LARGEST:
        return header
    between, room = header[video.end : void.start], void.end - video.start
    for spare in (0, 1):  # a void element takes two bytes at least
        described = _described(header, video, size, spare) + between
        left = room - len(described)
        if left == 0 or left >= len(_element(_VOID, b"")):
            filled = described + (_element(_VOID, bytes(left - 2)) if left else b"")
            return header[: video.start] + filled + header[void.end :]
    return header


def _shown_size(header: bytes, video: _Element, aspect: Fraction) -> tuple[int, int]:
    """Width and height at which a video is to be shown: exact unless the numbers become large."""
    numbers = {part.id: int.from_bytes(header[part.content : part.end]) for part in _parts(header, video)}
    width, height = numbers[_WIDTH], numbers[_HEIGHT]
    shape = (width * aspect / height).limit_denominator(height)
    scale = max(1, round(height / shape.denominator))
    return scale * shape.numerator, scale * shape.denominator


def _described(header: bytes, video: _Element, size: tuple[int, int], spare: int) -> bytes:
    """The description of a video with the size at which it is to be shown, `spare` bytes longer than necessary."""
    others = [part for part in _parts(header, video) if part.id not in _DISPLAY]
    shown = [
        _element(name, number.to_bytes(2 + more))
        for name, number, more in zip(_DISPLAY, size, (spare, 0), strict=False)
    ]
    return _element(_VIDEO, b"".join((*(header[part.start : part.end] for part in others), *shown)))


def _element(name: bytes, content: bytes) -> bytes:
    size = len(content)
    return name + (bytes([0x80 | size]) if size < 127 else (0x4000 | size).to_bytes(2)) + content


def _parts(data: bytes, element: _Element) -> Iterator[_Element]:
    return _elements(data, element.content, element.end)


def _elements(data: bytes, start: int, end: int) -> Iterator[_Element]:
    """The elements between two places; the last one may end beyond the data."""
    while start < min(end, len(data)):
        id_bytes = 9 - data[start].bit_length()
        size_at = start + id_bytes
        size_bytes = 9 - data[size_at].bit_length()
        content = size_at + size_bytes
        size = int.from_bytes(data[size_at:content]) & ((1 << 7 * size_bytes) - 1)
        yield _Element(data[start:size_at], start, content, content + size)
        start = content + size
