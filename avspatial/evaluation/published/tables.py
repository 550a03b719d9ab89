"""Published results, read from `published.yaml`. Imports no torch and no numpy.

None of these numbers was measured by this project. Every table names its source, the place in it, how its numbers were
copied, and which choices of its evaluation are known; most papers leave most of them open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from avspatial.errors import AvspatialError, did_you_mean


@dataclass(frozen=True)
class PublishedMetric:
    """A metric as a table column; `name` is that of the component."""

    name: str
    label: str
    unit: str
    higher_is_better: bool


@dataclass(frozen=True)
class Publication:
    """Where numbers were published: title, identifier (arXiv number, conference) and year."""

    cite: str
    id: str
    year: int


@dataclass(frozen=True)
class PublishedTable:
    """One table: means by method and metric, all under one convention according to its paper.

    `known` and `unknown`: choices of the evaluation; `split` is empty and `clip_seconds` None if unknown; `decimals` as
    printed, which gives the rounding; `mono` names the row that is mono on both ears, if there is one; `incomparable`
    says why no other result may stand next to these, if that is so.
    """

    name: str
    title: str
    data: str
    source: Publication
    place: str
    taken: str
    known: Mapping[str, Any]
    unknown: Sequence[str]
    decimals: Mapping[str, int]
    rows: Mapping[str, Mapping[str, float]]
    split: str = ""
    clip_seconds: float | None = None
    mono: str = ""
    incomparable: str = ""

    def rounding(self, metric: str) -> float:
        """Half a unit of the last printed digit."""
        return 0.5 * 10.0 ** -self.decimals[metric]


@dataclass(frozen=True)
class Claim:
    """A paper's claim about its own numbers; `kind`: best (in every column of the tables) or figures (ours, theirs)."""

    source: Publication
    text: str
    kind: str
    row: str
    tables: Sequence[str]
    against: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Sequence[float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """The contents of the file."""

    columns: Mapping[str, PublishedMetric]
    tables: Mapping[str, PublishedTable]
    claims: tuple[Claim, ...]


@cache
def published() -> Published:
    """The contents of `published.yaml`, read once."""
    from ruamel.yaml import YAML

    text = files("avspatial.evaluation.published").joinpath("published.yaml").read_text(encoding="utf-8")
    data = YAML(typ="safe").load(text)
    sources = {name: Publication(**entry) for name, entry in data["sources"].items()}
    for entry in (*data["tables"].values(), *data["claims"]):
        entry["source"] = sources[entry["source"]]
    return Published(
        MappingProxyType({name: PublishedMetric(name, **entry) for name, entry in data["metrics"].items()}),
        MappingProxyType({name: PublishedTable(name, **entry) for name, entry in data["tables"].items()}),
        tuple(Claim(**entry) for entry in data["claims"]),
    )


def chosen_tables(names: Iterable[str] = ()) -> list[PublishedTable]:
    """The tables with these names [default: all]; AvspatialError for an unknown name."""
    tables = published().tables
    for name in names:
        if name not in tables:
            raise AvspatialError(
                f"unknown published table {name!r}{did_you_mean(name, tables)}", fix=f"Tables: {', '.join(tables)}"
            )
    return [tables[name] for name in names or tables]
