"""Ctrl-C, SIGTERM and SIGHUP: stop training after the current step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from avspatial.interrupts import STOPPING, handled, leave_dead_terminal


@contextmanager
def first_interrupt() -> Iterator[threading.Event]:
    """Context in which a signal sets the event; a second Ctrl-C interrupts at once, as usual.

    Terminals that close, and schedulers, may send their signals more than once. Outside the main thread Python allows
    no signal handlers, and the event stays unset.
    """
    asked = threading.Event()

    def ask(number: int, *_: object) -> None:
        asked.set()
        leave_dead_terminal()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    with handled(dict.fromkeys((signal.SIGINT, *STOPPING), ask)):
        yield asked
