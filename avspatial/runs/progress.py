"""How long work shows itself: a bar on a terminal, two plain lines elsewhere; always on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class _Rate(ProgressColumn):
    """How many items a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f}/s")


def on_stderr(items: Iterable[Any], title: str) -> Iterator[Any]:
    """Yield the items one by one and show how many are done, and how many a second; an
    `avspatial.interfaces.Progress`."""
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as shown:
            yield from shown.track(items, description=title)
        return
    start = time.monotonic()
    known = f" ({len(items)})" if isinstance(items, Sized) else ""
    _say(console, f"{title}{known} ...")
    yield from items
    seconds = time.monotonic() - start
    rate = f", {len(items) / seconds:.1f}/s" if isinstance(items, Sized) and seconds > 0 else ""
    _say(console, f"{title}{known}: {seconds:.1f} s{rate}")


def silent(items: Iterable[Any], title: str) -> Iterator[Any]:
    """Show nothing; an `avspatial.interfaces.Progress`."""
    yield from items


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
