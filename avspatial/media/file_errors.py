"""MediaErrors for files that cannot be read or written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avspatial.errors import MediaError, reason

_SYSTEM_ERROR = 2
"""libsndfile's code for an error of the file system, whose own text is lost."""


def unreadable_video(path: Path, error: BaseException) -> MediaError:
    return MediaError(
        f"not a readable video ({reason(error)}); it is damaged or cut short",
        where=path,
        fix="Copy or download it again.",
    )


def unreadable_audio(path: Path, error: BaseException) -> MediaError:
    if not path.exists():
        return MediaError("no such audio file", where=path)
    return MediaError(
        f"not a readable audio file ({reason(error)})", where=path, fix="Copy it again, or convert it to wav."
    )


def empty_audio(path: Path) -> MediaError:
    return MediaError("holds no audio samples", where=path, fix="Copy it again, or leave the clip out.")


def cut_short(path: Path, end: float, declared: float) -> MediaError:
    """For a file that ends at `end` s and should last `declared` s."""
    return MediaError(
        f"cut short: it ends at {end:.2f} s of {declared:.2f} s", where=path, fix="Copy or download it again."
    )


def unwritable(path: str | Path, error: BaseException) -> MediaError:
    text = "the file system refused" if getattr(error, "code", None) == _SYSTEM_ERROR else reason(error)
    return MediaError(f"cannot be written ({text})", where=path, fix="Free space, or choose another folder.")


def check_finite(samples: np.ndarray, path: Path) -> None:
    """Raise MediaError for samples that are NaN or infinite."""
    if not np.isfinite(samples).all():
        raise MediaError("has samples that are NaN or infinite", where=path, fix="Write the file again.")
