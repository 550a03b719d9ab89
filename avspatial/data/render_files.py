"""Rendering a data set into files in FAIR-Play's layout, for code that reads nothing else.

    OUT/videos/ID.mp4    OUT/binaural_audios/ID.wav    OUT/splits/split1/PART.h5    OUT/rendered.json

`rendered.json` says where each clip came from. It is written first and the lists last: a folder without lists is not
complete, and the same call continues it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from avspatial.atomic import remove_stale, write_text
from avspatial.data.decoding import clip_audio, clip_views
from avspatial.data.layout import PARTS, RENDERED
from avspatial.data.layout_writer import clip_files, is_16_bit, write_clip, write_lists
from avspatial.data.open_dataset import OpenedDataset
from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.media.frame_grid import image_count
from avspatial.media.video import frame_aspect
from avspatial.text import differences

HEIGHT = 360
"""Height of the images if no size is given, pixels; their aspect is kept. FAIR-Play's have as many."""
PANORAMA_SIZE = (224, 448)
"""Height and width of the views of 360-degree recordings if no size is given: what most networks of the field take."""
_VERSION = 1
_LONGEST = 120
"""Characters of an id in the name of a file."""


@dataclass(frozen=True)
class RenderedFiles:
    """What was rendered.

    Attributes:
        clips: Number of clips by split.
        beyond: Ids whose audio exceeds full scale; their wav files hold 32-bit floats.
    """

    clips: Mapping[str, int]
    beyond: Sequence[str]


def render_files(
    opened: OpenedDataset, root: Path, out: Path, *, fps: float, size: tuple[int, int] | None, jobs: int
) -> RenderedFiles:
    """Render every clip of a data set; what is already there stays as it is.

    Args:
        opened: The data set.
        root: Its folder.
        out: The folder to create or to continue.
        fps: Images per second.
        size: Height and width of the images, pixels, even [default: 360 rows at the video's aspect, 224 x 448 for
            360-degree recordings].
        jobs: Clips at once.

    Returns:
        What was rendered.

    Raises:
        DataError: `out` holds anything else, is used by another process, or is below `root`.
        MediaError: A file that cannot be read or written.
    """
    if out.resolve().is_relative_to(root.resolve()):
        fix = "Give a folder outside: the data set would read its own copies."
        raise DataError("is in the folder of the data set", where=out, fix=fix)
    clips = {part: opened.dataset.clips(part) for part in PARTS}
    names = file_names(clip.id for part in PARTS for clip in clips[part])
    record = _record(opened, root, fps, size, clips, names)
    with _claimed(out):
        _begin(out, record)
        work = [(clip, names[clip.id]) for part in PARTS for clip in clips[part]]
        beyond = _render_all(opened, work, out, fps, size, jobs)
        write_lists(out, {part: [names[clip.id] for clip in clips[part]] for part in PARTS})
    return RenderedFiles({part: len(of) for part, of in clips.items()}, beyond)


