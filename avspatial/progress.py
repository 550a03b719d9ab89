"""Progress on stderr: bars on a terminal, lines of text elsewhere; of items, or of seconds of audio."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

EVERY = 10.0
"""Seconds between two lines of progress where stderr is not a terminal."""


def _pace(per_second: float) -> str:
    """Items per second, or seconds per item where it takes longer."""
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{1 / per_second:.1f} s each"


class _Rate(ProgressColumn):
    """How fast items go."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if not speed else _pace(speed))


def show_on_stderr(items: Iterable[Any], title: str) -> Iterator[Any]:
    """Yield the items and show how many are done, and how many per second; an `avspatial.interfaces.Progress`."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            yield from bar.track(items, description=title)
        return
    start = time.monotonic()
    count = f" ({len(items)})" if isinstance(items, Sized) else ""
    _print_line(console, f"{title}{count} ...")
    yield from items
    seconds = time.monotonic() - start
    rate = f", {_pace(len(items) / seconds)}" if isinstance(items, Sized) and len(items) and seconds > 0 else ""
    _print_line(console, f"{title}{count}: {seconds:.1f} s{rate}")


def silent(items: Iterable[Any], title: str) -> Iterator[Any]:
    """Yield the items and show nothing; an `avspatial.interfaces.Progress`."""
    yield from items


def _print_line(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


class ProgressDisplay(Protocol):
    """Shows the progress of one file: `with display("clip.mp4") as advance: advance(done, total)`, in seconds."""

    def __call__(self, title: str) -> Any: ...


@contextmanager
def terminal_display(console: Console) -> Iterator[ProgressDisplay]:
    """One bar per file in progress."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:

        @contextmanager
        def display(title: str) -> Iterator[Callable[[float, float], None]]:
            begun = time.monotonic()
            task = bars.add_task(title, total=None, pace="")

            def advance(done: float, total: float) -> None:
                pace = done / max(time.monotonic() - begun, 1e-6)
                bars.update(task, completed=done, total=total, pace=f"{pace:.1f} x real time")

            try:
                yield advance
            finally:
                bars.remove_task(task)

        yield display


@contextmanager
def line_display(console: Console) -> Iterator[ProgressDisplay]:
    """One line every `EVERY` seconds per file in progress."""

    @contextmanager
    def display(title: str) -> Iterator[Callable[[float, float], None]]:
        begun = printed = time.monotonic()

        def advance(done: float, total: float) -> None:
            nonlocal printed
            now = time.monotonic()
            if now - printed < EVERY:
                return
            printed = now
            pace = done / max(now - begun, 1e-6)
            left = (total - done) / max(pace, 1e-6)
            line = f"{title}: {done:.0f} of {total:.0f} s, {pace:.1f} times real time, {left:.0f} s left"
            _print_line(console, line)

        yield advance

    yield display


@contextmanager
def no_display() -> Iterator[ProgressDisplay]:
    """Shows nothing."""

    @contextmanager
    def display(title: str) -> Iterator[Callable[[float, float], None]]:
        yield lambda done, total: None

    yield display


def stderr_display() -> Any:
    """Bars if stderr is a terminal, else lines; a context manager that yields a `ProgressDisplay`."""
    console = Console(stderr=True)
    return terminal_display(console) if console.is_terminal else line_display(console)
