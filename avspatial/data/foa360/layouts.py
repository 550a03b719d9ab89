"""Finding the audio and the video of 360-degree recordings below a folder, in any of the layouts that people have.

`frames`, as spatialaudiogen's preprocessing leaves it, one folder for each video:

    frames/ID/ambix/000000.wav ..    frames/ID/video/000000.jpg ..

`files`, everything else: two files of one name, or one file with both. Markers as downloads and preprocessing add them
do not belong to the name, nor do folders called `audio` and `video`:

    ID.mkv    ID.webm ID.m4a    ID.video.mp4 ID.audio.f338.webm    video/ID-START.mp4 audio/ID-START.m4a
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from avspatial.errors import DataError, MediaError
from avspatial.folders import files_below, folders_in
from avspatial.media.audio import AUDIO_ONLY_SUFFIXES, is_audio
from avspatial.media.ffmpeg import main_video, open_media
from avspatial.text import listed

__all__ = ["Source", "find_sources", "video_id"]

_MARKED = re.compile(r"(?P<name>.+?)[.-](?P<kind>video|audio|ambix)(\.f\d+)?")
_EXCERPT = re.compile(r"(?P<id>[\w-]{11})[_-]\d+(\.\d+)?")
"""Names of excerpts: an id of YouTube, which has 11 characters, and where the excerpt begins in seconds."""
_AUDIO_KINDS = ("audio", "ambix")
_FIX = "Name the folder that holds the recordings: --set data.root=DIR."


@dataclass(frozen=True)
class Source:
    """The files of one recording.

    Attributes:
        name: Path below the root, without suffix and markers.
        audio: Audio file, a video file with audio, or a folder of numbered wav files.
        video: Video file, or a folder of numbered images.
        frames: Whether `video` is such a folder.
    """

    name: str
    audio: Path
    video: Path
    frames: bool = False

    @property
    def recording(self) -> str:
        """The video that this was cut from: excerpts of one video belong together, wherever they are."""
        return video_id(self.name)


def video_id(name: str) -> str:
    """The id in `ID_START` and `ID-START`, as Sphere360 and YT-360 name excerpts; else the name as it is.

    >>> video_id("train/CBMUhxJC6TU_30"), video_id("concert_30")
    ('CBMUhxJC6TU', 'concert_30')
    """
    excerpt = _EXCERPT.fullmatch(PurePosixPath(name).name)
    return excerpt["id"] if excerpt else name


def find_sources(root: Path, layout: Literal["auto", "frames", "files"]) -> tuple[list[Source], dict[str, str]]:
    """Find the recordings below a folder.

    Args:
        root: The folder.
        layout: See the module; `auto` is `frames` if ROOT/frames has folders with `ambix`, else `files`.

    Returns:
        The recordings by name, and the reason for each that lacks a part or has one twice.

    Raises:
        DataError: No such folder, or nothing in it.
    """
    if not root.is_dir():
        raise DataError("the data root is not there", where=root, fix=_FIX)
    folders = folders_in(root / "frames") if layout != "files" and (root / "frames").is_dir() else []
    if layout == "auto":
        folders = [folder for folder in folders if (folder / "ambix").is_dir()]
    in_folders = layout == "frames" or bool(folders)
    sources, left_out = _frames(root, folders) if in_folders else _files(root)
    if not sources and not left_out:
        wanted = "frames/ID/ambix and frames/ID/video" if in_folders else "files with sound and video"
        raise DataError(f"no recording is there: no {wanted}", where=root, fix=_FIX)
    return sources, left_out


def _frames(root: Path, folders: Sequence[Path]) -> tuple[list[Source], dict[str, str]]:
    sources, left_out = [], {}
    for folder in folders:
        name = folder.relative_to(root / "frames").as_posix()
        gone = [part for part in ("ambix", "video") if not (folder / part).is_dir()]
        if gone:
            left_out[name] = f"no folder {' and no folder '.join(gone)}"
        else:
            sources.append(Source(name, folder / "ambix", folder / "video", frames=True))
    return sources, left_out


def _files(root: Path) -> tuple[list[Source], dict[str, str]]:
    groups: dict[str, list[tuple[Path, bool]]] = {}
    for file in files_below(root, is_audio):
        name, is_sound = _name_and_kind(file.relative_to(root))
        groups.setdefault(name, []).append((file, is_sound))
    sources, left_out = [], {}
    for name, members in sorted(groups.items()):
        sounds = [file for file, is_sound in members if is_sound]
        videos = [file for file, is_sound in members if not is_sound]
        if len(videos) > 1:  # yt-dlp writes ID.mp4 and ID.webm, of which one holds audio alone
            shown = [file for file in videos if _has_video(file)]
            sounds += [file for file in videos if file not in shown]
            videos = shown
        why = "".join(_unclear(members, sounds, videos))
        if why:
            left_out[name] = why
        else:
            sources.append(Source(name, (sounds or videos)[0], videos[0]))
    return sources, left_out


def _unclear(members: Sequence[tuple[Path, bool]], sounds: Sequence[Path], videos: Sequence[Path]) -> Iterator[str]:
    """Why the files of one name are no recording."""
    names = [file.name for file, _ in members]
    if not videos:
        yield f"no video: there is {listed(names)}"
    elif len(videos) > 1 or len(sounds) > 1:
        yield f"there is more than one {'video' if len(videos) > 1 else 'audio file'} of this name: {listed(names)}"


def _name_and_kind(path: Path) -> tuple[str, bool]:
    """The name of a recording, and whether this file of it can only be its audio."""
    folders = [part for part in path.parts[:-1] if part.lower() not in ("audio", "video")]
    in_audio = any(part.lower() == "audio" for part in path.parts[:-1])
    marked = _MARKED.fullmatch(path.stem)
    stem = marked["name"] if marked else path.stem
    is_sound = in_audio or path.suffix.lower() in AUDIO_ONLY_SUFFIXES
    return "/".join([*folders, stem]), is_sound or (marked is not None and marked["kind"] in _AUDIO_KINDS)


def _has_video(path: Path) -> bool:
    try:
        with open_media(path) as container:
            return main_video(container) is not None
    except MediaError:
        return True  # its own message follows when it is read
