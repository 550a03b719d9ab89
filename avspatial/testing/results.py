"""Result of a conformance check: passed, failed, expected failure or skipped."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["passed", "failed", "expected", "skipped"]


class CheckFailed(AssertionError):
    """A requirement that is not met; raised only by `require`."""


class NotApplicable(Exception):
    """The check does not apply to the component; the message says why."""


@dataclass(frozen=True)
class Result:
    """Result of one check of one component or plugin.

    Attributes:
        subject: Kind and id of the component, or the plugin.
        check: Name of the check.
        status: "passed", "failed", "skipped", or "expected" for a failure that the component declares.
        note: Why it failed or was skipped, or what the check measured.
        statement: `file:line: source` of the statement that failed.

    Example:
        >>> from avspatial.testing import Result
        >>> result = Result("metric avspatial.snr", "declared", "passed")
        >>> result.ok, str(result)
        (True, 'passed    metric avspatial.snr  declared')
    """

    subject: str
    check: str
    status: Status
    note: str = ""
    statement: str = ""

    @property
    def ok(self) -> bool:
        """Whether the check did not fail, unless expectedly."""
        return self.status != "failed"

    def __str__(self) -> str:
        head = f"{self.status:8}  {self.subject}  {self.check}" + (f": {self.note}" if self.note else "")
        return f"{head}\n          {self.statement}" if self.statement else head


def require(condition: object, message: str) -> None:
    """Raise `CheckFailed` with the message unless the condition holds."""
    if not condition:
        raise CheckFailed(message)


def outcome(subject: str, check: str, run: Callable[[], str | None], *, home: Path, expected: str = "") -> Result:
    """Run one check. home: folder of the checked code. expected: why the check must fail, or ""."""
    try:
        note = run() or ""
    except NotApplicable as why:
        return Result(subject, check, "skipped", str(why))
    except (Exception, SystemExit) as error:
        if expected:
            return Result(subject, check, "expected", expected)
        return Result(subject, check, "failed", _message(error), _statement(error, home))
    if expected:
        note = f"passes, though it is declared to fail ({expected}): take it out of expected_failures"
        return Result(subject, check, "failed", note)
    return Result(subject, check, "passed", note)


def _message(error: BaseException) -> str:
    text = " ".join(str(error).split())
    text = text if len(text) <= 400 else f"{text[:400]} ..."
    return text if isinstance(error, CheckFailed) else f"{type(error).__name__}: {text}"


def _statement(error: BaseException, home: Path) -> str:
    """The statement that failed: that of the check, or the last one in the component's code."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, CheckFailed):
        frame = frames[-2]
    else:
        frame = next((f for f in reversed(frames) if Path(f.filename).is_relative_to(home)), frames[-1])
    return f"{frame.filename}:{frame.lineno}: {frame.line}"
