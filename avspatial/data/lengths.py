"""Whether a clip's sound and pictures are equally long, by what the files' headers say."""

from __future__ import annotations

from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.media.audio import wav_info
from avspatial.media.video import picture_files, video_seconds


def lengths(clip: Clip) -> tuple[float, float]:
    """Seconds of sound and of pictures; MediaError for files that are not there or cannot be read."""
    rate = clip.frames_fps
    pictures = video_seconds(clip.video) if rate is None else len(picture_files(clip.video)) / rate
    return wav_info(clip.audio).seconds, pictures


def check_lengths(clip: Clip, tolerance: float, mend: str, key: str = "length_tolerance") -> None:
    """DataError if they differ by more than `tolerance` seconds. mend: what to do first; key: where the recipe says
    the tolerance."""
    sound, pictures = lengths(clip)
    if abs(sound - pictures) > tolerance:
        raise DataError(
            f"clip {clip.id}: {sound:.2f} s of sound but {pictures:.2f} s of pictures",
            where=clip.video,
            fix=f"{mend}, leave the clip out, or raise {key} (now {tolerance:g} s).",
        )
