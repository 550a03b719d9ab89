"""The next batches are made in a thread while the present one is learned from."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Full, Queue
from types import TracebackType
from typing import Generic, TypeVar

Place = TypeVar("Place")
Made = TypeVar("Made")


class Prefetch(Generic[Place, Made]):
    """Yields `make(place)` for each place in order, made up to `ahead` items early in a thread of its own.

    `data_wait_s` is how many seconds the consumer has spent waiting. An exception in `make` is raised at its place in
    the order. Use as a context manager: leaving it stops the thread.
    """

    def __init__(self, make: Callable[[Place], Made], places: Sequence[Place], *, ahead: int = 3) -> None:
        self.data_wait_s = 0.0
        self._make = make
        self._places = places
        self._ready: Queue[tuple[Made | None, BaseException | None]] = Queue(ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)

    def __enter__(self) -> Prefetch[Place, Made]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def __iter__(self) -> Iterator[Made]:
        for _ in self._places:
            start = time.perf_counter()
            made, error = self._ready.get()
            self.data_wait_s += time.perf_counter() - start
            if error is not None:
                raise error
            yield made  # type: ignore[misc]

    def _work(self) -> None:
        for place in self._places:
            made, error = None, None
            try:
                made = self._make(place)
            except BaseException as problem:  # crosses to the consumer, which raises it
                error = problem
            if not self._hand_over((made, error)) or error is not None:
                return

    def _hand_over(self, item: tuple[Made | None, BaseException | None]) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False
