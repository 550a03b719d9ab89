"""Videos of one instrument each, with mono audio, to train separation on (MUSIC, Zhao et al., ECCV 2018).

ROOT/INSTRUMENT/NAME.mp4 and ROOT/INSTRUMENT/NAME.wav, or ROOT/NAME.mp4 and ROOT/NAME.wav
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from avspatial.data.layout import PARTS, check_lengths
from avspatial.data.settings import SolosSettings
from avspatial.data.splitting import split_by_digest
from avspatial.errors import DataError
from avspatial.folders import files_below
from avspatial.interfaces import Clip, Dataset, Progress
from avspatial.media.file_errors import ffmpeg_command

VIDEOS = (".mp4", ".mkv", ".webm", ".mov", ".avi")
AUDIO = (".wav", ".flac")


class Solos(Dataset):
    """Every video of a folder, or of its subfolders, with the audio file of its name; all clips are mono.

    DataError if the folder does not exist, a video has no audio file, or there are too few videos for three splits.
    """

    settings: SolosSettings

    def __init__(self, settings: SolosSettings, *, progress: Progress) -> None:
        super().__init__(settings, progress=progress)
        self.root = Path(settings.root)

    def prepare(self) -> None:
        """DataError as the class says."""
        solo_clips(self.root, PARTS[0], self.settings.shares)

    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test"; DataError, too, for audio and video of different lengths."""
        clips = solo_clips(self.root, split, self.settings.shares)
        for clip in self.progress(clips, f"Checking {split} solos"):
            check_lengths(clip, self.settings.length_tolerance, "Create the audio file again")
        return clips

    def fingerprint(self) -> str:
        """A digest of the splits and of the sizes of the audio files; the place on the disk does not enter."""
        splits = {part: solo_clips(self.root, part, self.settings.shares) for part in PARTS}
        sizes = {part: [(clip.id, clip.audio.stat().st_size) for clip in clips] for part, clips in splits.items()}
        return hashlib.sha256(json.dumps(sizes).encode()).hexdigest()[:16]


def solo_clips(root: Path, split: str, shares: Sequence[float]) -> list[Clip]:
    """The mono clips of a split, by id; DataError for an unknown split, a missing folder, missing audio, and fewer
    than three videos.

    An id is the path below `root` without its suffix. A digest of the id decides on the split, and each split gets its
    share of the videos, at least one.
    """
    if split not in PARTS:
        raise DataError(f"there is no split {split!r}", where=root, fix=f"Ask for {', '.join(PARTS)}.")
    clips = _all(root)
    parts = split_by_digest([clip.id for clip in clips], shares)
    if not parts[PARTS[0]]:
        raise DataError(
            f"{len(clips)} videos with audio, too few for three splits of the shares {list(shares)}",
            where=root,
            fix="Add videos: ROOT/INSTRUMENT/NAME.mp4, and NAME.wav in the same folder.",
        )
    return sorted((clip for clip in clips if clip.id in parts[split]), key=lambda clip: clip.id)


def _all(root: Path) -> list[Clip]:
    if not root.is_dir():
        fix = "Name one: ROOT/INSTRUMENT/NAME.mp4, and NAME.wav in the same folder."
        raise DataError("no such folder of solos", where=root, fix=fix)
    files = files_below(root, lambda file: file.suffix.lower() in VIDEOS, depth=1)
    audio_files = {video: _audio_file(video) for video in files}
    silent = [video for video, audio in audio_files.items() if audio is None]
    if silent:
        raise DataError(
            f"{len(silent)} of {len(files)} videos have no audio file of their name, such as {silent[0].name}",
            where=silent[0].parent,
            fix="Take it out of the video: " + ffmpeg_command(silent[0], "", silent[0].with_suffix(".wav")),
        )
    names = {video: video.relative_to(root).with_suffix("").as_posix() for video in files}
    return [
        Clip(names[video], audio, video, recording=names[video], mono=True)
        for video, audio in audio_files.items()
        if audio is not None
    ]


def _audio_file(video: Path) -> Path | None:
    return next((file for suffix in AUDIO if (file := video.with_suffix(suffix)).is_file()), None)
