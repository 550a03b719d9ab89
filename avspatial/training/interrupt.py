"""Ctrl-C, SIGTERM and SIGHUP: stop training after the current step."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from avspatial.interrupts import STOPPING, handled, leave_dead_terminal


@dataclass
class Interrupt:
    """Whether a signal has asked to stop: its number, or 0."""

    number: int = 0


@contextmanager
def first_interrupt() -> Iterator[Interrupt]:
    """Context in which a signal sets the interrupt; a second Ctrl-C interrupts at once, as usual.

    Terminals that close, and schedulers, may send their signals more than once. Outside the main thread Python allows
    no signal handlers, and it stays unset.
    """
    asked = Interrupt()

    def ask(number: int, *_: object) -> None:
        asked.number = asked.number or number
        leave_dead_terminal()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    with handled(dict.fromkeys((signal.SIGINT, *STOPPING), ask)):
        yield asked
