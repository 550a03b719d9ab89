"""Exceptions of avspatial: each says what is wrong, where, and what to do about it.

Hierarchy:

    AvspatialError        any error that the user can fix (exit code 2)
        RecipeError       a recipe that cannot be run
        PluginError       a missing, ambiguous or broken plugin or component
        DataError         a data set that is missing, incomplete or inconsistent
        MediaError        an audio, image or video file that cannot be read or written
        RunError          a run directory, checkpoint or model file that cannot be used
        TrainingError     training that diverged (exit code 1)
        Interrupted       work that was stopped by Ctrl-C, SIGTERM or SIGHUP (exit code 130, 143, 129)

Catch `AvspatialError` to handle all of them. The command line prints it without a traceback and exits with its
`exit_code`. Any other exception that reaches the command line is a bug: it is printed with its traceback (exit code
70).
"""

from __future__ import annotations

import difflib
import signal
from collections.abc import Iterable

__all__ = [
    "AvspatialError",
    "DataError",
    "Interrupted",
    "MediaError",
    "PluginError",
    "RecipeError",
    "RunError",
    "TrainingError",
    "did_you_mean",
    "reason",
]


def did_you_mean(word: str, legal: Iterable[str]) -> str:
    """Suggest the legal word closest to a misspelled one.

    Args:
        word: What was written.
        legal: The words that are allowed.

    Returns:
        A suggestion to append to a message, or an empty string if no legal word is similar.

    Example:
        >>> did_you_mean("nearst", ["nearest", "last"])
        " (did you mean 'nearest'?)"
    """
    near = difflib.get_close_matches(word, list(legal), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def reason(error: BaseException) -> str:
    """Return what the system or a library says about an error, without error number and path.

    Args:
        error: An OSError, an error of FFmpeg or libsndfile, or any other exception.

    Returns:
        One sentence without a full stop; the name of the exception's class if it has no message.

    Example:
        >>> reason(PermissionError(13, "Permission denied", "clip.wav"))
        'Permission denied'
    """
    text = getattr(error, "strerror", None) or getattr(error, "error_string", None)  # OSError, libsndfile
    return str(text or str(error) or type(error).__name__).rstrip(".")


class AvspatialError(Exception):
    """An error that the user can fix; base of all errors of avspatial.

    `str(error)` is `where: what`, then `fix` on a line of its own.

    Args:
        what: What is wrong, in one sentence; the attribute `what`.
        where: The file, key or clip it is about; the attribute `where`, a string. Empty if there is none.
        fix: What to do about it; the attribute `fix`. Empty if there is nothing to say.

    Attributes:
        exit_code: Exit code of the command line for this class.

    Example:
        >>> print(AvspatialError("is empty", where="pairs.csv", fix="Write one pair of files a line."))
        pairs.csv: is empty
          Write one pair of files a line.
    """

    exit_code = 2

    def __init__(self, what: str, *, where: object = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = str(where)
        self.fix = fix

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.fix}" if self.fix else head


class RecipeError(AvspatialError):
    """A recipe that cannot be run.

    `what` lists every problem of the recipe, one `file:line:col: key: message` a line.
    """


class PluginError(AvspatialError):
    """A component that is unknown, ambiguous or of another version, or a plugin that cannot be loaded.

    Args:
        what: As for `AvspatialError`.
        where: As for `AvspatialError`.
        fix: As for `AvspatialError`.
        nearest: The name that was probably meant, if it is misspelled by a letter or two; also an attribute.
    """

    def __init__(self, what: str, *, where: object = "", fix: str = "", nearest: str = "") -> None:
        super().__init__(what, where=where, fix=fix)
        self.nearest = nearest


class DataError(AvspatialError):
    """A data set that is missing, incomplete or inconsistent, or an array of the wrong shape or type."""


class MediaError(AvspatialError):
    """An audio, image or video file that cannot be read or written as requested; `where` is the file."""


class RunError(AvspatialError):
    """A run directory, checkpoint or model file that cannot be used as requested."""


class TrainingError(AvspatialError):
    """Training that cannot continue because a loss term is not finite; names the step and the term."""

    exit_code = 1


class Interrupted(AvspatialError):
    """Work that Ctrl-C or another signal stopped; finished parts are saved, and `fix` says how to resume.

    Args:
        what: As for `AvspatialError`.
        where: As for `AvspatialError`.
        fix: As for `AvspatialError`.
        number: The signal; the exit code is 128 more, as in shells.
    """

    def __init__(self, what: str, *, where: object = "", fix: str = "", number: int = signal.SIGINT) -> None:
        super().__init__(what, where=where, fix=fix)
        self.exit_code = 128 + number
