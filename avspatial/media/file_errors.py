"""MediaErrors for files that cannot be read or written."""

from __future__ import annotations

import errno
import shlex
from pathlib import Path

import numpy as np
from av.error import FFmpegError

from avspatial.contents import foreign_contents
from avspatial.errors import MediaError, reason

_SYSTEM_ERROR = 2
"""libsndfile's code for an error of the file system, whose own text is lost."""
_FREE_SPACE = "Free space, or choose another folder."
_FIXES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _FREE_SPACE),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Allow writing there, or choose another folder."),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR), "Give another name, or choose another folder."),
    errno.ENAMETOOLONG: "Give a shorter name.",
}
"""What to do about an error of the file system."""
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM})


def ffmpeg_command(source: Path, options: str, out: str | Path) -> str:
    """An ffmpeg command that can be typed as it stands: names are quoted, and a colon makes no address of them."""
    names = [f"file:{name}" if ":" in str(name) else str(name) for name in (source, out)]
    return " ".join(["ffmpeg -i", shlex.quote(names[0]), *([options] if options else []), shlex.quote(names[1])])


def unreadable_video(path: Path, error: BaseException) -> MediaError:
    if getattr(error, "errno", None) in _FORBIDDEN:
        return _forbidden(path, error)
    return _foreign("a video", path) or MediaError(
        f"not a readable video ({reason(error)}); it is damaged or cut short",
        where=path,
        fix="Copy or download it again.",
    )


def unreadable_audio(path: Path, error: BaseException) -> MediaError:
    if not path.exists():
        return MediaError("no such audio file", where=path)
    return _foreign("an audio file", path) or MediaError(
        f"not a readable audio file ({reason(error)})", where=path, fix="Copy it again, or convert it to wav."
    )


def _foreign(kind: str, path: Path) -> MediaError | None:
    """For a file that may not be read, or holds something else by its first bytes; None for any other."""
    if not path.is_file():
        return None
    try:
        path.open("rb").close()
    except OSError as error:
        return _forbidden(path, error)
    instead = foreign_contents(path)
    return MediaError(f"not {kind}: {instead}", where=path, fix="Get the file itself.") if instead else None


def _forbidden(path: Path, error: BaseException) -> MediaError:
    return MediaError(f"cannot be read ({reason(error)})", where=path, fix="Allow reading it, or copy it.")


def empty_audio(path: Path) -> MediaError:
    return MediaError("holds no audio samples", where=path, fix="Copy it again, or leave the clip out.")


def unknown_codec(kind: str, path: Path) -> MediaError:
    """For a file whose audio or video FFmpeg cannot decode; `kind` says which."""
    return MediaError(
        f"its {kind} is in a format that FFmpeg cannot decode here", where=path, fix="Convert it to h264 and aac."
    )


def cut_short(path: Path, end: float | None, declared: float | None = None) -> MediaError:
    """For a file that ends at `end` s and should last `declared` s, as far as that is known."""
    where = "its end is missing" if end is None else f"it ends at {end:.2f} s"
    of = "" if declared is None else f" of {declared:.2f} s"
    return MediaError(f"cut short: {where}{of}", where=path, fix="Copy or download it again.")


def unwritable(path: str | Path, error: BaseException) -> MediaError:
    if getattr(error, "code", None) == _SYSTEM_ERROR:
        return MediaError("cannot be written (the file system refused)", where=path, fix=_FREE_SPACE)
    fix = write_fix(error)
    if not fix and isinstance(error, FFmpegError):
        return MediaError(
            f"cannot be written: its format does not take what it should hold ({reason(error)})",
            where=path,
            fix="Give an output that ends in .mkv, which takes nearly everything.",
        )
    return MediaError(f"cannot be written ({reason(error)})", where=path, fix=fix or "Choose another folder or name.")


def write_fix(error: BaseException) -> str:
    """What to do about an error of the file system; empty for any other error."""
    return _FIXES.get(getattr(error, "errno", None) or 0, "")


def check_finite(samples: np.ndarray, path: Path) -> None:
    """Raise MediaError for samples that are NaN or infinite."""
    if not np.isfinite(samples).all():
        raise MediaError("has samples that are NaN or infinite", where=path, fix="Write the file again.")
