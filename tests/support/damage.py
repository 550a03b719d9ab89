"""Damaged files, drawn by hypothesis, and a process in which they may be read: it may crash or hang."""

from __future__ import annotations

import faulthandler
import multiprocessing
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

LONGEST = 60.0
"""Seconds after which a file counts as hung."""
BYTES = ("flipped", "zeroed", "replaced", "repeated", "cut out", "cut off", "extreme number")
SUBSTITUTES = {
    "empty": b"",
    "git lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a21\nsize 12345\n",
    "html page": b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n",
}
"""What is there in place of a file, often after a download; `folder` is another."""
NUMBERS = (0, -1, 2**31 - 1, 2**32 - 1)
"""Numbers of 32 bits that a header may hold."""
FIELDS = ("NaN", "Infinity", "-1e999", "null", "true", "-1", "0", "1e300", "9" * 40, '""', "[]", "{}", '"x"', "x" * 300)
"""Texts that replace a number, a string or a word of a text file."""
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|[^\s,:{}\[\]"]+')
_DIGITS = re.compile(rb"\d+")


@dataclass(frozen=True)
class Damage:
    """What happens to a file: its bytes or a field of its text are changed, or something else is in its place.

    `at` is where, as a share of the file; or, half of the time, near its ends, where the headers are.
    """

    how: str
    at: float
    near: str
    length: int
    seed: int

    def write(self, content: bytes, path: Path) -> None:
        """Write the damaged content to a path."""
        if self.how == "folder":
            path.mkdir()
        else:
            path.write_bytes(self.done_to(content))

    def done_to(self, content: bytes) -> bytes:
        if self.how in SUBSTITUTES:
            return SUBSTITUTES[self.how]
        if self.how == "field":
            return self._field(content)
        data, random = bytearray(content), np.random.default_rng(self.seed)
        at = self._place(len(data))
        part = data[at : at + self.length]
        if self.how == "flipped":
            for place in random.integers(len(data), size=1 + self.length % 50):
                data[place] ^= 1 << int(random.integers(8))
        elif self.how == "cut off":
            del data[max(1, at) :]
        elif self.how == "extreme number":
            order = ("big", "little")[self.seed % 2]
            number = NUMBERS[self.length % len(NUMBERS)] % 2**32
            data[at : at + 4] = number.to_bytes(4, order)  # type: ignore[arg-type]
        else:
            new = {
                "zeroed": bytes(len(part)),
                "replaced": random.bytes(len(part)),
                "repeated": part * 2,
                "cut out": b"",
            }
            data[at : at + self.length] = new[self.how]
        return bytes(data)

    def _place(self, size: int) -> int:
        reach = {"anywhere": size, "start": 512, "end": 2048}[self.near]
        at = int(self.at * (min(reach, size) - 1))
        return size - 1 - at if self.near == "end" else at

    def _field(self, content: bytes) -> bytes:
        """A text with another field; of a file that is no text a number in digits, which keeps its length."""
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            numbers = list(_DIGITS.finditer(content[:65536])) or list(_DIGITS.finditer(content))
            if not numbers:
                return content[: len(content) // 2]
            number = numbers[int(self.at * (len(numbers) - 1))]
            digits = b"09"[self.seed % 2 : self.seed % 2 + 1] * len(number[0])
            return content[: number.start()] + digits + content[number.end() :]
        fields = list(_TOKEN.finditer(text))
        field = fields[int(self.at * (len(fields) - 1))]
        new = FIELDS[self.seed % len(FIELDS)]
        return (text[: field.start()] + new + text[field.end() :]).encode()


def damages(*hows: str) -> st.SearchStrategy[Damage]:
    """Damages of these kinds, drawn equally often."""
    return st.builds(
        Damage,
        how=st.sampled_from(hows),
        at=st.floats(0, 1),
        near=st.sampled_from(["anywhere", "anywhere", "start", "end"]),
        length=st.floats(0, 12).map(lambda power: round(2**power)),
        seed=st.integers(0, 2**32 - 1),
    )


MEDIA = damages(*BYTES, *BYTES, *SUBSTITUTES)
"""Damages of a media file."""
TEXTS = damages(*BYTES, *["field"] * len(BYTES), *SUBSTITUTES, "folder")
"""Damages of a text file, or of one whose header is text."""


def seeded(examples: int) -> settings:
    """Always the same examples, so many of them."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


@contextmanager
def never_longer_than(seconds: float) -> Iterator[None]:
    """Kill the process, with its traceback, if the block hangs: also in a library, where no exception reaches."""
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


class Crashed(Exception):
    """The child crashed, or was ended after `LONGEST` seconds."""


class Child:
    """A process that calls functions one after another; after a crash or a hang the next call starts another."""

    def __init__(self, module: str) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([module])
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self._pool = self._pool or ProcessPoolExecutor(1, self._context)
        future = self._pool.submit(function, *arguments)
        try:
            return future.result(timeout=LONGEST)
        except BrokenProcessPool as error:
            self.close()
            raise Crashed("crashed") from error
        except TimeoutError as error:
            self.close()
            raise Crashed(f"took longer than {LONGEST:g} s") from error

    def close(self) -> None:
        if self._pool is not None:
            for process in self._pool._processes.values():
                process.kill()
            self._pool.shutdown()
        self._pool = None
