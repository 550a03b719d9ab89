"""Checking a data set: every clip is measured once, then compared with the others."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from avspatial.data.check.clip_facts import ClipFacts, clip_facts
from avspatial.data.check.fairplay_files import FairPlayFiles, compare_files
from avspatial.data.check.overlaps import find_overlaps
from avspatial.data.check.result import DataCheck, SharedAudio
from avspatial.data.layout import PARTS, RENDERED, SIMULATED
from avspatial.data.settings import Screening
from avspatial.errors import AvspatialError
from avspatial.interfaces import Clip, Dataset, Progress

_MOST_EQUAL = 50
"""Clips of equal audio of which every pair is listed."""


def check_dataset(
    dataset: Dataset, root: Path, use: str, settings: Mapping[str, Any], *, images: bool, jobs: int
) -> DataCheck:
    """Measure all clips of a data set.

    Args:
        dataset: The data set.
        root: Its folder.
        use: Its name in a recipe.
        settings: Its settings, for the record.
        images: Whether to decode the images as well.
        jobs: Clips at once.

    Returns:
        What was found.

    Raises:
        AvspatialError: No clip of any split can be listed.
    """
    clips, refused = _listed(dataset)
    measured = _measured(clips, images, jobs, dataset.progress)
    return DataCheck(
        root=str(root),
        use=use,
        settings=settings,
        measured=measured,
        refused=refused,
        left_out=dataset.left_out(),
        remarks=dataset.remarks(),
        shared=shared_audio(measured),
        fairplay=_fairplay_files(root, dataset.progress),
    )


def _listed(dataset: Dataset) -> tuple[list[tuple[str, Clip]], dict[str, str]]:
    """Split and clip of everything that is listed, and what a run would say of the splits that it refuses."""
    listed: list[tuple[str, Clip]] = []
    errors: dict[str, AvspatialError] = {}
    for part in PARTS:
        try:
            clips = dataset.clips(part)
        except AvspatialError as error:
            errors[part] = error
            clips = _unchecked(dataset, part)
        listed += [(part, clip) for clip in clips]
    if not listed:
        raise next(iter(errors.values()))
    return listed, {part: str(error) for part, error in errors.items()}


def _unchecked(dataset: Dataset, part: str) -> list[Clip]:
    try:
        return dataset.listed(part)
    except AvspatialError:
        return []


def _measured(clips: Sequence[tuple[str, Clip]], images: bool, jobs: int, progress: Progress) -> list[ClipFacts]:
    limits = Screening()
    pool = ThreadPoolExecutor(jobs)
    try:
        work = [pool.submit(clip_facts, clip, part, limits, images=images) for part, clip in clips]
        return [future.result() for future in progress(work, "Measuring clips")]
    finally:
        pool.shutdown(cancel_futures=True)


def shared_audio(measured: Sequence[ClipFacts]) -> list[SharedAudio]:
    """The pairs of clips that share audio: equal to the sample, or alike by their fingerprints."""
    shared = {
        (overlap.first, overlap.second): (overlap.seconds, overlap.offset, overlap.difference)
        for overlap in find_overlaps([facts.print for facts in measured])
    }
    by_digest: dict[str, list[int]] = {}
    for number, facts in enumerate(measured):
        if facts.digest:
            by_digest.setdefault(facts.digest, []).append(number)
    equal = {pair for numbers in by_digest.values() for pair in itertools.combinations(numbers[:_MOST_EQUAL], 2)}
    shared |= {pair: (measured[pair[0]].seconds, 0.0, 0.0) for pair in equal}
    return [
        SharedAudio(
            (measured[first].id, measured[second].id),
            (measured[first].split, measured[second].split),
            (first, second) in equal,
            *(round(value, 4) for value in shared[first, second]),
        )
        for first, second in sorted(shared)
    ]


def _fairplay_files(root: Path, progress: Progress) -> FairPlayFiles | None:
    """The comparison with FAIR-Play's sounds, unless avspatial wrote the files itself, under ids of the same form."""
    if any((root / name).is_file() for name in (SIMULATED, RENDERED)):
        return None
    return compare_files(root / "binaural_audios", progress)
