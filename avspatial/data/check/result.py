"""What a check of a data set found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from avspatial.data.check.clip_facts import BINS, ClipFacts
from avspatial.data.check.fairplay_files import FairPlayFiles
from avspatial.data.check.motion import on_a_side
from avspatial.data.layout import PARTS

SIDE_WIDTH = 10.0
"""Azimuths up to this, degrees, are the middle."""
_QUANTILES = {"min": 0, "p5": 5, "median": 50, "p95": 95, "max": 100}
_LEAST_LEVEL = 0.5
"""Level differences up to this, dB, are on neither side."""
_LEAST_CLIPS = 10
_LEAST_P = 0.01
_WIDEST = 60.0
"""Ratios beyond this, dB, count as this: of equal channels and of dead ones."""


@dataclass(frozen=True)
class SharedAudio:
    """Two clips that share audio.

    Attributes:
        clips: Their ids.
        splits: Their splits.
        equal: Whether the decoded audio is equal to the sample.
        seconds: Length of what they share.
        offset: Where the second begins in the first, s.
        difference: Share of the bits of their fingerprints that differ there.
    """

    clips: tuple[str, str]
    splits: tuple[str, str]
    equal: bool
    seconds: float
    offset: float = 0.0
    difference: float = 0.0

    @property
    def leak(self) -> bool:
        """Whether they are in two splits."""
        return self.splits[0] != self.splits[1]


@dataclass(frozen=True)
class MotionHint:
    """Whether clips are louder on the side where their images move; no more than a hint.

    Attributes:
        clips: Clips that have a side in sound and images.
        agree: How many have the same.
        swapped: Whether the channels seem to be exchanged: far fewer agree than by chance (p below 0.01, at least 10
            clips).
    """

    clips: int
    agree: int
    swapped: bool


@dataclass(frozen=True)
class DataCheck:
    """What a check of a data set found.

    Attributes:
        root: The folder.
        use: The data set that read it, as a recipe names it.
        settings: Its settings.
        measured: Every clip of the splits, in order.
        refused: {split: what a run would say} for the splits that it would refuse.
        left_out: {clip or file: why} of what the data set leaves out by itself.
        remarks: What the data set says of all its clips together.
        shared: Pairs of clips that share audio, in one split or two.
        fairplay: The wav files compared with FAIR-Play's own; None if none has the name of one.
    """

    root: str
    use: str
    settings: Mapping[str, Any]
    measured: Sequence[ClipFacts]
    refused: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    shared: Sequence[SharedAudio] = ()
    fairplay: FairPlayFiles | None = None

    @property
    def leaks(self) -> list[tuple[str, str]]:
        """Ids of the pairs of clips in two splits that share audio."""
        return [pair.clips for pair in self.shared if pair.leak]

    @property
    def damage(self) -> dict[str, str]:
        """{clip: why it cannot be used}."""
        return {facts.id: facts.damage for facts in self.measured if facts.damage}

    @property
    def notes(self) -> dict[str, str]:
        """{clip: why no direction can be learned from it}."""
        return {facts.id: facts.note for facts in self.measured if facts.note}

    @property
    def split_recordings(self) -> list[str]:
        """Recordings that stand in more than one split."""
        splits: dict[str, set[str]] = {}
        for facts in self.measured:
            splits.setdefault(facts.recording, set()).add(facts.split)
        return sorted(recording for recording, parts in splits.items() if len(parts) > 1)

    @property
    def passed(self) -> bool:
        """Whether there is no leak, no damage, and nothing that a run would refuse."""
        return not (self.leaks or self.damage or self.refused or self.split_recordings)

    @property
    def counts(self) -> dict[str, int]:
        """Clips by split."""
        found = Counter(facts.split for facts in self.measured)
        return {part: found[part] for part in PARTS}

    @property
    def motion(self) -> MotionHint:
        """Level differences compared with where the images move."""
        sides = [
            (facts.levels.left - facts.levels.right) * facts.motion > 0
            for facts in self.measured
            if facts.levels is not None
            and facts.motion is not None
            and on_a_side(facts.motion)
            and abs(facts.levels.left - facts.levels.right) > _LEAST_LEVEL
        ]
        clips, agree = len(sides), sum(sides)
        if clips < _LEAST_CLIPS or 2 * agree >= clips:
            return MotionHint(clips, agree, False)
        from scipy.stats import binomtest

        return MotionHint(clips, agree, bool(binomtest(agree, clips).pvalue < _LEAST_P))

    def values(self) -> dict[str, np.ndarray]:
        """One value for each clip that has one, by the name that JSON has for it: lengths in s, levels in dB."""
        sounding = [facts for facts in self.measured if facts.digest and facts.levels is not None]
        levels = [facts.levels for facts in sounding if facts.levels is not None]
        stereo = [facts.levels for facts in sounding if facts.levels is not None and not facts.mono]
        return {
            "seconds": np.array([facts.seconds for facts in self.measured if facts.seconds]),
            "level_dbfs": np.array([level.both for level in levels]),
            "side_mid_db": np.array([level.difference - level.mixture for level in stereo]).clip(-_WIDEST, _WIDEST),
            "level_difference_db": np.array([level.left - level.right for level in stereo]).clip(-_WIDEST, _WIDEST),
        }

    def azimuths(self) -> np.ndarray | None:
        """Share of the time by azimuth of the loudest source, (72,) in classes of 5 degrees; None if none is known."""
        known = [facts.azimuths for facts in self.measured if facts.azimuths is not None]
        return np.mean(known, 0) if known else None

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single clips, as data for JSON."""
        return {
            "root": self.root,
            "use": self.use,
            "settings": dict(self.settings),
            "passed": self.passed,
            "clips": self.counts,
            "recordings": len({facts.recording for facts in self.measured}),
            "recordings_in_two_splits": self.split_recordings,
            "left_out": [{"clip": clip, "why": why} for clip, why in self.left_out.items()],
            "remarks": list(self.remarks),
            "damage": [{"clip": clip, "why": why} for clip, why in self.damage.items()],
            "refused": [{"split": split, "why": why} for split, why in self.refused.items()],
            "leaks": [list(pair) for pair in self.leaks],
            "shared": [asdict(pair) for pair in self.shared],
            "sound": self._sound(),
            "directions": self._directions(),
            "fairplay": None if self.fairplay is None else asdict(self.fairplay),
        }

    def _sound(self) -> dict[str, Any]:
        readable = [facts for facts in self.measured if facts.rate]
        return {
            "rates": dict(Counter(str(facts.rate) for facts in readable)),
            "channels": dict(Counter(str(facts.channels) for facts in readable)),
            **{name: quantiles(values) for name, values in self.values().items()},
            "notes": [{"clip": clip, "why": why} for clip, why in self.notes.items()],
        }

    def _directions(self) -> dict[str, Any]:
        shares = self.azimuths()
        sides = None if shares is None else side_shares(shares)
        known = sum(facts.azimuths is not None for facts in self.measured)
        return {"clips": known, "shares": sides, "motion": asdict(self.motion)}


def quantiles(values: np.ndarray) -> dict[str, float] | None:
    """Least, 5 %, median, 95 % and largest of some values; None of none."""
    if not len(values):
        return None
    return {name: round(float(value), 3) for name, value in zip(_QUANTILES, _percentiles(values), strict=True)}


def _percentiles(values: np.ndarray) -> np.ndarray:
    return np.percentile(values, list(_QUANTILES.values()))


def side_shares(shares: np.ndarray) -> dict[str, float]:
    """Share of the time that the loudest source is at the left, in the middle (within 10 degrees), at the right, or
    behind (beyond 90 degrees)."""
    middles = (BINS[1:] + BINS[:-1]) / 2
    front = np.abs(middles) <= 90
    places = {
        "left": front & (middles > SIDE_WIDTH),
        "middle": np.abs(middles) <= SIDE_WIDTH,
        "right": front & (middles < -SIDE_WIDTH),
        "behind": ~front,
    }
    return {name: round(float(shares[where].sum()), 4) for name, where in places.items()}
