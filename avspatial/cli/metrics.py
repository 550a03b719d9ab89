"""`avspatial metrics`: which metrics there are, what each sees and what it is blind to, and whether it keeps its
promises."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.cli.table import columns, print_json
from avspatial.errors import PluginError
from avspatial.registry import Entry, Failure, Registry, discover

if TYPE_CHECKING:
    from avspatial.evaluation.cards.card import Card
    from avspatial.testing.results import Result

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help="List, show and check metrics: what each sees, and what it is blind to.",
)
BETTER = {True: "higher", False: "lower", None: "-"}
SOUND = {True: "normalised", False: "as it is"}
SOUND_IN_WORDS = {True: "resampled and normalised as the convention says", False: "resampled, else as it is"}
BETTER_OR_NOT = {True: "higher is better", False: "lower is better", None: "neither more nor less is better"}
Named = Annotated[str, typer.Argument(metavar="NAME", help="A metric: `plugin.component` or its short form.")]
InConvention = Annotated[str, typer.Option(metavar="NAME", help="The convention under which it is measured.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]


@app.command("list")
def list_metrics(json: AsJson = False) -> None:
    """List every number of every metric: version, unit, which direction is better, whether the convention's
    normalisation is in it, whether it needs true angles."""
    registry = discover()
    facts = [number for entry in registry.entries("metric") for number in _numbers(registry, entry)]
    registry.report_failures()
    if json:
        print_json({"metrics": facts})
        return
    rows = [["metric", "version", "unit", "better", "sound", "needs", "about"]]
    rows += [
        [
            each["name"],
            each["version"],
            each["unit"] or "-",
            BETTER[each["higher_is_better"]],
            SOUND[each["normalized"]],
            "angles" if each["requires_source_angles"] else "-",
            each["summary"],
        ]
        for each in facts
    ]
    print(columns(rows))


@app.command("show")
def show(name: Named, convention: InConvention = "fairplay", json: AsJson = False) -> None:
    """Show a metric: what it is, its settings, and its card, measured now: what known mistakes cost under it."""
    from avspatial.progress import show_on_stderr
    from avspatial.testing.metric_cards import metric_cards

    registry = discover()
    entry = registry.get("metric", name)
    target = entry.target_class()
    cards = metric_cards(entry.id, convention=convention, registry=registry, progress=show_on_stderr)
    if json:
        found: dict[str, Any] = {"id": entry.id, "version": entry.version, "summary": entry.component.summary}
        found |= {"definition": _definition(target), "cards": {card.name: card.to_dict() for card in cards}}
        print_json(found)
        return
    print("\n\n".join([_about(entry, target), *map(_card, cards)]))


@app.command("check")
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Metrics; all there are by default.")
    ] = None,
    convention: InConvention = "fairplay",
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the cards as a page, like docs/metric_cards.md.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Check what metrics promise, as `plugins check` does, and measure their cards; exit 1 if something fails."""
    registry = discover()
    entries = [registry.get("metric", name) for name in names] if names else registry.entries("metric")
    if not names:
        registry.report_failures()
    results: list[Result] = []
    cards: list[Card] = []
    for found in _checked(entries, registry, convention):
        results.append(found[0])
        cards += found[1]
        if not json:
            print("\n".join([str(found[0]), *_readings(found[1])]), flush=True)
    if markdown is not None:
        from avspatial.atomic import write_text
        from avspatial.report.metric_cards import page

        write_text(markdown, page(cards))
    failed = _conclude(results, cards, json)
    if failed:
        raise typer.Exit(1)


def _checked(entries: list[Entry], registry: Registry, convention: str) -> Iterator[tuple[Result, list[Card]]]:
    """The contract of each, then its card, as they come. What cannot be constructed has no card."""
    from avspatial.evaluation.cards.test_cases import make_test_cases
    from avspatial.metrics import conventions
    from avspatial.progress import show_on_stderr
    from avspatial.testing.metric_cards import check_card
    from avspatial.testing.run_checks import check_component

    chosen = conventions.get(convention)
    cases = make_test_cases(chosen, show_on_stderr)
    for entry in entries:
        built = True
        for result in check_component(entry, registry):
            built = built and (result.check, result.status) != ("construct", "failed")
            yield result, []
        if built:
            yield check_card(entry, registry, cases, chosen, show_on_stderr)


