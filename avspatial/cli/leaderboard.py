"""Build and verify a table of saved outputs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from avspatial.cli.options import AsJson, Jobs, Names, names
from avspatial.cli.table import print_json
from avspatial.text import counted
from avspatial.version import __version__

app = typer.Typer(rich_markup_mode=None, add_completion=False, no_args_is_help=True, help=__doc__)
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder with one folder of outputs per system.")]
Reference = Annotated[
    Path | None, typer.Option(metavar="DIR", help="One folder of references for all [default: next to the outputs].")
]


@app.command("build")
def build(
    folder: Folder,
    reference: Reference = None,
    convention: Annotated[str, typer.Option(metavar="NAME", help="The convention of every number.")] = "fairplay",
    metrics: Annotated[
        Names | None,
        typer.Option(parser=names, metavar="NAME,NAME", help="Metrics to compute [default: those of `evaluate`]."),
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Build a leaderboard.

    Scores every system in DIR by its files, and writes leaderboard.json and leaderboard.md into DIR.
    """
    from avspatial.api import leaderboard
    from avspatial.api.leaderboard import Choices

    named = {"metrics": metrics} if metrics else {}
    board = leaderboard.build(folder, Choices(convention, reference=reference, **named), jobs=jobs)
    if as_json:
        print_json(board.to_dict())
    else:
        print(leaderboard.markdown(board), end="")
    failed = [system for system in board.systems if system.failed]
    for system in failed:
        clip, why = next(iter(leaderboard.failures(system).items()))
        counts = f"{system.failed} of {counted(system.clips, 'clip')} of {system.name}"
        print(f"{counts} failed; first {clip}: {why}", file=sys.stderr)
    if failed:
        raise typer.Exit(1)


@app.command("verify")
def verify(folder: Folder, reference: Reference = None, jobs: Jobs = None, as_json: AsJson = False) -> None:
    """Verify a leaderboard.

    Scores the files again; exit 1 with the first difference if one number or digest differs.
    """
    from avspatial.api import leaderboard

    board, changes = leaderboard.verify(folder, reference=reference, jobs=jobs)
    before = board.versions.get("avspatial")
    if before != __version__:
        print(f"The table was measured with avspatial {before}; this is {__version__}.", file=sys.stderr)
    if as_json:
        print_json({"verified": not changes, "differences": [vars(change) for change in changes]})
    elif changes:
        more = f" ({len(changes) - 1} more; --json lists them)" if len(changes) > 1 else ""
        print(f"{changes[0]}{more}")
    else:
        print(
            f"{counted(len(board.systems), 'system')}, {counted(board.clips, 'clip')}: the table is what its files say."
        )
    if changes:
        raise typer.Exit(1)
