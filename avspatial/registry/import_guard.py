"""What a plugin does while it is imported that it should not, though it works: it prints, or imports torch.

How long it takes is no matter of one import on a busy machine: `plugins check` measures that.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

HEAVY = ("torch", "torchvision", "torchaudio", "timm", "numpy", "scipy")
"""What the light half of a plugin, its declaration and settings, must not import."""
_SHOWN = 200


@dataclass
class ImportEffects:
    """What was seen during one import."""

    printed: list[str] = field(default_factory=list)
    heavy: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        """The beginning of what was printed."""
        return "".join(self.printed).strip()[:_SHOWN]

    def warnings(self) -> list[str]:
        """What should be mended, one line each; none for a plugin that imports as it should."""
        told = [f"prints {self.said!r} while it is imported"] if self.said else []
        if self.heavy:
            told.append(f"imports {', '.join(self.heavy)} in its light half, so every command waits for it")
        return told


class _CapturedStream:
    """Stands for a stream during an import; who kept hold of it, such as a log handler, reaches the stream later."""

    def __init__(self, stream: Any, heard: list[str]) -> None:
        self._stream = stream
        self._heard: list[str] | None = heard

    def write(self, text: str) -> int:
        if self._heard is None:
            return int(self._stream.write(text))
        self._heard.append(text)
        return len(text)

    def stop_capture(self) -> None:
        self._heard = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def watch_import() -> Iterator[ImportEffects]:
    """Watch an import: nothing that it prints gets out, and the rest is noted."""
    seen = ImportEffects()
    before = set(sys.modules)
    ears = _CapturedStream(sys.stdout, seen.printed), _CapturedStream(sys.stderr, seen.printed)
    try:
        with redirect_stdout(ears[0]), redirect_stderr(ears[1]):
            yield seen
    finally:
        seen.heavy = [name for name in HEAVY if name in sys.modules and name not in before]
        for ear in ears:
            ear.stop_capture()
