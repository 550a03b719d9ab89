"""What a check says: passed, failed, failed as its author said it would, or nothing to check here."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["passed", "failed", "expected", "skipped"]


class CheckFailed(AssertionError):
    """A promise that is not kept; raised by `require` alone."""


class NotApplicable(Exception):
    """There is nothing here that the check could look at; the message says why."""


@dataclass(frozen=True)
class Result:
    """One check of one component or plugin.

    status: `expected` is a failure that the component declares with a reason. note: why it failed or was skipped, or
    what was found on the way. statement: `file:line: source` of what failed.
    """

    subject: str
    check: str
    status: Status
    note: str = ""
    statement: str = ""

    @property
    def ok(self) -> bool:
        return self.status != "failed"

    def __str__(self) -> str:
        head = f"{self.status:8}  {self.subject}  {self.check}" + (f": {self.note}" if self.note else "")
        return f"{head}\n          {self.statement}" if self.statement else head


def require(kept: object, told: str) -> None:
    """Raise `CheckFailed` with what is told unless the promise is kept."""
    if not kept:
        raise CheckFailed(told)


def outcome(subject: str, check: str, run: Callable[[], str | None], *, home: Path, expected: str = "") -> Result:
    """Run one check. home: the folder of the code that is checked. expected: why it must fail, if it must."""
    try:
        note = run() or ""
    except NotApplicable as why:
        return Result(subject, check, "skipped", str(why))
    except (Exception, SystemExit) as error:
        if expected:
            return Result(subject, check, "expected", expected)
        return Result(subject, check, "failed", _told(error), _statement(error, home))
    if expected:
        note = f"passes, though it is declared to fail ({expected}): take it out of expected_failures"
        return Result(subject, check, "failed", note)
    return Result(subject, check, "passed", note)


def _told(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= 400 else f"{text[:400]} ..."
    return text if isinstance(error, CheckFailed) else f"{type(error).__name__}: {text}"


def _statement(error: BaseException, home: Path) -> str:
    """The statement that failed: the check's own, or the last one in the component's code."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, CheckFailed):
        frame = frames[-2]
    else:
        frame = next((f for f in reversed(frames) if Path(f.filename).is_relative_to(home)), frames[-1])
    return f"{frame.filename}:{frame.lineno}: {frame.line}"