def file_names(ids: Iterable[str]) -> dict[str, str]:
    """Names of files for ids: letters, digits, `.`, `_` and `-`; different ids get different names on any disk.

    Args:
        ids: The ids, of any characters.

    Returns:
        The name of each id; it ends in a digest of the id where something had to be replaced.

    Example:
        >>> file_names(["000001"])
        {'000001': '000001'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for each in dict.fromkeys(ids):
        name = re.sub(r"[^A-Za-z0-9._-]+", "_", each)[:_LONGEST]
        name = f"_{name}" if name[:1] in ("", ".", "-") else name
        if name != each or name.casefold() in taken:
            digest = hashlib.sha256(each.encode(errors="surrogateescape")).hexdigest()[:8]
            name = f"{name}-{digest}"
        taken.add(name.casefold())
        names[each] = name
    return names


def _record(
    opened: OpenedDataset,
    root: Path,
    fps: float,
    size: tuple[int, int] | None,
    clips: Mapping[str, Sequence[Clip]],
    names: Mapping[str, str],
) -> dict[str, Any]:
    settings = {key: value for key, value in opened.settings.items() if key != "root"}
    return {
        "version": _VERSION,
        "source": {
            "use": opened.use,
            "root": str(root.resolve()),
            "settings": settings,
            "fingerprint": opened.dataset.fingerprint(),
        },
        "fps": fps,
        "size": None if size is None else list(size),
        "clips": {names[clip.id]: _origin(clip, part, root) for part in PARTS for clip in clips[part]},
    }


def _origin(clip: Clip, part: str, root: Path) -> dict[str, Any]:
    """Where a clip came from."""
    origin: dict[str, Any] = {"id": clip.id, "split": part, "recording": clip.recording}
    origin |= {"audio": _below(clip.audio, root), "video": _below(clip.video, root), "start": clip.start}
    if clip.seconds is not None:
        origin["seconds"] = clip.seconds
    if clip.rendering is not None:
        origin["rendering"] = clip.rendering.key
    return origin


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


@contextmanager
def _claimed(out: Path) -> Iterator[None]:
    """Holds the folder for this process; DataError if another one holds it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock = filelock.FileLock(out.parent / f".{out.name}.lock").acquire(timeout=0)
    except filelock.Timeout as error:
        fix = "Wait until it has finished."
        raise DataError("another process renders into this folder", where=out, fix=fix) from error
    with lock:
        yield


def _begin(out: Path, record: Mapping[str, Any]) -> None:
    """Write the record, or find it there already; DataError if the folder holds anything else."""
    path = out / RENDERED
    text = json.dumps(record, indent=1, allow_nan=False) + "\n"
    written = json.loads(text)
    if path.is_file():
        found = _read(path)
        if found != written:
            changed = "; ".join(
                f"{key} {old}, not {new}"
                for key, old, new in differences(found, written)
                if not key.startswith("clips")
            )
            raise DataError(
                f"holds clips that were rendered otherwise ({changed or 'other clips'})",
                where=out,
                fix="Give another folder, or remove this one.",
            )
        return
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(
            "is not empty and holds no rendered clips", where=out, fix="Give another folder, or remove this one."
        )
    write_text(path, text)


def _read(path: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict):
            return record
    raise DataError("cannot be read", where=path, fix="Remove the folder; it is then rendered again.")


def _render_all(
    opened: OpenedDataset,
    work: Sequence[tuple[Clip, str]],
    out: Path,
    fps: float,
    size: tuple[int, int] | None,
    jobs: int,
) -> list[str]:
    """Render what is missing, a few clips at a time; returns the ids of clips beyond full scale."""
    pool = ThreadPoolExecutor(jobs)
    try:
        results = [pool.submit(_render, clip, out, name, fps, size) for clip, name in work]
        fits = [result.result() for result in opened.dataset.progress(results, "Rendering clips")]
    finally:
        pool.shutdown(cancel_futures=True)
    return [clip.id for (clip, _), fit in zip(work, fits, strict=True) if not fit]


def _render(clip: Clip, out: Path, name: str, fps: float, size: tuple[int, int] | None) -> bool:
    """Render a clip unless its files are there; returns whether 16 bits hold its audio."""
    files = clip_files(out, name)
    if all(file.is_file() for file in files):
        return is_16_bit(files[0])
    for file in files:
        remove_stale(file)
    audio, rate = clip_audio(clip)
    if clip.rendering is not None:
        audio = clip.rendering.stereo(clip.rendering.field(audio), rate)
    count = image_count(audio.shape[1] / rate, fps)
    fits = bool(np.abs(audio).max(initial=0.0) <= 1)
    wav = _as_16_bit(audio) if fits else audio
    write_clip(out, name, audio, rate, clip_views(clip, fps, size or _size(clip), count), fps, wav=wav)
    return fits


def _as_16_bit(samples: np.ndarray) -> np.ndarray:
    """The inverse of reading 16 bits, to the bit."""
    return np.rint(samples * 32768).clip(-32768, 32767).astype(np.int16)


def _size(clip: Clip) -> tuple[int, int]:
    if clip.rendering is not None:
        return PANORAMA_SIZE
    return HEIGHT, 2 * round(HEIGHT * frame_aspect(clip.video, clip.frames_fps) / 2)
