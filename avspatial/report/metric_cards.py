"""Metric cards as text: the page `docs/metric_cards.md`, and cells for the command line."""

from __future__ import annotations

from collections.abc import Sequence

from avspatial.evaluation.cards.card import TIE_SHARE, UNSEEN_SHARE, Card
from avspatial.evaluation.cards.test_cases import SCENES, SECONDS, description_of, distortion_names, keeps_directions
from avspatial.report.parts.numbers import DIRECTION, ascii_signs, decimals_for, number
from avspatial.text import markdown_table

_HEAD = """# Metric cards

Which errors does a metric detect, and which not? Measured for every number of every metric, under the convention
`{convention}`. The command that writes this page also runs the conformance checks of each metric:

<!-- not run: it would overwrite this page -->
```bash
avspatial metrics check --markdown docs/metric_cards.md
```

`avspatial metrics show stft_distance` measures one card in seconds, also of a [plugin's](plugins.md) metric: see
[the commands](metrics.md#cards). A card is measured on {scenes} simulated scenes of {seconds:g} s: one source on the
left, one on the right, one that moves from left to right, and two at once. The predictions have known errors:
"""
_VALUES = """Means over the n scenes with something to measure. ↑ higher is better, ↓ lower is better. The convention's
normalisation applies to the audio, or the audio is used as it is."""
_RULES = """The sentences follow from the values by the same rules for every metric:

- It **does not detect** a distortion that changes it by at most {unseen:.0f} % of the change by mono, on average over
  the scenes. If it does not detect mono, the largest change takes the place of mono's.
- It **prefers mono** to a distortion that scores worse than mono in every scene, by more than {tie:.0f} % of the spread
  of all detected distortions. If all directions are correct, this rewards predicting nothing.
- **Rotation** refers to the four turned scenes, on average over the scenes. In proportion to the angle, 5 degrees would
  cost 13 % of what 40 cost.

The scenes are short and without reverberation: they show which errors a metric cannot distinguish, but not how large
its values are on recordings.
"""


def page(cards: Sequence[Card]) -> str:
    """The page: the distortions, a table of metrics by distortions, and the sentences of each card."""
    conventions = ", ".join(dict.fromkeys(card.convention for card in cards))
    head = _HEAD.format(convention=conventions, scenes=len(SCENES), seconds=SECONDS)
    meaning = [["name", "the prediction is", "directions"]]
    meaning += [
        [f"`{name}`", f"{description_of(name)}.", "correct" if keeps_directions(name) else ""]
        for name in distortion_names()
    ]
    values = [["metric", "unit", "audio", "n", *distortion_names()]]
    for card in cards:
        audio = "normalised" if card.normalized else "as it is"
        means = (cell(card, name) for name in distortion_names())
        values.append([_title(card), card.info.unit, audio, str(card.n), *means])
    words = "\n".join(f"- {_title(card)}: {' '.join(card.sentences())}" for card in cards)
    parts = [
        head,
        markdown_table(meaning),
        "## Values",
        _VALUES,
        markdown_table(values),
        "## In words",
        _RULES.format(unseen=100 * UNSEEN_SHARE, tie=100 * TIE_SHARE).strip(),
        words,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _title(card: Card) -> str:
    return f"`{card.name}` {DIRECTION[card.info.higher_is_better][0]}".rstrip()


def cell(card: Card, distortion: str) -> str:
    """A mean; with n and failed if the metric failed in some scenes."""
    failed = len(card.failures.get(distortion, ()))
    counts = f" (n {len(card.scores[distortion])}, failed {failed})" if failed else ""
    return short_number(card.value(distortion)) + counts


def short_number(value: float | None) -> str:
    """Three figures of a number from 1 on, three decimals below."""
    return ascii_signs(number(value, min(3, decimals_for(value or 0.0))))
