"""The few error classes. Each says what is wrong, where, and what to do about it.

Everything a user can cause derives from `AvspatialError`, which the command line prints without a traceback.
Any other exception that reaches the command line is a bug of ours, printed with its traceback (exit code 70).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, legal: Iterable[str]) -> str:
    """` (did you mean 'nearest'?)` for the legal word nearest to `word`, or nothing when none is near."""
    near = difflib.get_close_matches(word, list(legal), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def reason(error: BaseException) -> str:
    """What the system or a library says about an error, without error number and path: `Permission denied`."""
    known = getattr(error, "strerror", None) or getattr(error, "error_string", None)  # OSError, libsndfile
    return str(known or str(error) or type(error).__name__).rstrip(".")


class AvspatialError(Exception):
    """A mistake that the person at the keyboard can mend.

    `what` is one sentence, `where` a file, key or clip (may be empty), `fix` what to do (may be empty).
    The printed form is `where: what`, then the fix on its own line.
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
    """A recipe that cannot be run; `what` lists every problem, one `file:line:col: key: message` a line."""


class PluginError(AvspatialError):
    """A component that is unknown, ambiguous or of another version, or a plugin that failed to load."""


class DataError(AvspatialError):
    """A data set that is missing, incomplete or contradicts itself."""


class MediaError(AvspatialError):
    """A sound or video file that cannot be read or written as asked; `where` is the file."""


class RunError(AvspatialError):
    """A run directory or checkpoint that cannot be used as asked."""


class TrainingError(AvspatialError):
    """Training that cannot go on: a loss term is not finite. The message names the step and the term."""

    exit_code = 1


class Interrupted(AvspatialError):
    """The person at the keyboard stopped the work; what was done is saved, and `fix` says how to go on."""

    exit_code = 130
