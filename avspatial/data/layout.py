"""The layout of FAIR-Play on disk: lists of ids, a wav and an mp4 (or a folder of pictures) for each id.

The simulated scenes are written in the same layout and read through this module.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.media.wav import WavInfo, wav_info

PARTS = ("train", "val", "test")
LOWEST_RATE = 8000
"""Sound below this rate (Hz) holds nothing of the spatial cues and is refused; any other rate is resampled."""


def split_folder(root: Path, split: int | str) -> Path:
    """The folder of a split's lists: `splits/split<N>`, `splits/<name>`, or the path of a folder."""
    by_name = root / "splits" / (f"split{split}" if str(split).isdigit() else str(split))
    folder = by_name if by_name.is_dir() else Path(split) if isinstance(split, str) and Path(split).is_dir() else None
    if folder is None:
        there = sorted(f.name for f in (root / "splits").glob("*") if f.is_dir())
        offer = f"There are {', '.join(there)}." if there else f"There is no split in {root / 'splits'}."
        raise DataError("no such split", where=by_name, fix=f"{offer} A path of another folder will do as well.")
    return folder


def split_ids(folder: Path, part: str) -> list[str]:
    """The ids that `part` ("train", "val", "test") of a split lists, in its order: `<part>.h5`, or else `<part>.txt`.

    Entries may carry any folder and suffix: the base name is the id. DataError for a part that is missing, empty,
    unreadable, or that lists an id twice.
    """
    candidates = [folder / f"{part}{suffix}" for suffix in (".h5", ".txt")]
    path = next((file for file in candidates if file.is_file()), None)
    if path is None:
        raise DataError(f"the split has no list of its {part} part", where=folder, fix=f"Add {part}.h5 or {part}.txt.")
    entries = _h5_entries(path) if path.suffix == ".h5" else path.read_text(encoding="utf-8").split()
    ids = [PurePosixPath(entry.replace("\\", "/")).stem for entry in entries]
    if not ids:
        raise DataError("an empty split: it lists no clip", where=path, fix="List a clip, or choose another split.")
    twice = sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    if twice:
        raise DataError(f"lists {_some(twice)} more than once", where=path, fix="List every clip once.")
    return ids


def _h5_entries(path: Path) -> list[str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return [entry.decode("utf-8") for entry in file["audio"][:]]
    except (OSError, KeyError, AttributeError, UnicodeDecodeError) as error:
        raise DataError(
            "not a FAIR-Play split: it needs a data set `audio` of byte strings", where=path, fix="Copy it again."
        ) from error


def layout_clips(
    root: Path, ids: Iterable[str], listed_in: Path, *, frames: bool = False, frames_fps: float | None = None
) -> list[Clip]:
    """The clips of `ids` under `root`; DataError if files are missing (which, and how many) or a wav is no stereo."""
    clips = [_clip(root, name, frames_fps if frames else None) for name in ids]
    _all_there(clips, listed_in)
    for clip in clips:
        stereo_info(clip.audio)
    return clips


def _clip(root: Path, name: str, frames_fps: float | None) -> Clip:
    video = root / "videos" / f"{name}.mp4"
    if frames_fps is not None:
        named = root / "frames" / f"{name}.mp4"
        video = named if named.is_dir() else root / "frames" / name
    return Clip(name, root / "binaural_audios" / f"{name}.wav", video, recording=name, frames_fps=frames_fps)


def _all_there(clips: list[Clip], listed_in: Path) -> None:
    gone = [path for clip in clips for path in (clip.audio, clip.video) if not path.exists()]
    if gone:
        clips_gone = sum(not (clip.audio.exists() and clip.video.exists()) for clip in clips)
        raise DataError(
            f"names {clips_gone} of {len(clips)} clips that are not there: {_some([str(p) for p in gone])}",
            where=listed_in,
            fix="Copy the missing files there, or choose a split whose clips are complete.",
        )


def stereo_info(path: Path) -> WavInfo:
    """The header of a sound file fit to learn from: two channels, at least 8 kHz; DataError otherwise."""
    info = wav_info(path)
    if info.channels != 2:
        kind = "mono" if info.channels == 1 else f"{info.channels} channels"
        raise DataError(f"{kind} where stereo is needed", where=path, fix="Take the binaural recording of this clip.")
    if info.rate < LOWEST_RATE:
        raise DataError(
            f"sampled at {info.rate} Hz; at least {LOWEST_RATE} Hz is needed",
            where=path,
            fix="Take the original recording; any rate from there on is resampled.",
        )
    return info


def _some(names: list[str], shown: int = 3) -> str:
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")
