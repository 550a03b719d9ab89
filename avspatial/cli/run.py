"""`avspatial run`: a recipe from data to report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avspatial.cli.table import control, counts, heading, interval, mean, on_stdout, print_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from avspatial.api.run import Finished

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def run(
    recipe: Annotated[
        str | None, typer.Argument(help="A recipe file, or the name of a shipped recipe. Not needed with --resume.")
    ] = None,
    set: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Override a key, as in trainer.lr=3e-4. Repeatable.")
    ] = None,
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Where run directories go.")] = Path("runs"),
    name: Annotated[str | None, typer.Option(metavar="N", help="The run's name, instead of the recipe's.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Go on with this run directory.")] = None,
    device: Annotated[
        str | None, typer.Option(metavar="D", help="A torch device, such as cpu or cuda:0; by default a GPU, if any.")
    ] = None,
    smoke: Annotated[bool, typer.Option(help="Take a few steps only, to see that everything is in place.")] = False,
    json: Annotated[bool, typer.Option("--json", help="End with one line of JSON: the run and its summary.")] = False,
) -> None:
    """Run a recipe: data, training, spatialized clips, scores, report."""
    from avspatial.api.run import run as run_recipe

    done = run_recipe(recipe, overrides=set or (), runs=runs, name=name, resume=resume, device=device, smoke=smoke)
    if not done.summary:
        return  # a helper process of a run on several devices
    if done.was_finished:
        print(f"{done.path} is finished already; nothing was done.", file=sys.stderr)
    if json:
        print_json({"run": str(done.path), "summary": done.summary})
    else:
        _show(done)
    if done.summary["failed"]:
        print(f"{done.summary['failed']} of {done.summary['clips']} clips failed; see the report.", file=sys.stderr)
        raise typer.Exit(1)


def _show(done: Finished) -> None:
    console = on_stdout()
    for table in fitting_tables(done.summary, console):
        console.print(table)
    print(f"Report: {done.run.report}")


def fitting_tables(summary: Mapping[str, Any], console: Console) -> list[Table]:
    """The scores as one table, or, where that is too wide, the model's and below it the control rows': a name that
    ends in dots could be any of several metrics."""
    from rich.measure import Measurement

    whole = _table(summary, model=True, controls=True)
    if Measurement.get(console, console.options.update(max_width=1000), whole).minimum <= console.width:
        return [whole]
    return [_table(summary, model=True, controls=False), _table(summary, model=False, controls=True)]


def _table(summary: Mapping[str, Any], *, model: bool, controls: bool) -> Table:
    """One line a metric: the model's mean, its 95 % interval, n and failed; the means of the control rows, each with
    its own n and failed where they differ from the model's."""
    from rich.table import Table

    title = f"{summary['clips']} clips, convention {summary['convention']}" if model else "The control rows"
    table = Table(title=title, box=None, pad_edge=False)
    rows = [row for row in summary["rows"] if row != "model"] if controls else []
    table.add_column("metric", no_wrap=True)
    for column in ("model", "95 % interval", "n", "failed") if model else ():
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        table.add_column(row if model else row.replace("_", " "), justify="right", overflow="fold")
    for metric in dict.fromkeys(metric for row in summary["rows"].values() for metric in row):
        entry = summary["rows"]["model"].get(metric)
        others = [control(summary["rows"][row].get(metric), entry) for row in rows]
        own = _own(entry) if model else ()
        if any((*own, *others)):
            table.add_row(heading(metric, summary["metrics"][metric]), *own, *others)
    return table


def _own(entry: Mapping[str, Any] | None) -> tuple[str, ...]:
    return ("", "", "", "") if entry is None else (mean(entry), interval(entry), *counts(entry))
