"""What one clip's files hold: its sound, its images, and whether they can be used."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from avspatial.data.check.fingerprint import Fingerprint, fingerprint
from avspatial.data.check.motion import motion_side
from avspatial.data.decoding import clip_audio, clip_views
from avspatial.data.layout import lengths
from avspatial.data.screening import GRID, Levels, audio_levels, image_change, screen
from avspatial.data.settings import Screening
from avspatial.errors import AvspatialError, DataError
from avspatial.interfaces import Clip
from avspatial.media.audio import audio_info
from avspatial.media.frame_grid import image_count
from avspatial.signal.stereo import to_mono

LENGTH_TOLERANCE = 1.0
"""Seconds by which a clip's audio and video may differ, the default of all data sets."""
_FPS = 4.0
"""Images a second that are enough to see motion."""
BINS = np.arange(-180.0, 181.0, 5.0)
"""Edges of the classes of azimuths, degrees."""


@dataclass(frozen=True)
class ClipFacts:
    """What was measured of a clip.

    Attributes:
        id: Its id.
        split: "train", "val" or "test".
        recording: The recording it was cut from.
        rate: Of the audio, Hz; 0 if it cannot be read.
        channels: Of the audio file.
        mono: Whether the clip is meant to be mono.
        seconds: Length of the audio.
        levels: Levels of the two channels and of their sum and difference; None if the audio cannot be read.
        damage: Why the clip cannot be used; empty if nothing was found.
        note: Why no direction can be learned from it; empty if nothing was found.
        motion: Where the images move, from -1 (right edge) to 1 (left edge); None if they do not, or were not read.
        azimuths: (72,) share of the time by azimuth of the loudest source, in `BINS`; None if no direction is known.
        digest: SHA-256 of the decoded audio; empty for silence.
        print: Fingerprint of the mixture.
    """

    id: str
    split: str
    recording: str
    rate: int = 0
    channels: int = 0
    mono: bool = False
    seconds: float = 0.0
    levels: Levels | None = None
    damage: str = ""
    note: str = ""
    motion: float | None = None
    azimuths: np.ndarray | None = field(default=None, compare=False)
    digest: str = ""
    print: Fingerprint = field(default_factory=Fingerprint.empty, compare=False, repr=False)


def clip_facts(clip: Clip, split: str, limits: Screening, *, images: bool = True) -> ClipFacts:
    """Measure a clip; each of its files is decoded once.

    Args:
        clip: The clip.
        split: The split it belongs to.
        limits: When a clip counts as silent, mono, or standing still.
        images: Whether to decode the images as well.

    Returns:
        What was measured. A clip that cannot be read has `damage` instead of an error.
    """
    facts = ClipFacts(clip.id, split, clip.recording, mono=clip.mono, azimuths=_azimuths(clip))
    change = math.inf
    try:
        facts = _with_audio(clip, facts)
        if images:
            seen = _images(clip, facts.seconds)
            change = image_change(seen)
            facts = replace(facts, motion=motion_side(seen))
        _refuse_unequal_lengths(clip)
    except AvspatialError as error:
        return replace(facts, damage=_named(error))
    return facts if clip.mono else _judged(facts, change, limits)


def _named(error: AvspatialError) -> str:
    """What is wrong, and with which of the clip's files."""
    return f"{'/'.join(Path(error.where).parts[-2:])}: {error.what}" if error.where else error.what


def _judged(facts: ClipFacts, change: float, limits: Screening) -> ClipFacts:
    """With damage, or why no direction can be learned. Silence and a dead channel are damage; mono and stills may be
    meant."""
    assert facts.levels is not None
    why = screen(facts.levels, change, limits) or ""
    dead = facts.levels.both < limits.silence or abs(facts.levels.left - facts.levels.right) > limits.dead
    return replace(facts, damage=why) if dead else replace(facts, note=why)


def _with_audio(clip: Clip, facts: ClipFacts) -> ClipFacts:
    facts = replace(facts, channels=audio_info(clip.audio).channels)
    audio, rate = clip_audio(clip)
    if clip.rendering is not None:
        field_ = clip.rendering.field(audio)
        mono, stereo = field_[0], clip.rendering.stereo(field_, rate)
    else:
        mono, stereo = to_mono(audio), audio
    digest = hashlib.sha256(np.ascontiguousarray(audio).data).hexdigest() if audio.any() else ""
    return replace(
        facts,
        rate=rate,
        seconds=audio.shape[1] / rate,
        levels=audio_levels(stereo),
        digest=digest,
        print=fingerprint(mono, rate),
    )


def _images(clip: Clip, seconds: float) -> np.ndarray:
    return np.stack(list(clip_views(clip, _FPS, GRID, image_count(seconds, _FPS))))


def _refuse_unequal_lengths(clip: Clip) -> None:
    audio, video = lengths(clip)
    if abs(audio - video) > LENGTH_TOLERANCE:
        raise DataError(f"{audio:.2f} s of audio but {video:.2f} s of video")


def _azimuths(clip: Clip) -> np.ndarray | None:
    """Share of the time by azimuth of the loudest source, while anything sounds."""
    if clip.truth is None or not clip.truth.energy.any():
        return None
    loudest = clip.truth.energy.argmax(0)[None]
    energy = np.take_along_axis(clip.truth.energy, loudest, 0)[0]
    azimuth = np.take_along_axis(clip.truth.azimuth, loudest, 0)[0]
    sounding = energy > energy.max() * 1e-4
    counts, _ = np.histogram(azimuth[sounding], BINS)
    return counts / max(1, counts.sum())
