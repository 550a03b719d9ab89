"""Create an HTML preview of a binaural file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from avspatial.atomic import refuse_existing
from avspatial.cli.table import print_json
from avspatial.errors import MediaError

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def preview(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A video or audio file with stereo audio.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="PAGE", help="Page to write [default: NAME_preview.html].")
    ] = None,
    vtt: Annotated[
        Path | None, typer.Option(metavar="FILE.vtt", help="Also write azimuths, one per half second, as WebVTT.")
    ] = None,
    original: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file it was made from, as another track on the page.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Overwrite existing files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the measurements as one line of JSON.")] = False,
) -> None:
    """Create an HTML page with players, direction over time, loudness and true peak of a binaural file."""
    page = out or file.with_name(f"{file.stem}_preview.html")
    _refuse_targets([page] if vtt is None else [page, vtt], [file] if original is None else [file, original], force)
    from avspatial.atomic import write_text
    from avspatial.media.webvtt import vtt as vtt_text
    from avspatial.report.preview.measure import measure
    from avspatial.report.preview.page import preview_page

    measured = measure(file)
    compared = None if original is None else (original, measure(original, stereo=False))
    write_text(page, preview_page(file, measured, compared))
    if vtt is not None:
        write_text(vtt, vtt_text(measured.directions))
    peak = measured.peak if math.isfinite(measured.peak) else None
    levels = {"seconds": measured.seconds, "rate": measured.rate, "loudness": measured.loudness, "peak": peak}
    written = {"page": str(page), "vtt": None if vtt is None else str(vtt)}
    if as_json:
        print_json({"file": str(file), **written, **levels, **measured.summary()})
    else:
        print("\n".join(path for path in written.values() if path))


def _refuse_targets(targets: list[Path], inputs: list[Path], force: bool) -> None:
    """Refuse a file that exists unless forced, and always one that is an input or named twice."""
    taken = {path.resolve() for path in inputs}
    for target in targets:
        if target.resolve() in taken:
            fix = "Give the page and the cues different names."
            raise MediaError("this command already reads or writes this file", where=target, fix=fix)
        refuse_existing(target, force, fix="Give another name, or --force.")
        taken.add(target.resolve())
