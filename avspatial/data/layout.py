"""FAIR-Play's layout on disk: lists of ids, and for each id a wav and an mp4 (or a folder of images).

Simulated scenes are written in the same layout and read by this module.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.media.audio import audio_info
from avspatial.media.video import image_files, video_seconds
from avspatial.text import listed

PARTS = ("train", "val", "test")
SIMULATED, RENDERED = "simulated.json", "rendered.json"
"""Names of the files that say how avspatial made a folder of clips: simulated scenes, or another data set rendered."""
_PUBLISHED = Path(__file__).parent / "fairplay_splits"
"""Lists that the package carries: the scene-disjoint splits `clean1` to `clean5` (Xu et al., CVPR 2021)."""
LOWEST_RATE = 8000
"""Audio below this rate (Hz) holds too few spatial cues and is refused; any other rate is resampled."""


def split_folder(root: Path, split: int | str) -> Path:
    """The folder of a split's lists: `splits/split<N>`, `splits/<name>`, `clean<N>`, or the path of a folder."""
    by_name = root / "splits" / (f"split{split}" if str(split).isdigit() else str(split))
    published = [folder for folder in _PUBLISHED.iterdir() if folder.name == split]
    for folder in (by_name, *published, Path(str(split))):
        if folder.is_dir():
            return folder
    there = sorted(f.name for f in (root / "splits").glob("*") if f.is_dir())
    offer = f"There are {', '.join(there)}." if there else f"There is no split in {root / 'splits'}."
    raise DataError(
        "no such split", where=by_name, fix=f"{offer} The path of another folder will do as well, or clean1 to clean5."
    )


def split_list(folder: Path, part: str) -> Path:
    """The list of `part` ("train", "val", "test") of a split: `<part>.h5` or `<part>.txt`."""
    for path in (folder / f"{part}.h5", folder / f"{part}.txt"):
        if path.is_file():
            return path
    raise DataError(f"the split has no list of its {part} part", where=folder, fix=f"Add {part}.h5 or {part}.txt.")


def split_ids(path: Path) -> list[str]:
    """The ids of a list, in its order.

    Entries may have any folder and suffix: the base name is the id. DataError for a list that is empty, unreadable, or
    names an id twice.
    """
    entries = _h5_entries(path) if path.suffix == ".h5" else _text_entries(path)
    ids = [PurePosixPath(entry.replace("\\", "/")).stem for entry in entries]
    if not ids:
        raise DataError("an empty split: it lists no clip", where=path, fix="List a clip, or choose another split.")
    twice = [name for name, times in Counter(ids).items() if times > 1]
    if twice:
        raise DataError(f"lists {listed(twice)} more than once", where=path, fix="List every clip once.")
    return ids


def _text_entries(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("not a readable list of clips", where=path, fix="Write one clip a line, in UTF-8.") from error


def _h5_entries(path: Path) -> list[str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return [entry.decode("utf-8") for entry in file["audio"][:]]
    except (OSError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise DataError(
            "not a FAIR-Play split: it needs a data set `audio` of byte strings", where=path, fix="Copy it again."
        ) from error


def layout_clips(root: Path, listed_in: Path, *, frames_fps: float | None = None) -> list[Clip]:
    """The clips of a list under `root`; images from `videos/`, or from `frames/` if `frames_fps` is given.

    DataError for a faulty list, for missing files (which, and how many) and for audio that is not stereo.
    """
    clips = listed_clips(root, listed_in, frames_fps=frames_fps)
    _all_there(clips, listed_in)
    for clip in clips:
        check_audio(clip.audio)
    return clips


def listed_clips(root: Path, listed_in: Path, *, frames_fps: float | None = None) -> list[Clip]:
    """The clips of a list as `layout_clips`, whatever their files are; DataError for a faulty list."""
    recordings = _recordings(root)
    clips = (_clip(root, name, frames_fps) for name in split_ids(listed_in))
    return [replace(clip, recording=recordings.get(clip.id, clip.id)) for clip in clips]


def _recordings(root: Path) -> dict[str, str]:
    """The recordings of clips that avspatial rendered, by id; of other clips none is known."""
    record = root / RENDERED
    if not record.is_file():
        return {}
    try:
        clips = json.loads(record.read_text(encoding="utf-8"))["clips"]
        return {name: str(origin["recording"]) for name, origin in clips.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError("cannot be read", where=record, fix="Render the clips again, or remove the file.") from error


def _clip(root: Path, name: str, frames_fps: float | None) -> Clip:
    video = root / "videos" / f"{name}.mp4"
    if frames_fps is not None:
        named = root / "frames" / f"{name}.mp4"
        video = named if named.is_dir() else root / "frames" / name
    return Clip(name, root / "binaural_audios" / f"{name}.wav", video, recording=name, frames_fps=frames_fps)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds a zero byte
        return False


def _all_there(clips: list[Clip], listed_in: Path) -> None:
    missing = {clip.id: [path for path in (clip.audio, clip.video) if not _exists(path)] for clip in clips}
    gone = [path for paths in missing.values() for path in paths]
    if gone:
        incomplete = sum(map(bool, missing.values()))
        raise DataError(
            f"{incomplete} of its {len(clips)} clips are not complete; missing: {listed([str(p) for p in gone])}",
            where=listed_in,
            fix="Copy the missing files there, or choose a split whose clips are complete.",
        )


def check_audio(path: Path, *, stereo: bool = True) -> None:
    """DataError unless an audio or video file has two channels (any number if not `stereo`) and at least 8 kHz."""
    info = audio_info(path)
    if stereo and info.channels != 2:
        kind = "mono" if info.channels == 1 else f"{info.channels} channels"
        raise DataError(f"{kind} where stereo is needed", where=path, fix="Take the binaural recording of this clip.")
    if info.rate < LOWEST_RATE:
        raise DataError(
            f"sampled at {info.rate} Hz; at least {LOWEST_RATE} Hz is needed",
            where=path,
            fix="Take the original recording; any higher rate is resampled.",
        )


def lengths(clip: Clip) -> tuple[float, float]:
    """Seconds of audio and of video that a clip has of its files; MediaError for files that are missing or cannot be
    read."""
    rate = clip.frames_fps
    video = video_seconds(clip.video) if rate is None else len(image_files(clip.video)) / rate
    longest = math.inf if clip.seconds is None else clip.seconds
    audio, video = (min(longest, max(0.0, total - clip.start)) for total in (audio_info(clip.audio).seconds, video))
    return audio, video


def check_lengths(clip: Clip, tolerance: float, advice: str, key: str = "length_tolerance") -> None:
    """DataError if the lengths of audio and video differ by more than `tolerance` seconds.

    `advice` is the first thing that the user can do; `key` is the recipe's key of the tolerance.
    """
    audio, video = lengths(clip)
    if abs(audio - video) > tolerance:
        raise DataError(
            f"clip {clip.id}: {audio:.2f} s of audio but {video:.2f} s of video",
            where=clip.video,
            fix=f"{advice}, leave the clip out, or raise {key} (now {tolerance:g} s).",
        )