def _conclude(results: list[Result], cards: list[Card], json: bool) -> int:
    """Print the count, or everything as JSON; how many failed."""
    from avspatial.cli.plugins import STATUSES

    counts = {status: sum(result.status == status for result in results) for status in STATUSES}
    if json:
        found = {"checks": len(results), **counts, "results": [asdict(result) for result in results]}
        print_json({**found, "cards": {card.name: card.to_dict() for card in cards}})
    else:
        told = ", ".join(f"{count} {STATUSES[status]}" for status, count in counts.items())
        print(f"{len(results)} checks: {told}")
    return counts["failed"]


def _numbers(registry: Registry, entry: Entry) -> list[dict[str, Any]]:
    """What a metric declares of each of its numbers; none, and a warning, where its code cannot be imported."""
    try:
        target = entry.target_class()
    except PluginError as error:
        failure = Failure(entry.plugin.name, entry.plugin.file, error.what, component=entry.label)
        print(f"warning: {failure}", file=sys.stderr)
        return []
    return [
        {
            "name": name,
            "id": entry.id,
            "version": entry.version,
            "unit": target.unit.get(name, ""),
            "higher_is_better": target.higher_is_better.get(name),
            "normalized": target.normalized,
            "requires_source_angles": target.requires_source_angles,
            "summary": entry.component.summary,
        }
        for name in target.names
    ]


def _about(entry: Entry, target: Any) -> str:
    from avspatial.recipe.reference import settings_rows

    rows = [
        ("version", entry.version),
        ("about", entry.component.summary),
        ("sound", SOUND_IN_WORDS[target.normalized]),
        ("needs", "true angles" if target.requires_source_angles else "nothing but the two sounds"),
        ("code", entry.component.target),
    ]
    settings = settings_rows(entry.settings_class())
    parts = [entry.id, columns(rows, indent="  "), "  settings" if settings else "  no settings"]
    parts += [columns(settings, indent="    ")] if settings else []
    definition = "\n".join(f"    {line}".rstrip() for line in _definition(target).splitlines())
    return "\n".join([*parts, "  definition", definition])


def _definition(target: Any) -> str:
    """The docstrings of the metric, of the functions named as its values, and of their module, up to any `Args:`."""
    module = sys.modules[target.__module__]
    functions = [getattr(module, name, None) for name in target.names]
    texts = [target.__doc__, *(item.__doc__ for item in functions if inspect.isfunction(item)), module.__doc__]
    return "\n\n".join(inspect.cleandoc(text).partition("\n\nArgs:")[0] for text in texts if text)


def _card(card: Card) -> str:
    from avspatial.evaluation.cards.test_cases import SCENES, description_of, distortion_names
    from avspatial.report.metric_cards import cell, number

    shares = {name: card.share(name) for name in distortion_names()}
    unit = f", {card.unit}" if card.unit else ""
    of = "mono = 1" if card.sees_mono else f"{card.largest} = 1"
    rows = [["distortion", "value", of, "the prediction is"]]
    rows += [
        [name, cell(card, name), "-" if (share := shares[name]) is None else number(share), description_of(name)]
        for name in distortion_names()
    ]
    rests_on = f"means over {card.n} of {len(SCENES)} scenes, {card.convention}"
    head = f"{card.name}{unit}, {BETTER_OR_NOT[card.higher_is_better]}; {rests_on}"
    lines = [head, columns(rows, indent="  "), *(f"  {sentence}" for sentence in card.sentences())]
    lines += [f"  failed: {line}" for failed in card.failures.values() for line in failed]
    return "\n".join(lines)


def _readings(cards: list[Card]) -> list[str]:
    return [f"          {card.name}: {' '.join(card.sentences())}" for card in cards]
