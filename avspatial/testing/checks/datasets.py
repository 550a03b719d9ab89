"""What a data set must do: its clips are there, whole, and in one split only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from avspatial.data.clip_cache import ClipStore
from avspatial.data.layout import PARTS, lengths
from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.media.audio import audio_info
from avspatial.progress import silent
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import NotApplicable, require

TOLERANCE = 1.0
"""By how many seconds the lengths of a clip's sound and pictures may differ."""


def construct(component: ComponentUnderTest) -> None:
    """It is built from its example settings, and `prepare` may be called again."""
    dataset = _built(component)
    dataset.prepare()
    dataset.prepare()


def clips_readable(component: ComponentUnderTest) -> str:
    """Every clip can be decoded: stereo sound (equal channels where it says mono) and at least one picture."""
    store = ClipStore(component.framing.window, silent, component.folder / "cache")
    count = 0
    for clip in _all(component):
        recording = store.load(clip)
        require(recording.audio.ndim == 2 and len(recording.audio) == 2, f"clip {clip.id}: {recording.audio.shape}")
        require(recording.audio.shape[1] and np.isfinite(recording.audio).all(), f"clip {clip.id} has no sound")
        require(not clip.mono or np.array_equal(*recording.audio), f"clip {clip.id} is mono, its channels differ")
        require(np.any(recording.audio), f"clip {clip.id} is silent from beginning to end")
        require(len(recording.images), f"clip {clip.id} has no picture")
        count += 1
    return f"{count} clips"


def lengths_agree(component: ComponentUnderTest) -> None:
    """A clip's sound and pictures are equally long, within a second."""
    for clip in _all(component):
        sound, pictures = lengths(clip)
        told = f"clip {clip.id}: {sound:.2f} s of sound, {pictures:.2f} s of pictures"
        require(abs(sound - pictures) <= TOLERANCE, told)


def splits_disjoint(component: ComponentUnderTest) -> None:
    """No id stands twice, and no recording in two splits."""
    dataset = _built(component)
    clips = {part: dataset.clips(part) for part in PARTS}
    times = Counter(clip.id for part in PARTS for clip in clips[part])
    twice = [id for id, count in times.items() if count > 1]
    require(not twice, f"clip {', '.join(twice[:3])} stands {times[twice[0]] if twice else 0} times in the splits")
    home: dict[str, str] = {}
    for part in PARTS:
        for recording in {clip.recording for clip in clips[part]}:
            where = home.setdefault(recording, part)
            require(where == part, f"recording {recording} is in {where} and in {part}")


def order_fixed(component: ComponentUnderTest) -> None:
    """Built twice, it lists the same clips in the same order, under the same fingerprint."""
    first, second = _built(component), _built(component)
    for part in PARTS:
        ids = [[clip.id for clip in dataset.clips(part)] for dataset in (first, second)]
        require(ids[0], f"the {part} split is empty")
        require(ids[0] == ids[1], f"the {part} split comes in another order")
    marks = first.fingerprint(), second.fingerprint()
    require(isinstance(marks[0], str) and 0 < len(marks[0]) <= 128, f"the fingerprint is {marks[0]!r}")
    require(marks[0] == marks[1], f"the fingerprint is {marks[0]}, then {marks[1]}")


def unknown_split_refused(component: ComponentUnderTest) -> None:
    """DataError for a split that is none."""
    try:
        found = _built(component).clips("no_such_split")
    except DataError:
        return
    require(False, f"clips('no_such_split') gives {len(found)} clips")


def truth_whole(component: ComponentUnderTest) -> str:
    """Where true angles are given: one energy an angle, all finite, for as long as the sound."""
    known = [clip for clip in _all(component) if clip.truth is not None]
    if not known:
        raise NotApplicable("no clip has true angles")
    for clip in known:
        _whole(clip)
    return f"{len(known)} clips"


def _whole(clip: Clip) -> None:
    assert clip.truth is not None
    azimuth, energy = clip.truth.azimuth, clip.truth.energy
    told = f"clip {clip.id}: azimuth {azimuth.shape}, energy {energy.shape}"
    require(azimuth.ndim == 2 and azimuth.shape == energy.shape, told)
    require(np.isfinite(azimuth).all() and (np.abs(azimuth) <= 180).all(), f"clip {clip.id}: azimuth beyond 180")
    require(np.isfinite(energy).all() and (energy >= 0).all() and energy.any(), f"clip {clip.id}: energy")
    seconds = azimuth.shape[1] / clip.truth.rate
    sound = audio_info(clip.audio).seconds
    require(
        abs(seconds - sound) <= 2 / clip.truth.rate, f"clip {clip.id}: {seconds:g} s of truth, {sound:g} s of sound"
    )


def _built(component: ComponentUnderTest) -> Any:
    dataset = component.build(progress=silent)
    dataset.prepare()
    return dataset


def _all(component: ComponentUnderTest) -> Iterator[Clip]:
    dataset = _built(component)
    for part in PARTS:
        yield from dataset.clips(part)


CHECKS = {
    "dataset": (
        construct,
        clips_readable,
        lengths_agree,
        splits_disjoint,
        order_fixed,
        unknown_split_refused,
        truth_whole,
    )
}
