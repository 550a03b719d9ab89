"""`avspatial preview`: a page to hear and see a binaural file by, and its directions as WebVTT."""

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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A video or sound file with stereo sound.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="PAGE", help="The page to make; NAME_preview.html by default.")
    ] = None,
    vtt: Annotated[
        Path | None, typer.Option(metavar="FILE.vtt", help="Write the azimuth of every half second as WebVTT cues too.")
    ] = None,
    original: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file it was made from, to be heard beside it.")
    ] = None,
    force: Annotated[bool, typer.Option(help="Write over files that exist.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what was measured as one line of JSON.")] = False,
) -> None:
    """Make a page with players, the direction over time, loudness and true peak of a binaural file."""
    page = out or file.with_name(f"{file.stem}_preview.html")
    _refuse_targets([page] if vtt is None else [page, vtt], [file] if original is None else [file, original], force)
    from avspatial.atomic import write_text
    from avspatial.media.webvtt import vtt as vtt_text
    from avspatial.report.preview.measure import measure
    from avspatial.report.preview.page import preview_page

    measured = measure(file)
    beside = None if original is None else (original, measure(original, stereo=False))
    write_text(page, preview_page(file, measured, beside))
    if vtt is not None:
        write_text(vtt, vtt_text(measured.directions))
    peak = measured.peak if math.isfinite(measured.peak) else None
    said = {"seconds": measured.seconds, "rate": measured.rate, "loudness": measured.loudness, "peak": peak}
    written = {"page": str(page), "vtt": None if vtt is None else str(vtt)}
    if json:
        whole = {"file": str(file), **written, **said, **measured.summary()}
        print_json(whole)
    else:
        print("\n".join(path for path in written.values() if path))


def _refuse_targets(targets: list[Path], inputs: list[Path], force: bool) -> None:
    """Refuse a file that exists unless forced, and always one that is an input or named twice."""
    taken = {path.resolve() for path in inputs}
    for target in targets:
        if target.resolve() in taken:
            what = "is read or written already by this very command"
            raise MediaError(what, where=target, fix="Give the page and the cues names of their own.")
        refuse_existing(target, force, fix="Give another name, or --force.")
        taken.add(target.resolve())
