"""Where ogg, flac, mp3 and avi files end, and whether that is before their time: what a decoder reads without an error.

wav and its relatives, mp4 and Matroska state a length that libsndfile logs and FFmpeg reports.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from avspatial.media.file_errors import cut_short

_LARGEST_PAGE = 27 + 255 + 255 * 255
"""Bytes of an ogg page (RFC 3533): its header, the sizes of its segments, the segments."""
_END_OF_STREAM = 4
_FLAC_SIZES = {1: 192, **{code: 144 << code for code in range(2, 6)}, **{code: 1 << code for code in range(8, 16)}}
"""Samples of a flac frame by its code (RFC 9639, 9.1.1); 6 and 7: they follow, in one or two bytes."""
_FRAME_HEADER = 16
"""Bytes that the header of a flac frame takes at most."""
_PART = 1 << 20
"""Bytes that are searched for a frame at once."""
_MP3_LENGTHS = (b"Xing", b"Info", b"VBRI")
"""Headers in the first frame of an mp3 file that state how many there are."""


def refuse_cut_ogg(path: Path, seconds: float) -> None:
    """Raise MediaError for an ogg file that ends within a page; `seconds` is where, 0 if that is not known.

    An ogg file states no length. Its last page says that it is the last one, except in recordings of a running stream,
    which end with a page like any other.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 2 * _LARGEST_PAGE))
        tail = file.read()
    page = tail[tail.rfind(b"OggS\0") :] if b"OggS\0" in tail else b""
    header = 27 + page[26] if len(page) > 26 else len(page) + 1
    left = len(page) - header - sum(page[27:header])
    ends = left >= 0 and page[5] & _END_OF_STREAM
    if left and not ends:
        raise cut_short(path, seconds or None)


def refuse_cut_avi(path: Path, seconds: float) -> None:
    """Raise MediaError for an avi file, `seconds` long by what there is of it, that is smaller than its header says."""
    with path.open("rb") as file:
        stated = int.from_bytes(file.read(8)[4:], "little")
        size = file.seek(0, os.SEEK_END) - 8
    if size < stated < 1 << 31:  # more, or 0: written into a pipe
        raise cut_short(path, seconds, seconds * stated / size)


def states_frames(path: Path) -> bool:
    """Whether an mp3 file states how many frames it has; FFmpeg guesses by the bit rate otherwise."""
    with path.open("rb") as file:
        head = file.read(10)
        if head.startswith(b"ID3"):  # its size is in four times seven bits
            file.seek(10 + sum(byte << 7 * place for place, byte in enumerate(reversed(head[6:]))))
        else:
            file.seek(0)
        first = file.read(2048)
    return any(name in first for name in _MP3_LENGTHS)


def flac_end(path: Path) -> int:
    """The number of samples up to the end of the last frame of a flac file, which may itself be cut; 0 without one."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(12)[10:], "big")
        end = file.seek(0, os.SEEK_END)
        while end > 0:
            begin = max(0, end - _PART)
            file.seek(begin)
            part = file.read(end - begin + _FRAME_HEADER)
            for sync in reversed([*re.finditer(rb"\xff[\xf8\xf9]", part[: end - begin])]):
                samples = _end_of_frame(part[sync.start() : sync.start() + _FRAME_HEADER], size)
                if samples:
                    return samples
            end = begin + 1 if begin else 0  # a sync code may lie across the border
    return 0


def _end_of_frame(header: bytes, size: int) -> int:
    """The number of samples up to the end of a flac frame; 0 if that is none. `size`: samples of a frame if they are
    all of one size (RFC 9639, 9.1)."""
    if len(header) < _FRAME_HEADER:
        return 0
    number, at = _coded_number(header)
    code = header[2] >> 4
    following = {6: 1, 7: 2}.get(code, 0)
    samples = int.from_bytes(header[at : at + following], "big") + 1 if following else _FLAC_SIZES.get(code, 0)
    at += following + {12: 1, 13: 2, 14: 2}.get(header[2] & 15, 0)
    if not at or not samples or header[3] & 1 or _crc8(header[:at]) != header[at]:
        return 0
    return number * (1 if header[1] & 1 else size) + samples


def _coded_number(header: bytes) -> tuple[int, int]:
    """The number of a frame or of its first sample, coded as UTF-8 codes characters, and where it ends."""
    ones = 8 - (header[4] ^ 0xFF).bit_length()
    following = max(ones - 1, 0)
    number = header[4] & (0x7F >> ones)
    for byte in header[5 : 5 + following]:
        number = number << 6 | byte & 0x3F
    return number, 5 + following


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc
