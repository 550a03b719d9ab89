"""Data set `simulated`: rendered on first use into files in FAIR-Play's layout, then read like FAIR-Play.

With `solos`, the files are in the layout of the data set `solos` and are read like it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import filelock

from avspatial.atomic import atomic_directory, remove_unfinished
from avspatial.cores import usable_cores
from avspatial.data.clip_cache import cache_root
from avspatial.data.layout import PARTS, SIMULATED, layout_clips, split_folder, split_list
from avspatial.data.layout_writer import write_clip, write_lists
from avspatial.data.simulated.assets import content_digests, load_assets
from avspatial.data.simulated.render import RATE, RenderContext, describe, read_scenes, render_scene, render_solo
from avspatial.data.simulated.scene import sample_scene, split_of
from avspatial.data.simulated.settings import SimulatedSettings
from avspatial.data.solos import solo_clips
from avspatial.errors import DataError, reason
from avspatial.interfaces import Clip, Dataset, Progress, Truth
from avspatial.interrupts import postponed
from avspatial.media.audio import write_wav
from avspatial.media.video import write_video
from avspatial.text import differences

_VERSION = 1
"""Part of every digest; increased whenever the same settings would give other files."""
_SCENES = "scenes.jsonl"


class SimulatedScenes(Dataset):
    """Scenes with known angles, in `settings.root` or, by default, in a folder of the cache."""

    settings: SimulatedSettings

    def __init__(self, settings: SimulatedSettings, *, progress: Progress) -> None:
        super().__init__(settings, progress=progress)
        self._digest = digest(settings)
        self.root = settings.root or cache_root() / "simulated" / self._digest

    def prepare(self) -> None:
        """Render the scenes unless they exist. DataError if the folder holds something else.

        The folder is created when it is complete; of two processes one renders and the other waits.
        """
        if self._exist():
            return
        lock = filelock.FileLock(self.root.parent / f".{self.root.name}.lock")
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except OSError as error:  # Timeout is one
            if not isinstance(error, filelock.Timeout):
                fix = "Give a folder that can be written with data.root, or for all caches with AVSPATIAL_CACHE."
                what = f"the scenes cannot be written ({reason(error)})"
                raise DataError(what, where=self.root, fix=fix) from error
            for _ in self.progress([lock], "Waiting for another process that renders these scenes"):
                lock.acquire()
        try:
            if not self._exist():
                remove_unfinished(self.root)
                self._render()
        finally:
            lock.release()

    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test", each with its truth; solos have none."""
        self.prepare()
        if self.settings.solos:
            return solo_clips(self.root, split, self.settings.shares)
        clips = layout_clips(self.root, split_list(split_folder(self.root, 1), split))
        truths = self._truths()
        unknown = [clip.id for clip in clips if clip.id not in truths]
        if unknown:
            raise _damaged(self.root / _SCENES, f"has no line for clip {unknown[0]}")
        return [replace(clip, truth=truths[clip.id]) for clip in clips]

    def fingerprint(self) -> str:
        """A digest of the settings and of the user's own sounds, images and head; the place does not enter."""
        return self._digest

    def _exist(self) -> bool:
        """Whether the scenes of exactly these settings exist; DataError if the folder holds anything else."""
        metadata_file = self.root / SIMULATED
        if metadata_file.is_file():
            metadata = _read_metadata(metadata_file)
            if metadata.get("digest") == self._digest:
                return True
            what = f"holds simulated scenes made with other settings{self._changed_settings(metadata)}"
            fix = "Give the same settings, give another folder, or remove this one."
            raise DataError(what, where=self.root, fix=fix)
        if self.root.exists() and (not self.root.is_dir() or any(self.root.iterdir())):
            what = "is not empty and holds no simulated scenes"
            raise DataError(what, where=self.root, fix="Give another folder, or remove this one.")
        return False

    def _changed_settings(self, metadata: dict[str, Any]) -> str:
        """The settings that differ, in brackets: the saved value, then the requested one."""
        requested = self.settings.model_dump(mode="json", exclude={"root"})
        changed = [f"{key} {old}, not {new}" for key, old, new in differences(metadata.get("settings", {}), requested)]
        return f" ({'; '.join(changed)})" if changed else ""

    def _render(self) -> None:
        context = load_assets(self.settings)
        with atomic_directory(self.root) as folder:
            if self.settings.solos:
                self._write_all(_write_solo, context, folder, "Rendering solos")
            else:
                self._write_scenes(context, folder)
            settings = self.settings.model_dump(mode="json", exclude={"root"})
            metadata = {"digest": self._digest, "version": _VERSION, "settings": settings}
            (folder / SIMULATED).write_text(json.dumps(metadata, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    def _write_scenes(self, context: RenderContext, folder: Path) -> None:
        """Render every scene into `folder`, with the split lists and the true directions."""
        lines = self._write_all(_write_scene, context, folder, "Rendering scenes")
        (folder / _SCENES).write_text(
            "".join(f"{json.dumps(line, allow_nan=False)}\n" for line in lines), encoding="utf-8"
        )
        splits = split_of(self.settings.clips, self.settings.shares)
        write_lists(folder, {part: [_clip_id(n) for n, split in enumerate(splits) if split == part] for part in PARTS})

    def _write_all(
        self, write: Callable[[RenderContext, int, Path], Any], context: RenderContext, folder: Path, title: str
    ) -> list[Any]:
        """Write every clip into `folder`, a few at a time; the files do not depend on how many."""
        pool = ThreadPoolExecutor(min(4, usable_cores()))
        try:
            with postponed():
                work = [pool.submit(write, context, number, folder) for number in range(self.settings.clips)]
            return [future.result() for future in self.progress(work, title)]
        finally:
            pool.shutdown(cancel_futures=True)

    def _truths(self) -> dict[str, Truth]:
        try:
            return read_scenes(self.root / _SCENES)
        except DataError as error:
            raise _damaged(self.root / _SCENES, "cannot be read") from error


def digest(settings: SimulatedSettings) -> str:
    """Digest of a set of scenes: 16 hexadecimal digits of the settings and the content of the user's own files."""
    values = settings.model_dump(mode="json", exclude={"root", "head", "sounds", "cutouts"})
    own = {name: bool(getattr(settings, name)) for name in ("sounds", "cutouts")}
    text = json.dumps([_VERSION, values, own, content_digests(settings)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _read_metadata(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError, RecursionError):
        metadata = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(metadata, dict) and isinstance(metadata.get("settings", {}), dict):
            return metadata
    raise _damaged(file, "cannot be read")


def _damaged(file: Path, what: str) -> DataError:
    return DataError(what, where=file, fix=f"Remove {file.parent}; it is then rendered again.")


def _clip_id(number: int) -> str:
    return f"{number + 1:06d}"


def _write_scene(context: RenderContext, number: int, folder: Path) -> dict[str, object]:
    scene = sample_scene(context.settings, tuple(context.sounds), number)
    rendered = render_scene(context, scene)
    clip = _clip_id(number)
    write_clip(folder, clip, rendered.stereo, RATE, rendered.images, context.settings.fps)
    return describe(scene, clip, rendered.truth)


def _write_solo(context: RenderContext, number: int, folder: Path) -> None:
    scene = sample_scene(context.settings, tuple(context.sounds), number)
    mono, images = render_solo(context, scene)
    family = folder / scene.sources[0].kind
    family.mkdir(exist_ok=True)
    write_wav(family / f"{_clip_id(number)}.wav", mono, RATE, subtype="PCM_16")
    write_video(family / f"{_clip_id(number)}.mp4", images, context.settings.fps, mono, RATE)
