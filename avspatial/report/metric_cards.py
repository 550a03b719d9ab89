"""The cards of metrics as text: what `docs/metric_cards.md` is, and the cells that the command line prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from avspatial.evaluation.cards.card import TIE_SHARE, UNSEEN_SHARE, Card
from avspatial.evaluation.cards.test_cases import SCENES, SECONDS, description_of, distortion_names, keeps_directions

_HEAD = """# Metric cards

What does a metric see, and what is it blind to? Measured, for every number of every metric, under the convention
`{convention}`. This page is written by the command that also checks that each keeps the promises of its kind:

<!-- not run: it would write over this page -->
```bash
avspatial metrics check --markdown docs/metric_cards.md
```

`avspatial metrics show stft_distance` measures one card anew, in seconds, also of a [plugin's](plugins.md) metric:
[the commands](metrics.md#cards). A card is measured on {scenes} simulated scenes of {seconds:g} s: one source on the
left, one on the right, one that walks across, and two at once. Each is predicted wrongly in known ways:
"""
_VALUES = """Means over the n scenes in which there is something to measure. ↑ more is better, ↓ less is. Sound is
normalised as the convention says, or taken as it is."""
_RULES = """The sentences follow from the values by the same rules for every metric:

- It **does not see** what moves it by no more than {seen:.0f} % of what mono moves it, on average over the scenes;
  where it does not see mono, of what moves it furthest.
- It **prefers mono** to what scores worse than mono in every scene, by more than {same:.0f} % of the spread of all
  that it sees to be wrong. Where all directions are right, that rewards predicting nothing.
- **Turned further** is about the four turns, on average over the scenes. In proportion to the angle, 5 degrees would
  cost 13 % of what 40 cost.

These are short scenes without an echo: they show what a metric cannot tell apart, and not how large its values are on
recordings.
"""


def page(cards: Sequence[Card]) -> str:
    """The page: the distortions, a table of metrics by distortions, and what each says in words."""
    conventions = ", ".join(dict.fromkeys(card.convention for card in cards))
    head = _HEAD.format(convention=conventions, scenes=len(SCENES), seconds=SECONDS)
    meaning = [["name", "the prediction is", "directions"]]
    meaning += [
        [f"`{name}`", f"{description_of(name)}.", "right" if keeps_directions(name) else ""]
        for name in distortion_names()
    ]
    values = [["metric", "unit", "sound", "n", *distortion_names()]]
    values += [
        [title(card), card.unit, *_facts(card), *(cell(card, name) for name in distortion_names())] for card in cards
    ]
    words = "\n".join(f"- {title(card)}: {' '.join(card.sentences())}" for card in cards)
    parts = [
        head,
        table(meaning),
        "## Values",
        _VALUES,
        table(values),
        "## In words",
        _RULES.format(seen=100 * UNSEEN_SHARE, same=100 * TIE_SHARE).strip(),
        words,
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def title(card: Card) -> str:
    """The number's name with its direction."""
    arrow = {True: " ↑", False: " ↓", None: ""}[card.higher_is_better]
    return f"`{card.name}`{arrow}"


def _facts(card: Card) -> tuple[str, str]:
    return "normalised" if card.normalized else "as it is", str(card.n)


def cell(card: Card, distortion: str) -> str:
    """A mean, with the scenes that it rests on where some of them failed."""
    found, failed = card.value(distortion), len(card.failures.get(distortion, ()))
    counts = f" (n {len(card.scores[distortion])}, failed {failed})" if failed else ""
    return ("-" if found is None else number(found)) + counts


def number(value: float) -> str:
    """Three digits of a number from 1 on, three places below; never minus zero."""
    places = next((places for limit, places in ((100, 0), (10, 1), (1, 2)) if abs(value) >= limit), 3)
    return f"{round(value, places) + 0.0:.{places}f}"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows as a Markdown table, the first its head."""
    first, *rest = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [first, ["---"] * len(first), *rest])
