"""List, show and check metrics, and measure which errors each one detects."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.cli.options import AsJson
from avspatial.cli.table import columns, component_text, print_json, print_results
from avspatial.errors import PluginError
from avspatial.registry import Entry, Failure, Registry, discover
from avspatial.text import counted

if TYPE_CHECKING:
    from avspatial.evaluation.cards.card import Card
    from avspatial.testing.results import Result

app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    no_args_is_help=True,
    help=__doc__,
)
_BETTER = {True: "higher", False: "lower", None: "-"}
_AUDIO = {True: "normalised", False: "as it is"}
_AUDIO_LONG = {True: "resampled and normalised by the convention", False: "resampled, otherwise as it is"}
Name = Annotated[str, typer.Argument(metavar="NAME", help="A metric: `plugin.component` or its short form.")]
ConventionName = Annotated[str, typer.Option(metavar="NAME", help="Convention of the measurement.")]


@app.command("list")
def list_metrics(as_json: AsJson = False) -> None:
    """List all metrics.

    One line for each number: version, unit, which direction is better, whether the convention's normalisation applies,
    whether it needs true angles.
    """
    registry = discover()
    numbers = [number for entry in registry.entries("metric") for number in _numbers(entry)]
    registry.report_failures()
    if as_json:
        print_json({"metrics": numbers})
        return
    rows = [["metric", "version", "unit", "better", "audio", "needs", "about"]]
    rows += [
        [
            number["name"],
            number["version"],
            number["unit"] or "-",
            _BETTER[number["higher_is_better"]],
            _AUDIO[number["normalized"]],
            "angles" if number["requires_source_angles"] else "-",
            number["summary"],
        ]
        for number in numbers
    ]
    print(columns(rows))


@app.command("show")
def show(name: Name, convention: ConventionName = "fairplay", as_json: AsJson = False) -> None:
    """Show a metric and measure its card.

    The definition and settings, then the card: the scores of known errors. Takes seconds.
    """
    from avspatial.progress import show_on_stderr
    from avspatial.testing.card_check import metric_cards

    registry = discover()
    entry = registry.get("metric", name)
    target = entry.target_class()
    cards = metric_cards(entry.id, convention=convention, registry=registry, progress=show_on_stderr)
    if as_json:
        shown: dict[str, Any] = {"id": entry.id, "version": entry.version, "summary": entry.component.summary}
        shown |= {"definition": _definition(target), "cards": {card.name: card.to_dict() for card in cards}}
        print_json(shown)
        return
    print("\n\n".join([_about(entry, target), *map(_card, cards)]))


@app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Metrics [default: all].")] = None,
    convention: ConventionName = "fairplay",
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the cards as a Markdown page, like docs/metric_cards.md.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check metrics and measure their cards.

    Runs the conformance checks, as `plugins check` does; exit 1 if one fails.
    """
    registry = discover()
    entries = [registry.get("metric", name) for name in names] if names else registry.entries("metric")
    if not names:
        registry.report_failures()
    results: list[Result] = []
    cards: list[Card] = []
    for result, measured in _run_checks(entries, registry, convention):
        results.append(result)
        cards += measured
        if not as_json:
            lines = [f"          {card.name}: {' '.join(card.sentences())}" for card in measured]
            print("\n".join([str(result), *lines]), flush=True)
    if markdown is not None:
        from avspatial.atomic import write_text
        from avspatial.report.metric_cards import page

        write_text(markdown, page(cards))
    if print_results(results, as_json, cards={card.name: card.to_dict() for card in cards}):
        raise typer.Exit(1)


def _run_checks(entries: list[Entry], registry: Registry, convention: str) -> Iterator[tuple[Result, list[Card]]]:
    """The conformance checks of each metric, then its card, unless it cannot be constructed."""
    from avspatial.evaluation.cards.test_cases import make_test_cases
    from avspatial.metrics import conventions
    from avspatial.progress import show_on_stderr
    from avspatial.testing.card_check import check_card
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


def _numbers(entry: Entry) -> list[dict[str, Any]]:
    """The declaration of each number of a metric; none, and a warning, if its code cannot be imported."""
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
    rows = [
        ("version", entry.version),
        ("about", entry.component.summary),
        ("audio", _AUDIO_LONG[target.normalized]),
        ("needs", "true angles" if target.requires_source_angles else "prediction and reference"),
        ("code", entry.component.target),
    ]
    definition = "\n".join(f"    {line}".rstrip() for line in _definition(target).splitlines())
    return "\n".join([component_text(entry, rows), "  definition", definition])


def _definition(target: Any) -> str:
    """The docstrings of the metric, of the functions in its module named like its numbers, and of the module."""
    module = sys.modules[target.__module__]
    functions = [getattr(module, name, None) for name in target.names]
    texts = [target.__doc__, *(f.__doc__ for f in functions if inspect.isfunction(f)), module.__doc__]
    return "\n\n".join(inspect.cleandoc(text) for text in texts if text)


def _card(card: Card) -> str:
    from avspatial.evaluation.cards.test_cases import SCENES, description_of, distortion_names
    from avspatial.report.metric_cards import cell, short_number
    from avspatial.report.parts.numbers import DIRECTION

    unit = f", {card.info.unit}" if card.info.unit else ""
    of = "mono = 1" if card.sees_mono else f"{card.largest} = 1"
    rows = [["distortion", "value", of, "the prediction is"]]
    rows += [
        [name, cell(card, name), short_number(card.share(name)), description_of(name)] for name in distortion_names()
    ]
    scenes = f"means over {card.n} of {counted(len(SCENES), 'scene')}, {card.convention}"
    head = f"{card.name}{unit}, {DIRECTION[card.info.higher_is_better][1]}; {scenes}"
    lines = [head, columns(rows, indent="  "), *(f"  {sentence}" for sentence in card.sentences())]
    lines += [f"  failed: {line}" for failed in card.failures.values() for line in failed]
    return "\n".join(lines)
