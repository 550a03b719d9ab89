"""Score saved predictions: folders, a CSV of file pairs, a run directory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avspatial.cli.options import AsJson, Jobs, Names, names
from avspatial.cli.table import on_stdout, print_json, score_tables
from avspatial.text import counted

if TYPE_CHECKING:
    from avspatial.api.evaluate import Evaluation

SHOWN = 10
"""Failed clips and notes that are listed one by one."""

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Outputs = Annotated[
    Path,
    typer.Argument(
        metavar="OUTPUTS",
        help="Folders <clip>/predicted_binaural.* with input_binaural.*; a folder of predictions, with "
        "--reference; a csv of pairs (columns prediction,reference[,clip][,recording]); or a run directory. "
        "wav, flac or video files.",
    ),
]
Reference = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The references, named as the predictions; suffixes may differ.")
]
Convention = Annotated[
    str | None, typer.Option(metavar="NAME", help="The convention [default: the run's, else fairplay].")
]
Metrics = Annotated[
    Names | None,
    typer.Option(parser=names, metavar="NAME,NAME", help="Metrics [default: the run's, else FAIR-Play's and SPL's]."),
]
Scenes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The true angles: a scenes.jsonl of simulated data, or a csv (clip,azimuth[,time][,energy]).",
    ),
]
Trim = Annotated[bool, typer.Option("--trim", help="Cut the longer file of a pair; without it, such a pair fails.")]
Controls = Annotated[
    Names | None,
    typer.Option(
        parser=names,
        metavar="NAME,NAME",
        help="Control conditions: all, none, or names among mono,swapped,reference,level_panned; each takes as long as "
        "the predictions [default: mono for the table, none with --json].",
    ),
]
Save = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Save scores.jsonl and summary.json there; an interrupted evaluation is resumed."),
]


@app.command()
def evaluate(
    outputs: Outputs,
    reference: Reference = None,
    convention: Convention = None,
    metrics: Metrics = None,
    scenes: Scenes = None,
    jobs: Jobs = None,
    trim: Trim = False,
    controls: Controls = None,
    as_json: AsJson = False,
    save: Save = None,
) -> None:
    """Score saved predictions: folders, a CSV of file pairs, a run directory."""
    from avspatial.api.evaluate import evaluate as score

    done = score(
        outputs,
        reference=reference,
        convention=convention,
        metrics=metrics,
        scenes=scenes,
        jobs=jobs,
        trim=trim,
        controls=_controls(controls, as_json, save),
        save=save,
    )
    if as_json:
        print_json(done.summary.to_dict())
    else:
        console = on_stdout()
        for table in score_tables(done.summary, console):
            console.print(table)
    _tell(done)
    if done.failures:
        raise typer.Exit(1)


def _controls(named: Names | None, as_json: bool, save: Path | None) -> Sequence[str]:
    from avspatial.evaluation.scoring.controls import CONTROLS
    from avspatial.evaluation.scoring.score_store import saved_controls

    if named is None:
        kept = saved_controls(save) if save is not None else None
        return kept if kept is not None else () if as_json else ("mono",)
    return tuple(CONTROLS) if named == ("all",) else () if named == ("none",) else named


def _tell(done: Evaluation) -> None:
    """Notes and failed clips, on stderr."""
    for note, clips in list(done.notes.items())[:SHOWN]:
        print(f"note: {note} ({clips} of {counted(done.summary.clips, 'clip')})", file=sys.stderr)
    if len(done.notes) > SHOWN:
        print(f"note: and {counted(len(done.notes) - SHOWN, 'other note')}", file=sys.stderr)
    if not done.failures:
        return
    print(f"{len(done.failures)} of {counted(done.summary.clips, 'clip')} failed:", file=sys.stderr)
    for clip, why in done.failures[:SHOWN]:
        print(f"  {clip}: {why.splitlines()[0]}", file=sys.stderr)
    if len(done.failures) > SHOWN:
        print(f"  and {len(done.failures) - SHOWN} more (`--save DIR` keeps all of them)", file=sys.stderr)
