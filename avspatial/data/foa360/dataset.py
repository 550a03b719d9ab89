"""Data set `foa360`: finds 360-degree recordings, cuts them into clips, and says how each is rendered."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

from avspatial.cores import usable_cores
from avspatial.data.clip_cache import cache_root
from avspatial.data.cutting import clip_id
from avspatial.data.foa360.headers import Header, read_header
from avspatial.data.foa360.layouts import Source, find_sources
from avspatial.data.foa360.measure import EXCESS, Measured, dead_channel, measure_source
from avspatial.data.foa360.parts import Part, in_splits, listed_id, listed_parts, published_parts
from avspatial.data.foa360.rendering import Foa360Rendering, check_head, head_digest
from avspatial.data.foa360.settings import Foa360Settings
from avspatial.data.layout import PARTS
from avspatial.data.leaving_out import left_out_note, nothing_left
from avspatial.data.screening import screen
from avspatial.data.settings import TruthSettings
from avspatial.data.truth import KnownDirections, turned
from avspatial.data.video_files import NOT_LISTED, recording_name
from avspatial.data.video_lists import ListedVideos, is_published
from avspatial.errors import AvspatialError, DataError, MediaError
from avspatial.folders import as_path
from avspatial.interfaces import Clip, Dataset, Progress
from avspatial.text import counted

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_MOVING = 255.0
"""A change of the images with which none counts as a still."""
_SUSPECT = 0.05
"""Share of the clips whose first order may be too loud by chance, since two sources that sound alike can add up so."""
_NO_HEIGHT = 60.0
"""Z is silent if it is this many dB below W."""
_FIX = (
    "Each split needs a video of its own, so three at least. Add videos, shorten the clips (data.seconds),\n"
    "  change what is left out (data.screening), or list files and splits in a csv (data.splits)."
)


class Foa360(Dataset):
    """Clips of 360-degree recordings with ambisonic audio, by `Foa360Settings`."""

    settings: Foa360Settings

    def __init__(self, settings: Foa360Settings, *, progress: Progress) -> None:
        super().__init__(settings, progress=progress)
        self.root = as_path(settings.root)
        self._left_out: dict[str, str] = {}
        self._measured: dict[str, Measured] = {}
        self._published: ListedVideos | None = None
        self._used: set[str] = set()
        self._truth_digest = ""

    def prepare(self) -> None:
        """Find, measure and screen the recordings, and note on stderr what is worth knowing of them.

        DataError for a missing folder, an unusable head or csv, a recording in two splits, and a split of which nothing
        remains.
        """
        noted = "_clips" in vars(self)
        for note in () if noted else self.notes():
            print(note, file=sys.stderr)

    def clips(self, split: str) -> list[Clip]:
        """The clips of "train", "val" or "test", by video and time; DataError as `prepare`, and for another split."""
        if split not in PARTS:
            raise DataError(f"there is no split {split!r}", where=self.root, fix=f"Ask for {', '.join(PARTS)}.")
        return list(self._clips[split])

    def left_out(self) -> Mapping[str, str]:
        """The reason for each recording and clip that is left out, or missing from a published split.

        DataError as `prepare`.
        """
        assert self._clips
        missing = {} if self._published is None else self._published.reasons()
        return dict(sorted({**self._left_out, **missing}.items()))

    def fingerprint(self) -> str:
        """Renderer, head, convention and view, and a digest of them and of the lists; the place does not enter."""
        settings, view = self.settings, self.settings.view
        lists = {
            part: [(clip.id, clip.recording, clip.rendering.key if clip.rendering else "") for clip in clips]
            for part, clips in self._clips.items()
        }
        values = settings.model_dump(mode="json", exclude={"root", "splits", "missing", "shares", "renderer", "truth"})
        parts = [values, lists, *([self._truth_digest] if self._truth_digest else [])]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
        convention = f"{settings.foa.order}:{settings.foa.normalization}"
        camera = view.kind if view.kind == "equirect" else f"{view.kind}:{view.fov:g}"
        rendering = f"{settings.renderer.use}:{self._head} {convention} {camera}:{view.yaw}:{view.pitch:g}"
        if self._published is None:
            return f"{rendering} {digest}"
        return f"{rendering} {self._published.name}:{self._published.counts(self._used)} {digest}"

    def notes(self) -> Iterator[str]:
        """What a user should know of this data, one line or more each."""
        remarks = self.remarks()
        if self._left_out:
            yield left_out_note(self.root, self._left_out)
        yield from (f"note: {self.root}: {remark}" for remark in remarks)

    def remarks(self) -> list[str]:
        """What is missing, has no height, is suspected of another convention, or has no direction."""
        return list(self._remarks())

    def _remarks(self) -> Iterator[str]:
        measured = list(self._measured.values()) if self._clips else []
        count = counted(len(measured), "clip")
        if self._published is not None and self._published.missing:
            yield self._published.describe()
        flat = sum(one.channels[2] < one.channels[0] - _NO_HEIGHT for one in measured)
        if flat:
            yield f"{flat} of {count} without height: Z is silent"
        loud = [one.gain for one in measured if one.gain > EXCESS]
        if len(loud) > _SUSPECT * len(measured):
            yield (
                f"in {len(loud)} of {count} Y, Z and X follow W with a gain of up to "
                f"{max(loud):.2f}, where SN3D has 1 at most: is this N3D or FuMa (data.foa.normalization)?"
            )
        if self.settings.truth is not None:
            return
        direct = [value >= self.settings.directness for one in measured for value in one.directness]
        share = sum(direct) / max(1, len(direct))
        yield f"directions are known in {share:.0%} of the time (data.directness)"

    @cached_property
    def _head(self) -> str:
        return head_digest(self.settings.renderer)

    @cached_property
    def _clips(self) -> dict[str, list[Clip]]:
        """The clips of each split, sorted; `_left_out` and `_measured` are filled on the way."""
        self._left_out, self._measured = {}, {}
        check_head(self.settings.renderer, self._head)
        sources, incomplete = find_sources(self.root, self.settings.layout)
        listed = self._listed(sources)
        names = {part.source.name for part in listed}
        self._left_out.update(incomplete)
        unlisted = NOT_LISTED if self._published is None else f"not in {self._published.name}"
        self._left_out.update({source.name: unlisted for source in sources if source.name not in names})
        headers = self._headers([source for source in sources if source.name in names])
        long = [part for part in listed if part.source.name in headers and self._long_enough(part, headers)]
        clips: dict[str, list[Clip]] = {split: [] for split in PARTS}
        work = [(part, headers[part.source.name]) for part in in_splits(long, headers, self.settings.shares)]
        for (part, header), measured in self._each(work, self._measure, "Measuring 360-degree recordings"):
            if isinstance(measured, AvspatialError):
                self._left_out[part.name] = measured.what
            else:
                found = list(self._screened(part, header, measured))
                clips[part.section.split] += found
                self._used |= {listed_id(part.source)} if found else set()
        for split, found in clips.items():
            if not found:
                raise nothing_left(f"no clip for the {split} split", self.root, self._left_out, _FIX)
            found.sort(key=lambda clip: clip.id)
        return clips if self.settings.truth is None else self._with_truth(clips, self.settings.truth)

    def _listed(self, sources: Sequence[Source]) -> list[Part]:
        """What a published split, a csv, or nothing lists; DataError for missing videos, unless they may be."""
        splits = self.settings.splits
        if splits is None or not is_published(splits):
            return listed_parts(sources, self.root, None if splits is None else as_path(splits))
        self._published = ListedVideos(splits, {listed_id(source) for source in sources})
        if self.settings.missing == "refuse":
            self._published.refuse_missing(self.root)
        return published_parts(sources, self._published)

    def _with_truth(self, clips: Mapping[str, Sequence[Clip]], truth: TruthSettings) -> dict[str, list[Clip]]:
        """The clips with the directions that the settings name, turned as the view is."""
        known = KnownDirections(truth, (clip.id for found in clips.values() for clip in found))
        self._truth_digest = known.digest()
        front = self.settings.view.front
        return {
            split: [replace(clip, truth=clip.truth and turned(clip.truth, front)) for clip in known.add(found)]
            for split, found in clips.items()
        }

    def _headers(self, sources: Sequence[Source]) -> dict[str, Header]:
        """The headers of the recordings that have what is needed; the others are left out."""
        settings, headers = self.settings, {}

        def read(source: Source) -> Header:
            return read_header(source, settings.frames_fps, settings.length_tolerance, cache_root())

        for source, header in self._each(sources, read, "Reading the headers of 360-degree recordings"):
            if isinstance(header, AvspatialError):
                self._left_out[source.name] = header.what
            else:
                headers[source.name] = header
        return headers

    def _spans(self, part: Part, header: Header) -> list[tuple[float, float]]:
        return part.spans(header, self.settings.seconds, self.settings.hop or self.settings.seconds)

    def _long_enough(self, part: Part, headers: Mapping[str, Header]) -> bool:
        """Whether a part holds a clip; it is left out if not."""
        if not self._spans(part, headers[part.source.name]):
            self._left_out[part.name] = f"shorter than {self.settings.seconds:g} s"
            return False
        return True

    def _measure(self, work: tuple[Part, Header]) -> list[Measured]:
        part, header = work
        return measure_source(part.source.audio, self._spans(part, header), self._rendering(header), cache_root())

    def _rendering(self, header: Header, random_yaw: bool = False) -> Foa360Rendering:
        settings = self.settings
        foa = settings.foa.model_copy(update={"order": "acn"}) if header.carrier else settings.foa
        wanted = settings.view.panorama
        panorama = (min(wanted[0], header.size[0]), min(wanted[1], header.size[1]))
        return Foa360Rendering(
            settings.renderer, settings.view, foa, self._head, header.chosen, panorama, random_yaw=random_yaw
        )

    def _screened(self, part: Part, header: Header, measured: Sequence[Measured]) -> Iterator[Clip]:
        """The clips of a part from which something can be learned; the others are left out."""
        settings, source, spans = self.settings, part.source, self._spans(part, header)
        rendering = self._rendering(header, settings.view.yaw == "random" and part.section.split == "train")
        name = recording_name(source.name)
        for start, _ in spans[len(measured) :]:
            self._left_out[clip_id(name, start)] = "its audio ends before its header says"
        for (start, seconds), one in zip(spans, measured, strict=False):
            # An excerpt keeps its name: it is an entry of published lists.
            id = name if len(spans) == 1 and not start else clip_id(name, start)
            why = dead_channel(one, settings.screening) or screen(one.ears, _MOVING, settings.screening)
            if why:
                self._left_out[id] = why
                continue
            self._measured[id] = one
            yield Clip(
                id,
                source.audio,
                source.video,
                part.section.recording,
                truth=one.truth(settings.directness),
                frames_fps=settings.frames_fps if source.frames else None,
                start=start,
                seconds=seconds,
                rendering=rendering,
            )

    def _each(
        self, items: Sequence[_In], work: Callable[[_In], _Out], title: str
    ) -> Iterator[tuple[_In, _Out | AvspatialError]]:
        """Each item with its result, or with the error that it has; a few at a time, in their order."""

        def tried(item: _In) -> _Out | AvspatialError:
            try:
                return work(item)
            except (DataError, MediaError) as error:
                return error

        pool = ThreadPoolExecutor(min(4, usable_cores()))
        try:
            futures = [pool.submit(tried, item) for item in items]
            for item, future in zip(items, self.progress(futures, title), strict=True):
                yield item, future.result()
        finally:
            pool.shutdown(cancel_futures=True)
