"""Export a run's model to one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avspatial.atomic import refuse_existing
from avspatial.cli.options import refuse_missing_model
from avspatial.errors import RunError

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run directory.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="The file to write: NAME.safetensors.")],
    force: Annotated[bool, typer.Option(help="Overwrite an existing file.")] = False,
) -> None:
    """Export a run's best model to one file, with everything that `avspatial spatialize` needs."""
    if out.suffix != ".safetensors":
        raise RunError("the name must end in .safetensors", where=out, fix=f"Give -o {out.stem}.safetensors.")
    refuse_existing(out, force)
    refuse_missing_model(run)
    from avspatial.api.load import load_trained
    from avspatial.runs.model_file import write_model_file

    write_model_file(out, load_trained(run, "cpu").to_model_file())
    print(out)
