"""Prefetching: a thread makes the next batches while the current one is trained on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from queue import Full, Queue
from types import TracebackType
from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")


class Prefetch(Generic[Key, Item]):
    """Context manager that yields `make(key)` for each key in order, up to `ahead` items early, made in a thread.

    `data_wait_s` counts the seconds that the consumer waited. An exception in `make` is raised when its item is due.
    Leaving the context stops the thread.
    """

    def __init__(self, make: Callable[[Key], Item], keys: Sequence[Key], *, ahead: int = 3) -> None:
        self.data_wait_s = 0.0
        self._make = make
        self._keys = keys
        self._ready: Queue[tuple[Item | None, BaseException | None]] = Queue(ahead)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="prefetch", daemon=True)

    def __enter__(self) -> Prefetch[Key, Item]:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def __iter__(self) -> Iterator[Item]:
        for _ in self._keys:
            start = time.perf_counter()
            item, error = self._ready.get()
            self.data_wait_s += time.perf_counter() - start
            if error is not None:
                raise error
            yield item  # type: ignore[misc]

    def _work(self) -> None:
        for key in self._keys:
            item, error = None, None
            try:
                item = self._make(key)
            except BaseException as problem:  # crosses to the consumer, which raises it
                error = problem
            if not self._hand_over((item, error)) or error is not None:
                return

    def _hand_over(self, item: tuple[Item | None, BaseException | None]) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(item, timeout=0.1)
                return True
            except Full:
                continue
        return False
