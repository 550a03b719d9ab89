"""What is measured of a stereo video once, when a data set first screens it: levels and change, clip by clip.

The results are kept in the cache, by the content of the files, so that later runs open none of them.

    <cache>/screening/<key>.json
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from avspatial.atomic import write_text
from avspatial.data.content_digest import content_digest
from avspatial.data.cutting import clip_spans, shortest
from avspatial.data.layout import LOWEST_RATE
from avspatial.data.screening import GRID, LevelMeter, Levels, image_change
from avspatial.data.video_files import VideoFile
from avspatial.errors import AvspatialError, MediaError
from avspatial.media.audio import audio_info
from avspatial.media.audio_stream import AudioReader
from avspatial.media.probe import media_info
from avspatial.media.video import grid_images, video_seconds

__all__ = ["Cutting", "MeasuredClip", "MeasuredFile", "measure_file"]

_FORMAT = 1
"""Part of every key; increased whenever the same file would be measured differently."""
_IMAGES_PER_SECOND, _IMAGES_PER_CLIP = 2.0, 4
"""As many images at least are compared to see whether a clip stands still."""

Span = tuple[float, float]
"""Beginning and length of a clip, s."""


@dataclass(frozen=True)
class Cutting:
    """How a file is cut: clips of `seconds` every `hop` seconds, in each of the sections (start, end), ascending.

    The end None is that of the file. Lengths of audio and video that differ by more than `tolerance` are refused.
    """

    seconds: float
    hop: float
    tolerance: float
    sections: tuple[tuple[float, float | None], ...] = ((0.0, None),)

    def spans(self, total: float) -> list[Span]:
        """The clips of a file that lasts `total` seconds."""
        ends = (total if end is None else min(end, total) for _, end in self.sections)
        parts = zip(self.sections, ends, strict=True)
        return [span for (start, _), end in parts for span in clip_spans(start, end, self.seconds, self.hop)]


@dataclass(frozen=True)
class MeasuredClip:
    """What was measured of a clip.

    Attributes:
        start: Where it begins, s.
        seconds: Its length, s; as `cutting.shortest` at least.
        levels: Of its audio.
        change: Of its images.
    """

    start: float
    seconds: float
    levels: Levels
    change: float


@dataclass(frozen=True)
class MeasuredFile:
    """What was measured of a video.

    Attributes:
        digests: Of the content of its files.
        fault: Why it cannot be used; empty if it can.
        seconds: What it has of both audio and video, s.
        clips: Its clips, in order.
    """

    digests: tuple[str, ...] = ()
    fault: str = ""
    seconds: float = 0.0
    clips: tuple[MeasuredClip, ...] = ()


def measure_file(file: VideoFile, cutting: Cutting, cache: Path) -> MeasuredFile:
    """Measure a video, all of which is decoded, unless the cache has the result.

    Args:
        file: The video.
        cutting: How it is cut into clips.
        cache: Folder of all caches.

    Returns:
        What was measured. A file that cannot be used is no error: its fault says why.
    """
    try:
        digests = tuple(content_digest(path, cache) for path in (file.audio, file.video))
    except AvspatialError as error:
        return MeasuredFile(fault=f"not readable: {error.what}")
    key = hashlib.sha256(json.dumps([_FORMAT, digests, asdict(cutting)]).encode()).hexdigest()[:32]
    note = cache / "screening" / f"{key}.json"
    with suppress(OSError, ValueError, TypeError, KeyError):
        stored = json.loads(note.read_text(encoding="utf-8"))
        clips = tuple(MeasuredClip(**{**clip, "levels": Levels(**clip["levels"])}) for clip in stored["clips"])
        return MeasuredFile(digests, str(stored["fault"]), float(stored["seconds"]), clips)
    try:
        result = _measured(file, cutting)
    except AvspatialError as error:
        result = MeasuredFile(fault=f"not readable: {error.what}")
        if isinstance(error.__cause__, MemoryError):  # it says nothing of the file
            return result
    values = {"fault": result.fault, "seconds": result.seconds, "clips": [asdict(clip) for clip in result.clips]}
    with suppress(OSError):  # a cache that cannot be written costs time alone
        write_text(note, json.dumps(values, allow_nan=False))
    return MeasuredFile(digests, result.fault, result.seconds, result.clips)


def _measured(file: VideoFile, cutting: Cutting) -> MeasuredFile:
    """Raises MediaError or DataError for a damaged file."""
    fault, seconds = _header(file, cutting.tolerance)
    spans = cutting.spans(seconds)
    if fault or not spans:
        return MeasuredFile(fault=fault, seconds=seconds)
    levels, end = _levels(file.audio, spans)
    fps = max(_IMAGES_PER_SECOND, _IMAGES_PER_CLIP / cutting.seconds)
    images = grid_images(file.video, fps, GRID)
    clips = []
    for (start, length), one in zip(spans, levels, strict=True):
        length = min(length, round(end - start, 6))
        if length >= shortest(cutting.seconds):
            first = min(math.floor(start * fps), len(images) - 1)
            change = image_change(images[first : math.ceil((start + length) * fps)])
            clips.append(MeasuredClip(start, length, one, change))
    return MeasuredFile(seconds=min(seconds, end), clips=tuple(clips))


def _header(file: VideoFile, tolerance: float) -> tuple[str, float]:
    """Why a file cannot be used, as far as its header says, and what it has of both audio and video, s."""
    info = media_info(file.video)
    if info.video is None:
        return "no video, only audio", 0.0
    if file.audio == file.video and info.audio is None:
        return "no audio, neither inside nor in a file of its name", 0.0
    audio = audio_info(file.audio)
    images = video_seconds(file.video) or audio.seconds  # live recordings do not state it
    if audio.channels != 2:
        return _CHANNELS.get(audio.channels, f"{audio.channels} channels: mix them down to stereo"), 0.0
    if audio.rate < LOWEST_RATE:
        return f"sampled below {LOWEST_RATE} Hz", 0.0
    if abs(audio.seconds - images) > tolerance:
        return f"lengths differ: {audio.seconds:.2f} s of audio, {images:.2f} s of video", 0.0
    return "", min(audio.seconds, images)


_CHANNELS = {
    1: "mono: one channel",
    4: "4 channels: if they are ambisonic audio of a 360-degree video, `use: foa360` reads them",
}


def _levels(path: Path, spans: Sequence[Span], clock: float = 1.0) -> tuple[list[Levels], float]:
    """The levels of each clip of an audio file, and the length of the file, s."""
    reader = AudioReader(path, clock)
    meters = [LevelMeter() for _ in spans]
    edges: list[tuple[int, int]] = []
    done = open_first = 0
    for block in reader.blocks():
        if len(block) != 2:
            raise MediaError(f"{len(block)} channels of audio where its header says 2", where=path)
        edges = edges or [
            (round(start * reader.rate), round((start + length) * reader.rate)) for start, length in spans
        ]
        end = done + block.shape[1]
        while open_first < len(edges) and edges[open_first][1] <= done:
            open_first += 1
        for meter, (first, last) in zip(meters[open_first:], edges[open_first:], strict=True):
            if first >= end:
                break
            meter.add(block[:, max(0, first - done) : last - done])
        done = end
    if reader.clock != clock:
        return _levels(path, spans, reader.clock)
    return [meter.levels for meter in meters], done / reader.rate
