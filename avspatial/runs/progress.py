"""How long work shows itself: a bar on a terminal, two plain lines elsewhere; always on stderr."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sized
from typing import Any

from rich.console import Console
from rich.progress import track


def on_stderr(items: Iterable[Any], title: str) -> Iterator[Any]:
    """Yield the items one by one and show how many are done; an `avspatial.interfaces.Progress`."""
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, title, console=console, transient=True)
        return
    start = time.monotonic()
    known = f" ({len(items)})" if isinstance(items, Sized) else ""
    _say(console, f"{title}{known} ...")
    yield from items
    _say(console, f"{title}{known}: {time.monotonic() - start:.1f} s")


def silent(items: Iterable[Any], title: str) -> Iterator[Any]:
    """Show nothing; an `avspatial.interfaces.Progress`."""
    yield from items


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
