"""How work on sound shows itself: how far it is, how many times real time it goes, how long it will take; on stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class Clock(Protocol):
    """Gives each file its own display: `with clock("clip.mp4") as advance: advance(done, total)`, in seconds."""

    def __call__(self, title: str) -> Any: ...


@contextmanager
def on_terminal(console: Console) -> Iterator[Clock]:
    """A bar for each file that is being worked on."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bars:

        @contextmanager
        def clock(title: str) -> Iterator[Callable[[float, float], None]]:
            begun = time.monotonic()
            task = bars.add_task(title, total=None, pace="")

            def advance(done: float, total: float) -> None:
                pace = done / max(time.monotonic() - begun, 1e-6)
                bars.update(task, completed=done, total=total, pace=f"{pace:.1f} x real time")

            try:
                yield advance
            finally:
                bars.remove_task(task)

        yield clock


@contextmanager
def in_lines(console: Console) -> Iterator[Clock]:
    """A line now and then for each file that is being worked on."""

    @contextmanager
    def clock(title: str) -> Iterator[Callable[[float, float], None]]:
        begun = said = time.monotonic()

        def advance(done: float, total: float) -> None:
            nonlocal said
            now = time.monotonic()
            if now - said < EVERY:
                return
            said = now
            pace = done / max(now - begun, 1e-6)
            left = (total - done) / max(pace, 1e-6)
            line = f"{title}: {done:.0f} of {total:.0f} s, {pace:.1f} times real time, {left:.0f} s left"
            console.print(line, highlight=False, markup=False, soft_wrap=True)

        yield advance

    yield clock


@contextmanager
def unseen() -> Iterator[Clock]:
    """Nothing is shown."""

    @contextmanager
    def clock(title: str) -> Iterator[Callable[[float, float], None]]:
        yield lambda done, total: None

    yield clock


def shown() -> Any:
    """The display that fits stderr, as a context that gives a `Clock`."""
    console = Console(stderr=True)
    return on_terminal(console) if console.is_terminal else in_lines(console)
