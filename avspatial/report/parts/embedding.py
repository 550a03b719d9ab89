"""Sounds and pictures inside a page, and how many of its clips a page can carry."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import soundfile

from avspatial.errors import MediaError

SECONDS = 20.0
"""Longer clips are shown and heard from their start for this long, which keeps the page a page."""


@dataclass(frozen=True)
class Source:
    """One of the three sounds of a player."""

    key: str
    label: str
    hint: str
    data: str


def data_uri(kind: str, content: bytes) -> str:
    """The content itself as an address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def audio_uri(sound: np.ndarray, rate: int) -> str:
    """sound (C, T) as flac of 16 bit, which is smaller than wav, in a data URI; clipped at full scale."""
    content = io.BytesIO()
    soundfile.write(content, np.clip(sound, -1, 1).T, rate, "PCM_16", format="FLAC")
    return data_uri("audio/flac", content.getvalue())


def total_bytes(*parts: str | None) -> int:
    """Bytes that these parts add to a page."""
    return sum(len(part) for part in parts if part is not None)


class Sized(Protocol):
    """What knows how many bytes it adds to a page."""

    @property
    def size_bytes(self) -> int: ...


Shown = TypeVar("Shown", bound=Sized)


def fit_budget(budget: int, clips: Iterable[tuple[str, Callable[[], Shown]]]) -> tuple[list[Shown], list[str]]:
    """Make each clip of (id, how to make it) in turn -> those that fit in `budget` bytes together (the first always
    does), and for each one left out its id and why: it is too heavy, or a file of it cannot be read (MediaError)."""
    shown: list[Shown] = []
    left_out: list[str] = []
    for clip, make in clips:
        try:
            view = make()
        except MediaError as error:
            left_out.append(f"{clip} ({error.what})")
            continue
        if shown and sum(each.size_bytes for each in shown) + view.size_bytes > budget:
            left_out.append(f"{clip} (the page would be too heavy)")
        else:
            shown.append(view)
    return shown, left_out
