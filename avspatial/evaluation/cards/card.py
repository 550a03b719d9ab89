"""The card of a metric: its scores of known errors, and sentences that follow from them.

No rule here depends on a particular metric. A card holds the values of one number over the test cases, scored as an
evaluation scores them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from avspatial.evaluation.cards.test_cases import TURNS, Case, distortion_names, keeps_directions, turned
from avspatial.evaluation.scoring.clip_scores import NamedMetric, score_pair
from avspatial.evaluation.scoring.score_schema import MetricInfo
from avspatial.interfaces import Convention, Progress

UNSEEN_SHARE = 0.1
"""A distortion is undetected if it moves the value by at most this share of what mono does, on average over scenes."""
TIE_SHARE = 0.01
"""Values differ if their distance exceeds this share of the spread of all detected distortions."""
REFERENCE, MONO = "reference", "mono"


@dataclass(frozen=True)
class Card:
    """One number of a metric over the test cases.

    scores: distortion -> scene -> value; a scene is missing if there is nothing to measure or the metric failed.
    failures: distortion -> lines `distortion, scene: error`.
    """

    name: str
    info: MetricInfo
    normalized: bool
    convention: str
    scores: Mapping[str, Mapping[str, float]]
    failures: Mapping[str, Sequence[str]]

    @property
    def n(self) -> int:
        """Number of scenes in which the reference has a value."""
        return len(self.scores[REFERENCE])

    def value(self, distortion: str) -> float | None:
        """Mean over the scenes that have a value."""
        values = list(self.scores[distortion].values())
        return float(np.mean(values)) if values else None

    def share(self, distortion: str) -> float | None:
        """How far a distortion moves the value, in units of `scale`."""
        change = self._changes.get(distortion)
        return None if change is None else change / self.scale if self.scale else 0.0

    @cached_property
    def _changes(self) -> dict[str, float]:
        """Mean over scenes of |value - value of the reference|, for every distortion that has one."""
        reference = self.scores[REFERENCE]
        gaps = {
            name: [abs(value - reference[scene]) for scene, value in values.items() if scene in reference]
            for name, values in self.scores.items()
        }
        return {name: float(np.mean(gap)) for name, gap in gaps.items() if gap}

    @cached_property
    def largest(self) -> str:
        """The distortion with the largest change."""
        return max(self._changes, key=lambda name: self._changes[name], default=REFERENCE)

    @cached_property
    def scale(self) -> float:
        """The change by mono; the largest change, if mono's is at most a hundredth of it."""
        most, mono = self._changes.get(self.largest, 0.0), self._changes.get(MONO, 0.0)
        return mono if mono > TIE_SHARE * most else most

    @property
    def sees_mono(self) -> bool:
        return self.scale > 0 and self.scale == self._changes.get(MONO)

    @property
    def unseen(self) -> list[str]:
        """Distortions that the metric does not detect."""
        return [name for name in self._changes if name != REFERENCE and (self.share(name) or 0.0) <= UNSEEN_SHARE]

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
        return [name for name in self._changes if name != REFERENCE]

    @cached_property
    def _tolerance(self) -> float:
        """TIE_SHARE of the spread of the detected distortions; without the reference and what scores like it."""
        unseen = self.unseen
        values = [v for name in self._wrong if name not in unseen and (v := self.value(name)) is not None]
        return TIE_SHARE * (max(values) - min(values)) if values else 0.0

    def _always_better(self, first: str, second: str) -> bool:
        sign = self._sign
        a, b = self.scores[first], self.scores[second]
        scenes = a.keys() & b.keys()
        return sign is not None and bool(scenes) and all(sign * (a[s] - b[s]) > self._tolerance for s in scenes)

    @property
    def _sign(self) -> int | None:
        higher_is_better = self.info.higher_is_better
        return None if higher_is_better is None else 1 if higher_is_better else -1

    def turning(self) -> list[tuple[int, float]]:
        """(degrees, cost) of each rotation that has a value: by how much it is worse than the reference."""
        reference = self.value(REFERENCE)
        if self._sign is None or reference is None:
            return []
        values = [(angle, self.value(turned(angle))) for angle in TURNS]
        return [(angle, self._sign * (reference - value)) for angle, value in values if value is not None]

    def sentences(self) -> list[str]:
        """What the values show, in sentences."""
        if not self._changes:
            return ["Measures nothing on these scenes."]
        if not self.scale:
            return ["Does not react to any distortion: it depends on the reference alone."]
        sentences = [*self._describe_scale(), *self._describe_mono()]
        if self.above_reference:
            sentences.append(f"Better than the reference itself in every scene: {', '.join(self.above_reference)}.")
        return [*sentences, *self._describe_turning()]

    def _describe_scale(self) -> Iterator[str]:
        if self._sign is None:
            yield "Neither higher nor lower is better."
        if not self.sees_mono:
            yield f"Shares are relative to {self.largest}, the distortion with the largest effect."
        yield f"Does not detect: {', '.join(self.unseen)}." if self.unseen else "Detects every distortion."

    def _describe_mono(self) -> Iterator[str]:
        kept = [name for name in self.below_mono if keeps_directions(name)]
        others = [name for name in self.below_mono if not keeps_directions(name)]
        if kept:
            yield f"Prefers mono in every scene, although all directions are correct, to: {', '.join(kept)}."
        if others:
            yield f"Prefers mono in every scene to: {', '.join(others)}."

    def _describe_turning(self) -> Iterator[str]:
        costs = self.turning()
        if len(costs) < 2:
            return
        (first, least), (last, most) = costs[0], costs[-1]
        better = [(a, b) for (a, less), (b, more) in pairwise(costs) if more < less - self._tolerance]
        equal = [b for (_, less), (b, more) in pairwise([(0, 0.0), *costs]) if more <= less + self._tolerance]
        if better:
            yield f"Not monotonic in the rotation: {better[0][1]} degrees score better than {better[0][0]}."
        elif most <= self._tolerance:
            yield "Does not get worse with rotation."
        else:
            trend = "Never gets better with rotation" if equal else "Gets worse with every step of rotation"
            yield f"{trend}; {first} degrees cost {100 * least / most:.0f} % of what {last} cost."

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
            "component": self.info.id,
            **self.info.model_dump(include={"version", "unit", "higher_is_better", "settings"}),
            "normalized": self.normalized,
            "convention": self.convention,
            "values": values,
            "does_not_see": self.unseen,
            "prefers_mono_to": self.below_mono,
            "reading": self.sentences(),
            "failures": [line for lines in self.failures.values() for line in lines],
        }


def measure_cards(named: NamedMetric, cases: Iterable[Case], convention: Convention, progress: Progress) -> list[Card]:
    """The cards of a metric, one per name, over the test cases; errors of the metric are recorded, not raised."""
    scored = [
        (case, score_pair([named], case.prediction, case.reference, convention, case.truth))
        for case in progress(list(cases), f"Measuring {named.id}")
    ]
    return [
        _card(named, name, [(case, outcomes[name]) for case, outcomes in scored], convention)
        for name in named.metric.names
    ]


def _card(
    named: NamedMetric, name: str, outcomes: Iterable[tuple[Case, Mapping[str, Any]]], convention: Convention
) -> Card:
    scores: dict[str, dict[str, float]] = {distortion: {} for distortion in distortion_names()}
    failures: dict[str, list[str]] = {}
    for case, outcome in outcomes:
        if "error" in outcome:
            line = f"{case.distortion}, {case.scene}: {outcome['error']}"
            failures.setdefault(case.distortion, []).append(line)
        elif "value" in outcome:
            scores[case.distortion][case.scene] = outcome["value"]
    return Card(name, named.info(name), named.metric.normalized, convention.name, scores, failures)
