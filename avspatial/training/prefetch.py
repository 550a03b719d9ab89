"""Prefetching: a thread makes the next batches while the current one is trained on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
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
        self._keys = iter(keys)
        self._thread = ThreadPoolExecutor(1, "prefetch")
        self._pending = deque(self._submit(ahead))

    def __enter__(self) -> Prefetch[Key, Item]:
        return self

    def __exit__(self, *error: object) -> None:
        self._thread.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[Item]:
        while self._pending:
            start = time.perf_counter()
            item = self._pending.popleft().result()
            self.data_wait_s += time.perf_counter() - start
            self._pending.extend(self._submit(1))
            yield item

    def _submit(self, count: int) -> Iterator[Future[Item]]:
        return (self._thread.submit(self._make, key) for key in islice(self._keys, count))
