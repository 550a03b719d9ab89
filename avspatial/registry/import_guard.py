"""Detects side effects of importing a plugin: printing, and importing torch.

`plugins check` measures the import time: one import on a busy machine says nothing about it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

HEAVY = ("torch", "torchvision", "torchaudio", "timm", "numpy", "scipy")
"""Libraries that a plugin's declaration and settings must not import."""
_MOST_SHOWN = 200


@dataclass
class ImportEffects:
    """Side effects of one import."""

    printed: list[str] = field(default_factory=list)
    heavy: list[str] = field(default_factory=list)

    @property
    def output(self) -> str:
        """The beginning of what was printed."""
        return "".join(self.printed).strip()[:_MOST_SHOWN]

    def warnings(self) -> list[str]:
        """One line for each side effect."""
        lines = [f"prints {self.output!r} while it is imported"] if self.output else []
        if self.heavy:
            lines.append(f"imports {', '.join(self.heavy)} with its declaration or settings, which slows every command")
        return lines


class _CapturedStream:
    """Replaces a stream during an import. Afterwards it passes everything on, for log handlers that kept it."""

    def __init__(self, stream: Any, captured: list[str]) -> None:
        self._stream = stream
        self._captured: list[str] | None = captured

    def write(self, text: str) -> int:
        if self._captured is None:
            return int(self._stream.write(text))
        self._captured.append(text)
        return len(text)

    def stop_capture(self) -> None:
        self._captured = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def watch_import() -> Iterator[ImportEffects]:
    """Capture what the imports in the block print, and note the heavy libraries that they import."""
    effects = ImportEffects()
    before = set(sys.modules)
    streams = _CapturedStream(sys.stdout, effects.printed), _CapturedStream(sys.stderr, effects.printed)
    try:
        with redirect_stdout(streams[0]), redirect_stderr(streams[1]):
            yield effects
    finally:
        effects.heavy = [name for name in HEAVY if name in sys.modules and name not in before]
        for stream in streams:
            stream.stop_capture()
