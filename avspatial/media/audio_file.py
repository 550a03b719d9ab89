"""Opening audio files with libsndfile; files that are shorter than their header says are refused."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from avspatial.errors import MediaError
from avspatial.media.audio_folder import AudioFolder, is_audio_folder
from avspatial.media.file_ends import flac_end, refuse_cut_ogg
from avspatial.media.file_errors import cut_short, unreadable_audio

_TOLERATED = 0.05
"""Seconds that a file may end earlier than its header says: some writers count the header as audio."""
_LENGTH = re.compile(r"^ *(?:data|SSND|Data Size|Riff size|riff) *: (\d+) \(should be (\d+)\)$", re.MULTILINE)
"""What libsndfile logs where a file is shorter than its header says, in bytes: wav, aiff, au, rf64, w64."""
_UNKNOWN_BYTES = frozenset({0, 0x7FFFF000, 0x7FFFFFFF, 0x80000000})
"""Lengths that programs state while they write into a pipe; so are those just below 4 GiB."""
_UNKNOWN_SAMPLES = (1 << 63) - 1
"""libsndfile's number of samples if a flac file does not state it."""


@contextmanager
def open_audio_file(path: Path) -> Iterator[soundfile.SoundFile]:
    """Open an audio file, or a folder of them (`AudioFolder`); errors of libsndfile inside the block become MediaError.

    Raises:
        MediaError: For a file that is missing, unreadable or cut short.
    """
    try:
        if is_audio_folder(path):
            yield AudioFolder(path)
            return
        with soundfile.SoundFile(os.fsencode(path)) as file:
            _refuse_cut_short(file, path)
            yield file
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable_audio(path, error) from error


def states_length(path: Path) -> bool:
    """Whether the header states the number of samples. If a program wrote the file into a pipe it may not, and only
    FFmpeg reads all of it; so it is with flac in ogg. Raises MediaError as `open_audio_file`."""
    if is_audio_folder(path):
        return True
    if is_flac_in_ogg(path):
        return False
    with open_audio_file(path) as file:
        return bool(0 < file.frames < _UNKNOWN_SAMPLES)


def is_flac_in_ogg(path: Path) -> bool:
    """Whether a file is an ogg file with flac audio, which libsndfile does not read."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return False
    return head.startswith(b"OggS") and b"\x7fFLAC" in head


def audio_tags(path: Path) -> dict[str, str]:
    """Title, artist, date and the like of a file, by the names that libsndfile has for them."""
    with open_audio_file(path) as file:
        return dict(file.copy_metadata())


def _refuse_cut_short(file: soundfile.SoundFile, path: Path) -> None:
    seconds = file.frames / file.samplerate
    if file.format == "OGG":
        refuse_cut_ogg(path, seconds)
    if file.format == "FLAC" and 0 < file.frames < _UNKNOWN_SAMPLES:
        _refuse_cut_flac(file, path)
    length = _LENGTH.search(file.extra_info)
    if length is None or not file.frames:
        return
    declared, actual = int(length[1]), int(length[2])
    if declared in _UNKNOWN_BYTES or declared >> 8 == 0xFFFFFF:
        return
    if seconds * declared / actual - seconds > _TOLERATED:
        raise cut_short(path, seconds, seconds * declared / actual)


def _refuse_cut_flac(file: soundfile.SoundFile, path: Path) -> None:
    """Raise MediaError if the last sample is not there."""
    try:
        file.seek(file.frames - 1)
        complete = len(file.read(1)) == 1
    except soundfile.SoundFileError:
        complete = False
    if complete:
        file.seek(0)
        return
    end = flac_end(path)
    if 0 < end < file.frames:
        raise cut_short(path, end / file.samplerate, file.frames / file.samplerate)
    what = "damaged or cut short: its end cannot be read"
    raise MediaError(what, where=path, fix="Copy or download it again.")
