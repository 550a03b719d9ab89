"""Cache of decoded clips: every clip is decoded once, to arrays on disk that training maps into memory.

The key of an entry depends on the content of its files, on the part of them that the clip is, on how they are rendered,
and on the settings that shape it (rate, fps, image size): a changed file or setting makes a new entry, and a copied
data set finds the old ones.

    <cache>/clips/<key>/{audio.npy, pictures.npy}    <cache>/locks/<key>.lock

An entry is created when it is complete. Two processes may decode at once: each entry has a lock.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import filelock
import numpy as np
import platformdirs
import torch

from avspatial.atomic import atomic_directory, remove_unfinished
from avspatial.data.content_digest import content_digest
from avspatial.data.decoding import clip_audio, clip_images
from avspatial.errors import DataError, reason
from avspatial.folders import as_path, refuse_undecodable
from avspatial.framing import Window
from avspatial.interfaces import Clip, Progress, Rendering
from avspatial.media.frame_grid import image_count
from avspatial.media.resample import resample

_FORMAT = 2
"""Part of every key; increased whenever the same file and settings would be decoded to other numbers."""


def cache_root() -> Path:
    """Folder of all caches: the environment variable AVSPATIAL_CACHE, or the user's cache folder."""
    chosen = os.environ.get("AVSPATIAL_CACHE")
    root = as_path(chosen) if chosen else platformdirs.user_cache_path("avspatial")
    refuse_undecodable(root)
    return root


@dataclass(frozen=True)
class Recording:
    """A decoded clip: audio float32 (2, T) at the window's rate, images uint8 (P, H, W, 3) on its grid; read-only.

    If `unrendered` is not None, the audio is the field (4, T) and the images are the panoramas.
    """

    clip: Clip
    audio: np.ndarray
    images: np.ndarray

    @property
    def unrendered(self) -> Rendering | None:
        """What each training window is yet to be rendered with, at a yaw of its own."""
        return _unrendered(self.clip)


class ClipStore:
    """Decoded clips for one window. `image_size` is (H, W) of the images if it differs from the window's."""

    def __init__(
        self,
        window: Window,
        progress: Progress,
        cache: Path | None = None,
        *,
        image_size: tuple[int, int] | None = None,
    ) -> None:
        self.window = window
        self.progress = progress
        self.cache = cache or cache_root()
        self.image_size = image_size or window.picture

    def prepare(self, clips: Iterable[Clip]) -> None:
        """Decode the clips that the cache lacks; if it is stopped, what was decoded stays.

        MediaError or DataError for an unusable clip, DataError for a cache that cannot be written.
        """
        for clip in self.progress(list(clips), "Decoding clips"):
            entry = self._entry(clip)
            if not entry.is_dir():
                self._build(clip, entry)

    def load(self, clip: Clip) -> Recording:
        """The clip's arrays, mapped into memory, decoded first if necessary. Errors as `prepare`."""
        entry = self._entry(clip)
        if not entry.is_dir():
            self._build(clip, entry)
        try:
            return _recording(clip, entry)
        except (OSError, ValueError):
            # A power failure may leave an entry of which the file system lost a part: decode it again.
            shutil.rmtree(entry, ignore_errors=True)
            self._build(clip, entry)
            return _recording(clip, entry)

    def _entry(self, clip: Clip) -> Path:
        parts = {
            "format": _FORMAT,
            "audio": content_digest(clip.audio, self.cache),
            "video": content_digest(clip.video, self.cache),
            "frames_fps": clip.frames_fps,
            "rate": self.window.rate,
            "fps": self.window.fps,
            "picture": list(self._image_size(clip)),
        }
        # Only what is set: the keys of other clips stay as they were.
        if clip.mono:
            parts["mono"] = True
        if clip.start:
            parts["start"] = clip.start
        if clip.seconds is not None:
            parts["seconds"] = clip.seconds
        if clip.rendering is not None:
            parts["rendering"] = clip.rendering.key
            if clip.rendering.random_yaw:
                parts["random_yaw"] = True
        return self.cache / "clips" / hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def _build(self, clip: Clip, entry: Path) -> None:
        with _writing(self.cache):
            lock = self.cache / "locks" / f"{entry.name}.lock"
            lock.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(lock):
                if not entry.is_dir():
                    self._decode(clip, entry)

    def _decode(self, clip: Clip, entry: Path) -> None:
        """Decode into `entry`; its lock is held, so unfinished folders are those of processes that died."""
        remove_unfinished(entry)
        audio, rate = clip_audio(clip)
        # An image for every grid time within the audio, so that every window has its images.
        count = image_count(audio.shape[1] / rate, self.window.fps)
        if clip.rendering is not None:
            audio = clip.rendering.field(audio)
        audio, images = resample(audio, rate, self.window.rate), self._images(clip, count)
        if clip.rendering is not None and not clip.rendering.random_yaw:
            audio = clip.rendering.stereo(audio, self.window.rate)
            images = clip.rendering.view(images, self.image_size)
        with atomic_directory(entry) as temporary_path:
            _write_array(temporary_path / "audio.npy", np.asarray(audio, np.float32))
            _write_array(temporary_path / "pictures.npy", images)

    def _image_size(self, clip: Clip) -> tuple[int, int]:
        """(H, W) of the images of the clip's entry."""
        unrendered = _unrendered(clip)
        return self.image_size if unrendered is None else unrendered.panorama

    def _images(self, clip: Clip, count: int) -> np.ndarray:
        """The clip's images before they are rendered, (P, H, W, 3) uint8."""
        size = self.image_size if clip.rendering is None else clip.rendering.panorama
        return np.stack(list(clip_images(clip, self.window.fps, size, count)))


def _unrendered(clip: Clip) -> Rendering | None:
    return clip.rendering if clip.rendering is not None and clip.rendering.random_yaw else None


def _recording(clip: Clip, entry: Path) -> Recording:
    return Recording(clip, _map(entry / "audio.npy"), _map(entry / "pictures.npy"))


@contextmanager
def _writing(cache: Path) -> Iterator[None]:
    """Turns errors of the file system while the cache is written into one clear error."""
    try:
        yield
    except OSError as error:
        raise DataError(
            f"the clip cache cannot be written ({reason(error)})",
            where=cache,
            fix="Free space there, or set AVSPATIAL_CACHE to a folder on another disk; what is decoded stays.",
        ) from error


def _write_array(path: Path, array: np.ndarray) -> None:
    # numpy's own writer hides "no space left" behind a count of bytes.
    array = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.data.cast("B"))
        file.flush()
        os.fsync(file.fileno())


def _map(path: Path) -> np.ndarray:
    """Map a .npy file read-only. Unlike numpy's, torch's mapping keeps no file open: there are thousands."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError(f"{path} is not of this format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        offset = file.tell()
    size = path.stat().st_size
    if size != offset + math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{path} is cut short")
    raw = torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8).numpy()
    array = raw[offset:].view(dtype).reshape(shape)
    array.flags.writeable = False
    return array
