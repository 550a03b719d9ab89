"""`avspatial spatialize`: videos with mono sound in, the same videos with binaural sound out."""

from __future__ import annotations

import json as jsons
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from avspatial.spatializing import Result

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def spatialize(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Videos, folders of them, or globs.")],
    run: Annotated[str, typer.Option(metavar="RUN", help="A run directory, or a file from `avspatial export`.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT", help="The output's name, or a folder for all of them.")
    ] = None,
    width: Annotated[float, typer.Option(min=0, max=150, help="Per cent of the model's difference; 0 is mono.")] = 100,
    video: Annotated[
        Path | None, typer.Option(metavar="V", help="The pictures for INPUT, a single wav or flac file.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="D", help="A torch device, such as cpu or cuda:0; by default a GPU, if any.")
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Files at once.")] = 1,
    force: Annotated[bool, typer.Option(help="Write over outputs that exist.")] = False,
    keep_original: Annotated[bool, typer.Option(help="Keep the old sound as a track after the new one.")] = False,
    json: Annotated[bool, typer.Option("--json", help="End with one line of JSON: what became of every file.")] = False,
) -> None:
    """Give videos binaural sound, guided by their pictures, which are copied bit for bit."""
    from avspatial.spatializing import spatialize as work

    told = _nothing if json else _tell
    summary = work(
        inputs,
        run,
        out=out,
        video=video,
        width=width,
        device=device,
        jobs=jobs,
        force=force,
        keep_original=keep_original,
        told=told,
    )
    if json:
        print(jsons.dumps(summary.plain(), ensure_ascii=False))
    elif len(summary.results) > 1:
        print(f"{summary.count('done')} done, {summary.count('skipped')} skipped, {summary.count('failed')} failed")
    if summary.count("failed"):
        raise typer.Exit(1)


def _nothing(result: Result) -> None:
    if result.error:
        print(f"error: {result.error}", file=sys.stderr)


def _tell(result: Result) -> None:
    _nothing(result)
    if result.state == "skipped":
        print(f"{result.out} is there already; skipped.", file=sys.stderr)
    if result.done is None:
        return
    done = result.done
    print(f"{result.out}: {done.seconds:.1f} s at {done.seconds / result.took:.1f} times real time")
    level = done.level
    if level.change is None:
        print(f"  true peak {level.true_peak:.1f} dBTP, gain {level.gain:+.1f} dB; too short for a loudness")
    else:
        before, after = f"{level.loudness_before:.1f}", f"{level.loudness_after:.1f}"
        print(f"  loudness {before} -> {after} LUFS, true peak {level.true_peak:.1f} dBTP, gain {level.gain:+.1f} dB")
    for note in done.notes:
        print(f"  note: {note}")
