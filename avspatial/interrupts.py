"""SIGTERM and SIGHUP as interrupts: they stop work as Ctrl-C does; the exit code is 128 + the signal, as in shells."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

STOPPING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Sent by schedulers, `kill` and terminals that close."""


@contextmanager
def handled(handlers: dict[signal.Signals, Callable[[int, FrameType | None], object]]) -> Iterator[None]:
    """Install handlers of signals for the block; a signal that is ignored, as under nohup, stays ignored.

    Outside the main thread Python allows no handlers: there nothing is installed.
    """
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        active = [number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN]
        before = {number: signal.signal(number, handlers[number]) for number in active}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def stoppable() -> Iterator[None]:
    """The first of `STOPPING` raises KeyboardInterrupt in the block, with its number.

    Further ones must not disturb the cleaning up.
    """
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        leave_dead_terminal()
        if not stopped:
            stopped = True
            raise KeyboardInterrupt(number)

    with handled(dict.fromkeys(STOPPING, stop)):
        yield


@contextmanager
def postponed() -> Iterator[None]:
    """A signal that arrives in the block takes effect at its end.

    An interrupt while a thread starts would leave a thread that nothing waits for.
    """
    arrived: list[int] = []
    with handled(dict.fromkeys((signal.SIGINT, *STOPPING), lambda number, frame: arrived.append(number))):
        yield
    if arrived:
        signal.raise_signal(arrived[0])


def signal_of(error: BaseException | None) -> int:
    """The signal behind an interruption: SIGINT, Ctrl-C, unless `stoppable` raised the error or one that led to it."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return int(error.args[0]) if error.args else signal.SIGINT
        error = error.__cause__ or error.__context__
    return signal.SIGINT


def leave_dead_terminal() -> None:
    """Discard output if its terminal has been closed: writing to it raises OSError, also while cleaning up."""
    for descriptor in (1, 2):
        try:
            os.get_terminal_size(descriptor)
        except OSError as error:
            if error.errno == errno.EIO:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, descriptor)
                os.close(null)
