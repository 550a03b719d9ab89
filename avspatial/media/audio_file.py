"""Opening audio files with libsndfile; files that are shorter than their header says are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

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
    """Open an audio file; errors of libsndfile inside the block become MediaError.

    Raises:
        MediaError: For a file that is missing, unreadable or cut short.
    """
    try:
        with soundfile.SoundFile(str(path)) as file:
            _refuse_cut_short(file, path)
            yield file
    except (soundfile.SoundFileError, OSError) as error:
        raise unreadable_audio(path, error) from error


def states_length(path: Path) -> bool:
    """Whether the header states the number of samples. If a program wrote the file into a pipe it may not, and only
    FFmpeg reads all of it. Raises MediaError as `open_audio_file`."""
    with open_audio_file(path) as file:
        return bool(0 < file.frames < _UNKNOWN_SAMPLES)


def audio_tags(path: Path) -> dict[str, str]:
    """Title, artist, date and the like of a file, by the names that libsndfile has for them."""
    with open_audio_file(path) as file:
        return dict(file.copy_metadata())


def _refuse_cut_short(file: soundfile.SoundFile, path: Path) -> None:
    length = _LENGTH.search(file.extra_info)
    if length is None or not file.frames:
        return
    declared, actual = int(length[1]), int(length[2])
    if declared in _UNKNOWN_BYTES or declared >> 8 == 0xFFFFFF:
        return
    seconds = file.frames / file.samplerate
    if seconds * declared / actual - seconds > _TOLERATED:
        raise cut_short(path, seconds, seconds * declared / actual)
