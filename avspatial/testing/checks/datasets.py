"""Conformance checks of data sets: clips exist, can be decoded, and belong to a single split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from avspatial.data.clip_cache import ClipStore, Recording
from avspatial.data.layout import PARTS, lengths
from avspatial.data.windows import TrainingWindows
from avspatial.errors import DataError
from avspatial.interfaces import Clip
from avspatial.progress import silent
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import NotApplicable, require
from avspatial.text import counted

TOLERANCE = 1.0
"""Largest difference in s between the lengths of a clip's audio and video."""


def construct(component: ComponentUnderTest) -> None:
    """It is built from its example settings, and `prepare` can be called again."""
    dataset = _built(component)
    dataset.prepare()
    dataset.prepare()


def clips_readable(component: ComponentUnderTest) -> str:
    """Every clip is decoded: stereo audio (equal channels if mono), an image; only training clips have a random yaw."""
    store = ClipStore(component.framing.window, silent, component.folder / "cache")
    dataset = _built(component)
    count = 0
    for part in PARTS:
        for clip in dataset.clips(part):
            recording = store.load(clip)
            _check_recording(recording)
            if recording.unrendered is not None:
                require(part == "train", f"clip {clip.id} of {part} has a random yaw")
                window = TrainingWindows([recording], component.framing, 0).batch(0, [0])
                require(bool(window.reference.isfinite().all()), f"clip {clip.id}: a window has no audio")
            count += 1
    return counted(count, "clip")


def _check_recording(recording: Recording) -> None:
    clip, audio = recording.clip, recording.audio
    channels = 2 if recording.unrendered is None else 4
    require(audio.ndim == 2 and len(audio) == channels, f"clip {clip.id}: {audio.shape}")
    require(audio.shape[1] and np.isfinite(audio).all(), f"clip {clip.id} has no audio")
    require(not clip.mono or np.array_equal(*audio), f"clip {clip.id} is mono, its channels differ")
    require(np.any(audio), f"clip {clip.id} is silent from beginning to end")
    require(len(recording.images), f"clip {clip.id} has no image")


def lengths_agree(component: ComponentUnderTest) -> None:
    """A clip's audio and video are equally long, within a second."""
    for clip in _all(component):
        audio, video = lengths(clip)
        message = f"clip {clip.id}: {audio:.2f} s of audio, {video:.2f} s of video"
        require(abs(audio - video) <= TOLERANCE, message)


def splits_disjoint(component: ComponentUnderTest) -> None:
    """No id occurs twice, and no recording in two splits."""
    dataset = _built(component)
    clips = {part: dataset.clips(part) for part in PARTS}
    counts = Counter(clip.id for part in PARTS for clip in clips[part])
    duplicates = [clip_id for clip_id, count in counts.items() if count > 1]
    require(not duplicates, f"clip {', '.join(duplicates[:3])} occurs more than once in the splits")
    split_of: dict[str, str] = {}
    for part in PARTS:
        for recording in {clip.recording for clip in clips[part]}:
            first = split_of.setdefault(recording, part)
            require(first == part, f"recording {recording} is in {first} and in {part}")


def order_fixed(component: ComponentUnderTest) -> None:
    """Built twice, it lists the same clips in the same order with the same fingerprint."""
    first, second = _built(component), _built(component)
    for part in PARTS:
        ids = [[clip.id for clip in dataset.clips(part)] for dataset in (first, second)]
        require(ids[0], f"the {part} split is empty")
        require(ids[0] == ids[1], f"the {part} split comes in another order")
    fingerprints = first.fingerprint(), second.fingerprint()
    require(
        isinstance(fingerprints[0], str) and 0 < len(fingerprints[0]) <= 128, f"the fingerprint is {fingerprints[0]!r}"
    )
    require(fingerprints[0] == fingerprints[1], f"the fingerprint is {fingerprints[0]}, then {fingerprints[1]}")


def unknown_split_refused(component: ComponentUnderTest) -> None:
    """An unknown split is a DataError."""
    try:
        clips = _built(component).clips("no_such_split")
    except DataError:
        return
    require(False, f"clips('no_such_split') returns {len(clips)} clips")


def truth_complete(component: ComponentUnderTest) -> str:
    """True angles, if there are any, have one energy each, are finite, and last as long as the audio."""
    with_truth = [clip for clip in _all(component) if clip.truth is not None]
    if not with_truth:
        raise NotApplicable("no clip has true angles")
    for clip in with_truth:
        _check_truth(clip)
    return counted(len(with_truth), "clip")


def _check_truth(clip: Clip) -> None:
    assert clip.truth is not None
    azimuth, energy = clip.truth.azimuth, clip.truth.energy
    message = f"clip {clip.id}: azimuth {azimuth.shape}, energy {energy.shape}"
    require(azimuth.ndim == 2 and azimuth.shape == energy.shape, message)
    require(np.isfinite(azimuth).all() and (np.abs(azimuth) <= 180).all(), f"clip {clip.id}: azimuth beyond 180")
    require(np.isfinite(energy).all() and (energy >= 0).all() and energy.any(), f"clip {clip.id}: energy")
    seconds = azimuth.shape[1] / clip.truth.rate
    audio, _ = lengths(clip)
    require(
        abs(seconds - audio) <= 2 / clip.truth.rate, f"clip {clip.id}: {seconds:g} s of truth, {audio:g} s of audio"
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
        truth_complete,
    )
}
