"""The card of a metric: what known mistakes cost under it, and what that says in words.

Nothing here is known of any metric. A card holds the values of one number over the battery (`evaluation.battery`),
scored as an evaluation scores them, and every word about it follows from these by the rules below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from avspatial.evaluation.cards.test_cases import TURNS, Case, distortion_names, keeps_directions, turned
from avspatial.evaluation.scoring.clip_scores import NamedMetric, score_pair
from avspatial.interfaces import Convention, Progress

UNSEEN_SHARE = 0.1
"""A metric does not see what moves it by no more than this share of what mono moves it, in the mean over scenes."""
TIE_SHARE = 0.01
"""Values are told apart if they differ by more than this share of the spread of all wrong predictions."""
REFERENCE, MONO = "reference", "mono"


@dataclass(frozen=True)
class Card:
    """One number of a metric over the battery.

    scores: distortion -> scene -> value; a scene is missing where there is nothing to measure, or where the metric
    failed. failures: distortion -> `scene: why`, a line for each.
    """

    name: str
    id: str
    version: str
    unit: str
    higher_is_better: bool | None
    normalized: bool
    convention: str
    settings: Mapping[str, Any]
    scores: Mapping[str, Mapping[str, float]]
    failures: Mapping[str, Sequence[str]]

    @property
    def n(self) -> int:
        """Scenes in which the reference has a value."""
        return len(self.scores[REFERENCE])

    def value(self, distortion: str) -> float | None:
        """Mean over the scenes that have a value."""
        found = list(self.scores[distortion].values())
        return float(np.mean(found)) if found else None

    def share(self, distortion: str) -> float | None:
        """How far a distortion moves the value, mono being 1; of the largest move where mono is not seen (`scale`)."""
        moved = self._moved.get(distortion)
        return None if moved is None else moved / self.scale if self.scale else 0.0

    @cached_property
    def _moved(self) -> dict[str, float]:
        """Mean over scenes of |value - the reference's|, of every distortion that has one."""
        best = self.scores[REFERENCE]
        gaps = {
            name: [abs(value - best[scene]) for scene, value in found.items() if scene in best]
            for name, found in self.scores.items()
        }
        return {name: float(np.mean(gap)) for name, gap in gaps.items() if gap}

    @cached_property
    def largest(self) -> str:
        """The distortion that moves the value furthest."""
        return max(self._moved, key=lambda name: self._moved[name], default=REFERENCE)

    @cached_property
    def scale(self) -> float:
        """What mono moves the value by; the largest move, if mono's is no more than a hundredth of that."""
        most, mono = self._moved.get(self.largest, 0.0), self._moved.get(MONO, 0.0)
        return mono if mono > TIE_SHARE * most else most

    @property
    def sees_mono(self) -> bool:
        return self.scale > 0 and self.scale == self._moved.get(MONO)

    @property
    def unseen(self) -> list[str]:
        """Distortions that the metric does not see."""
        return [name for name in self._moved if name != REFERENCE and (self.share(name) or 0.0) <= UNSEEN_SHARE]

    @property
    def below_mono(self) -> list[str]:
        """Distortions that score worse than mono in every scene."""
        return [name for name in self._wrong if self._always_better(MONO, name)]

    @property
    def above_reference(self) -> list[str]:
        """Distortions that score better than the reference in every scene."""
        return [name for name in self._wrong if self._always_better(name, REFERENCE)]

    @property
    def _wrong(self) -> list[str]:
        return [name for name in self._moved if name != REFERENCE]

    @cached_property
    def _tolerance(self) -> float:
        """Of the spread of what is seen to be wrong: a floor that only the reference itself reaches widens nothing."""
        found = [self.value(name) for name in self._wrong if name not in self.unseen]
        values = [value for value in found if value is not None]
        return TIE_SHARE * (max(values) - min(values)) if values else 0.0

    def _always_better(self, one: str, other: str) -> bool:
        sign = self._sign
        both = self.scores[one].keys() & self.scores[other].keys()
        if sign is None or not both:
            return False
        return all(sign * (self.scores[one][s] - self.scores[other][s]) > self._tolerance for s in both)

    @property
    def _sign(self) -> int | None:
        return None if self.higher_is_better is None else 1 if self.higher_is_better else -1

    def turning(self) -> list[tuple[int, float]]:
        """(degrees, what that turn costs: by how much it is worse than the reference), of those that have a value."""
        best = self.value(REFERENCE)
        if self._sign is None or best is None:
            return []
        found = [(angle, self.value(turned(angle))) for angle in TURNS]
        return [(angle, self._sign * (best - value)) for angle, value in found if value is not None]

    def sentences(self) -> list[str]:
        """What the values say, in sentences."""
        if not self._moved:
            return ["Measures nothing on these scenes."]
        if not self.scale:
            return ["Nothing moves it: it looks at the reference alone."]
        told = [self._told_scale(), self._told_unseen(), *self._told_mono()]
        if self.above_reference:
            told.append(f"Better than the reference itself in every scene: {', '.join(self.above_reference)}.")
        return [sentence for sentence in [*told, self._told_turning()] if sentence]

    def _told_scale(self) -> str:
        told = "Neither more nor less is better." if self._sign is None else ""
        aside = "" if self.sees_mono else f"Shares are of what {self.largest} moves it, the most of all."
        return " ".join(part for part in (told, aside) if part)

    def _told_unseen(self) -> str:
        return f"Does not see: {', '.join(self.unseen)}." if self.unseen else "Sees everything here."

    def _told_mono(self) -> list[str]:
        kept = [name for name in self.below_mono if keeps_directions(name)]
        others = [name for name in self.below_mono if not keeps_directions(name)]
        told = [f"Prefers mono in every scene, though all directions are right, to: {', '.join(kept)}."] if kept else []
        return told + ([f"Prefers mono in every scene to: {', '.join(others)}."] if others else [])

    def _told_turning(self) -> str:
        costs = self.turning()
        if len(costs) < 2:
            return ""
        (first, least), (last, most) = costs[0], costs[-1]
        back = [(a, b) for (a, less), (b, more) in pairwise(costs) if more < less - self._tolerance]
        if back:
            return f"Turned further, it is not always worse: {back[0][1]} degrees score better than {back[0][0]}."
        flat = [b for (_, less), (b, more) in pairwise([(0, 0.0), *costs]) if more <= less + self._tolerance]
        told = "Turned further, it is worse at every step" if not flat else "Turned further, it is never better"
        if most <= self._tolerance:
            return "Turned by any angle, it is no worse."
        return f"{told}; {first} degrees cost {100 * least / most:.0f} % of what {last} cost."

    def to_dict(self) -> dict[str, Any]:
        """The card as data for JSON."""
        values = {
            name: {
                "mean": self.value(name),
                "n": len(self.scores[name]),
                "failed": len(self.failures.get(name, ())),
                "share": self.share(name),
            }
            for name in self.scores
        }
        return {
            "component": self.id,
            "version": self.version,
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "normalized": self.normalized,
            "convention": self.convention,
            "settings": dict(self.settings),
            "values": values,
            "does_not_see": self.unseen,
            "prefers_mono_to": self.below_mono,
            "reading": self.sentences(),
            "failures": [line for lines in self.failures.values() for line in lines],
        }


def measure_cards(named: NamedMetric, cases: Iterable[Case], convention: Convention, progress: Progress) -> list[Card]:
    """The cards of a metric, one a name, over the cases of a battery. What the metric does is kept, never raised."""
    scores: dict[str, dict[str, dict[str, float]]] = {
        n: {d: {} for d in distortion_names()} for n in named.metric.names
    }
    failures: dict[str, dict[str, list[str]]] = {name: {} for name in named.metric.names}
    for case in progress(list(cases), f"Measuring {named.id}"):
        found = score_pair([named], case.prediction, case.reference, convention, case.truth)
        for name, score in found.items():
            if "error" in score:
                told = f"{case.distortion}, {case.scene}: {score['error']}"
                failures[name].setdefault(case.distortion, []).append(told)
            scores[name][case.distortion].update({case.scene: score["value"]} if "value" in score else {})
    metric = named.metric
    return [
        Card(
            name,
            named.id,
            named.version,
            metric.unit[name],
            metric.higher_is_better[name],
            metric.normalized,
            convention.name,
            named.settings,
            scores[name],
            failures[name],
        )
        for name in metric.names
    ]
