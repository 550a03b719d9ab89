"""Audio and images inside a page, and how many clips fit into it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, is_dataclass
from typing import TypeVar

import numpy as np
import soundfile

from avspatial.errors import MediaError

SHOWN_SECONDS = 20.0
"""Of a longer clip, a page holds this many seconds from its start."""
Shown = TypeVar("Shown")


@dataclass(frozen=True)
class Track:
    """One of the audio tracks that a player switches between.

    `data` is a data URI, `file` the name for a download, `place` the index of the system in a comparison (None for the
    reference and mono).
    """

    key: str
    label: str
    hint: str
    data: str
    file: str = ""
    place: int | None = None


def data_uri(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def audio_uri(audio: np.ndarray, rate: int) -> str:
    """audio (C, T), clipped at full scale -> 16 bit FLAC, which is smaller than WAV, as a data URI."""
    content = io.BytesIO()
    soundfile.write(content, np.clip(audio, -1, 1).T, rate, "PCM_16", format="FLAC")
    return data_uri("audio/flac", content.getvalue())


def playback_gain(tracks: Iterable[np.ndarray]) -> float:
    """The common gain, at most 1, with which none of the tracks (C, T) clips."""
    peak = max(float(np.abs(track).max(initial=0.0)) for track in tracks)
    return min(1.0, 0.999 / peak) if peak else 1.0


def size_of(part: object) -> int:
    """Length of all texts in a view: its data URIs and SVG are nearly all that it adds to a page."""
    if isinstance(part, str):
        return len(part)
    parts = vars(part).values() if is_dataclass(part) else part if isinstance(part, tuple) else ()
    return sum(map(size_of, parts))


def fit_budget(budget: int, clips: Iterable[str], build: Callable[[str, int], Shown]) -> tuple[list[Shown], list[str]]:
    """Build clips from their id and place (from 1) until `budget` bytes are used; the first always fits.

    Returns the clips that fit, and for each other clip its id and the reason: too large, or a file that cannot be read
    (MediaError).
    """
    shown: list[Shown] = []
    left_out: list[str] = []
    for place, clip in enumerate(clips, 1):
        try:
            view = build(clip, place)
        except MediaError as error:
            left_out.append(f"{clip} ({error.what})")
            continue
        if shown and sum(map(size_of, shown)) + size_of(view) > budget:
            left_out.append(f"{clip} (the page would be too large)")
        else:
            shown.append(view)
    return shown, left_out
