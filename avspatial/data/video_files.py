"""The videos below a folder, each with its sound: inside, or in an audio file of the same name next to it."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from avspatial.errors import reason
from avspatial.folders import files_below
from avspatial.media.audio import is_audio
from avspatial.media.probe import OTHER_VIDEO_SUFFIXES, VIDEO_SUFFIXES

__all__ = ["NOT_LISTED", "VideoFile", "find_videos", "recording_name"]

NOT_LISTED = "not listed in the csv"
"""Why a video is left out that the csv of splits does not name."""
_VIDEOS = frozenset({*VIDEO_SUFFIXES, *OTHER_VIDEO_SUFFIXES})
_FIRST = (".wav", ".flac")
"""Of several audio files of one name the one that lost nothing is taken."""
_LONGEST = 160
"""Bytes of a name; a longer one is cut, since file systems allow 255 for the name of a clip's files."""


@dataclass(frozen=True)
class VideoFile:
    """A video with its sound.

    Attributes:
        recording: Path below the root without its suffix, with `/`.
        name: The same as the beginning of clips' ids: unique, printable, with `__` where a folder ends.
        file: The video's path below the root, with `/`.
        video: The video.
        audio: The audio file next to it, or else the video itself.
        sizes: Bytes of both.
    """

    recording: str
    name: str
    file: str
    video: Path
    audio: Path
    sizes: tuple[int, int]


def find_videos(root: Path, listed: Collection[str] | None = None) -> tuple[list[VideoFile], dict[str, str]]:
    """Find the videos below a folder. No file is opened.

    Args:
        root: An existing folder.
        listed: Paths below it, with `/`, of the videos to take [default: all].

    Returns:
        The videos, sorted by name, and what is left out: the reason by the path below the root.

    Raises:
        DataError: A folder that cannot be listed.
    """
    files = files_below(root, lambda path: is_audio(path) or path.suffix.lower() in _VIDEOS)
    audio_files: dict[Path, list[Path]] = {}
    for path in files:
        if path.suffix.lower() not in _VIDEOS:
            audio_files.setdefault(path.with_suffix(""), []).append(path)
    videos = {path.relative_to(root).as_posix(): path for path in files if path.suffix.lower() in _VIDEOS}
    again = _links_again([path for file, path in videos.items() if listed is None or file in listed])
    found: dict[str, VideoFile] = {}
    left_out: dict[str, str] = {}
    for file, path in videos.items():
        why = again.get(path) or _unfit(path) if listed is None or file in listed else NOT_LISTED
        if not why:
            audio = min(audio_files.get(path.with_suffix(""), [path]), key=_preference)
            why = _add(found, file, path, audio)
        if why:
            left_out[file.encode("utf-8", "backslashreplace").decode()] = why
    return [found[name] for name in sorted(found)], left_out


def _add(found: dict[str, VideoFile], file: str, path: Path, audio: Path) -> str:
    """Add a video to those found by name, or return why it cannot be taken."""
    recording = normalize("NFC", PurePosixPath(file).with_suffix("").as_posix())
    name = recording_name(recording)
    if name in found:
        return f"another video of its name: {found[name].file}"
    try:
        found[name] = VideoFile(recording, name, file, path, audio, (_size(path), _size(audio)))
    except OSError as error:
        return f"not readable: {reason(error)}"
    return ""


def _links_again(videos: Sequence[Path]) -> dict[Path, str]:
    """Why links are left out: each leads to a video that is there under its own name, or through a link before it."""
    links = [path for path in videos if path.is_symlink()]
    targets = {path: Path(os.path.realpath(path)) for path in links}  # Path.resolve raises for a circle
    read = {path.parent.resolve() / path.name for path in videos if path not in targets} if links else set()
    again = {}
    for path, target in targets.items():
        if target in read:
            again[path] = f"a link to a video that is read under another name: {target.name}"
        read.add(target)
    return again


def _unfit(path: Path) -> str:
    """Why a video cannot be taken, by its name; empty if it can."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return "a name that is not in UTF-8"
    return "" if is_audio(path) else f"{path.suffix.lower()} files are not read: ffmpeg puts them into mp4"


def _size(path: Path) -> int:
    """Bytes of a file. Raises OSError for one that is not there, and for a pipe or a device."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError("not a regular file")
    return found.st_size


def _preference(audio: Path) -> tuple[int, str]:
    suffix = audio.suffix.lower()
    return (_FIRST.index(suffix) if suffix in _FIRST else len(_FIRST)), audio.name


def recording_name(path: str) -> str:
    """A path below the root, without its suffix, as the beginning of a clip's id: one folder of a run, or one file."""
    path = normalize("NFC", path)
    text = "".join(letter if letter.isprintable() else "_" for letter in path.replace("/", "__"))
    if len(text.encode()) <= _LONGEST:
        return text
    digest = hashlib.sha256(path.encode()).hexdigest()[:8]
    return f"{text.encode()[: _LONGEST - 9].decode(errors='ignore')}-{digest}"
