"""Progress of training: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from avspatial.text import pace

_SECONDS_BETWEEN_LINES = 10.0


class Display:
    """Context manager that shows steps, losses, clips/s, the share of time spent waiting for data, and the time left.

    On a terminal a bar; otherwise at most one plain line every ten seconds, and one for each validation. A quiet
    console shows nothing.
    """

    def __init__(self, console: Console, steps: int, done: int) -> None:
        self._console = console
        self._steps = steps
        self._first = done
        self._start = time.perf_counter()
        self._last_line = self._start
        self._validated = ""
        self._progress = Progress(
            TextColumn("Training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._progress.add_task("training", total=steps, completed=done, text="")

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def step(self, step: int, terms: Mapping[str, float], clips_per_second: float, waiting: float) -> None:
        """Show a finished step; `waiting` is the share of the time so far that was spent waiting for data."""
        losses = "  ".join(f"{name} {value:.4g}" for name, value in terms.items() if name.endswith("/total"))
        text = f"{losses}  {self._validated}{pace(clips_per_second, 'clip')}  waiting {waiting:.0%}"
        self._progress.update(self._task, completed=step, text=text)
        now = time.perf_counter()
        if not self._console.is_terminal and (now - self._last_line >= _SECONDS_BETWEEN_LINES or step == self._steps):
            self._last_line = now
            left = (now - self._start) / (step - self._first) * (self._steps - step)
            self._print(f"step {step}/{self._steps}  {text}  {left:.0f} s left")

    def validated(self, step: int, total: float, best: bool) -> None:
        """Show a finished validation."""
        self._validated = f"held out {total:.4g}  "
        if not self._console.is_terminal:
            self._print(f"step {step}/{self._steps}  held out {total:.4g}{' (best)' if best else ''}")

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
