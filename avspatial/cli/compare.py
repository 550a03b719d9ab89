"""Compare systems on the same clips, with confidence intervals and tests."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from avspatial.cli.options import AsJson, Names, names
from avspatial.cli.table import on_stdout, print_json
from avspatial.errors import RunError
from avspatial.text import counted

if TYPE_CHECKING:
    from avspatial.evaluation.comparison.compare import Comparison
    from avspatial.evaluation.comparison.requirements import Answer

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Systems = Annotated[
    list[str],
    typer.Argument(metavar="SYSTEM", help="Run directories, folders of runs, saved evaluations, outputs, or recipes."),
]
Baseline = Annotated[
    str | None, typer.Option(metavar="SYSTEM", help="Compare all others with this one [default: compare all pairs].")
]
Metrics = Annotated[
    Names | None,
    typer.Option(parser=names, metavar="NAME,NAME", help="Metrics to compare [default: all shared ones]."),
]
Reference = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Outputs: the references, if they are not next to them.")
]
Seeds = Annotated[int | None, typer.Option(metavar="N", min=1, help="Recipes: number of training seeds each.")]
Splits = Annotated[
    str | None,
    typer.Option(metavar="1-10", help="Recipes: splits to run each on, as in 1-10 or 1,3 or ytmusic/1,ytmusic/2."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Recipes: override a key of every recipe. Repeatable."),
]
Smoke = Annotated[bool, typer.Option(help="Recipes: run only a few steps, to check the set-up.")]
Device = Annotated[str | None, typer.Option(metavar="D", help="Recipes: the torch device to run on.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", min=1, help="Outputs: clips at once [default: all cores].")]
Require = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STATEMENT",
        help='Exit with 1 unless this is established, as in "model.snr > baseline". Repeatable.',
    ),
]
Runs = Annotated[Path, typer.Option(metavar="DIR", help="Where the runs of recipes are.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown tables.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV, one line per metric and system or pair.")]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a page with plots and audio, one file.")]
Clips = Annotated[
    int, typer.Option(metavar="N", min=0, help="Number of clips on the page, alternating best and worst.")
]
By = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC", help="The page: metric that orders the clips [default: the first with a direction]."
    ),
]


@app.command()
def compare(
    systems: Systems,
    baseline: Baseline = None,
    metrics: Metrics = None,
    reference: Reference = None,
    seeds: Seeds = None,
    splits: Splits = None,
    set_: Set = None,
    smoke: Smoke = False,
    device: Device = None,
    jobs: Jobs = None,
    require: Require = None,
    runs: Runs = Path("runs"),
    as_json: AsJson = False,
    markdown: Markdown = False,
    csv: Csv = False,
    html: Html = None,
    clips: Clips = 6,
    by: By = None,
) -> None:
    """Compare systems on the same clips, with confidence intervals and tests."""
    if as_json + markdown + csv > 1:
        raise RunError("--json, --markdown and --csv exclude each other", fix="Give one of them.")
    from avspatial.evaluation.comparison.requirements import answer, parse_statement

    required = [parse_statement(text) for text in require or ()]  # refuse a misspelled one before any run begins
    from avspatial.api.compare import compare as compare_named

    comparison = compare_named(
        systems,
        baseline=baseline,
        metrics=metrics or (),
        seeds=seeds,
        splits=_splits(splits) if splits else (),
        runs=runs,
        overrides=set_ or (),
        smoke=smoke,
        device=device,
        reference=reference,
        jobs=jobs,
    )
    if html is not None:
        _write_page(comparison, html, clips, by)
    answered = [answer(comparison, statement) for statement in required]
    form = "json" if as_json else "markdown" if markdown else "csv" if csv else ""
    _print(comparison, form, answered)
    _tell(comparison, answered, sys.stderr if form else sys.stdout)
    if not all(answer.holds for answer in answered):
        raise typer.Exit(1)


def _write_page(comparison: Comparison, html: Path, clips: int, metric: str | None) -> None:
    from avspatial.report.comparison.page import write_comparison

    write_comparison(comparison, html, clips=clips, metric=metric)
    print(f"Page: {html}", file=sys.stderr)


def _tell(comparison: Comparison, answered: Sequence[Answer], stream: TextIO) -> None:
    """What failed, on stderr; then the answers to `--require`."""
    for name, count in comparison.failed().items():
        print(
            f"{count} of {counted(len(comparison.clips), 'clip')} of {name} failed; the pairs are without them.",
            file=sys.stderr,
        )
    for answer in answered:
        print(answer, file=stream)


def _splits(text: str) -> list[str]:
    """`1-10`, `1,3`, `clean1`, or several with commas -> the splits one by one."""
    splits: list[str] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        if dash and first.isdigit() and last.isdigit():
            if int(last) < int(first):
                raise RunError(f"{part} counts down", where="--splits", fix="Give the lower number first, as in 1-10.")
            splits += [str(number) for number in range(int(first), int(last) + 1)]
        else:
            splits.append(part)
    if not splits or len(splits) != len({*splits}):
        raise RunError(f"{text!r} names no split, or one twice", where="--splits", fix="Give them as in 1-10 or 1,3.")
    return splits


def _print(comparison: Comparison, form: str, answered: Sequence[Answer]) -> None:
    from avspatial.report.comparison import tables

    if form == "json":
        required = [{"statement": answer.text, "holds": answer.holds, "why": answer.why} for answer in answered]
        print_json(comparison.to_dict() | ({"required": required} if required else {}))
    elif form == "markdown":
        print(tables.as_markdown(comparison), end="")
    elif form == "csv":
        print(tables.as_csv(comparison), end="")
    else:
        _show(comparison)


def _show(comparison: Comparison) -> None:
    from rich.table import Table
    from rich.text import Text

    from avspatial.report.comparison.tables import fitting, legend, tables

    console = on_stdout(width=1000)
    for system in comparison.systems:
        print(f"{system.name}: {system.origin}" + (f" ({len(system.runs)} runs)" if len(system.runs) > 1 else ""))
    for wide in tables(comparison):
        for piece in fitting(wide, console.width):
            table = Table(box=None, pad_edge=False)
            for at, column in enumerate(piece.columns):
                table.add_column(Text(column.heading), justify="right" if at else "left", no_wrap=True)
            for row in piece.rows:
                table.add_row(*map(Text, row))
            console.print()
            console.print(Text(piece.title, style="bold"))
            console.print(table)
    console.print()
    for note in (legend(comparison), *comparison.notes):
        console.print(note, markup=False, highlight=False, soft_wrap=not sys.stdout.isatty())
