"""Run a recipe: data, training, inference, scores, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avspatial.cli.table import on_stdout, print_json, score_tables
from avspatial.recipe.catalogue import locate
from avspatial.runs import open_run
from avspatial.text import counted

if TYPE_CHECKING:
    from avspatial.evaluation.scoring.score_schema import Summary
    from avspatial.runs.directory import Run

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def run(
    recipe: Annotated[
        str | None,
        typer.Argument(
            metavar="RECIPE", help="A recipe file, or the name of a shipped recipe. Not needed with --resume."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Override a key, as in trainer.lr=3e-4. Repeatable."),
    ] = None,
    runs: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which the run directory is created.")] = Path(
        "runs"
    ),
    name: Annotated[str | None, typer.Option(metavar="N", help="The run's name, instead of the recipe's.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN", help="Resume this run.")] = None,
    device: Annotated[
        str | None,
        typer.Option(metavar="D", help="A torch device, such as cpu or cuda:0 [default: a GPU if there is one]."),
    ] = None,
    smoke: Annotated[bool, typer.Option(help="Run only a few steps, to check the set-up.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON: the run and its summary.")] = False,
) -> None:
    """Run a recipe: data, training, spatialized clips, scores, report."""
    if resume is not None:
        open_run(resume)
    if recipe is not None:
        locate(recipe)
    from avspatial.api.run import run as run_recipe  # torch and all networks: seconds, which an error should not take

    done = run_recipe(recipe, overrides=set_ or (), runs=runs, name=name, resume=resume, device=device, smoke=smoke)
    summary = done.summary
    if summary is None:
        return  # a helper process of a run on several devices
    if done.was_finished:
        print(f"{done.path} is finished already; nothing was done.", file=sys.stderr)
    if as_json:
        print_json({"run": str(done.path), "summary": summary.to_dict()})
    else:
        _show(done.run, summary)
    if summary.failed:
        print(f"{summary.failed} of {counted(summary.clips, 'clip')} failed; see the report.", file=sys.stderr)
        raise typer.Exit(1)


def _show(run: Run, summary: Summary) -> None:
    console = on_stdout()
    for table in score_tables(summary, console):
        console.print(table)
    print(f"Report: {run.report}")
