"""Options that several commands have, and names separated by commas."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from avspatial.text import split_names


class Names(tuple[str, ...]):
    """Names from one option, as in `--metrics snr,stft_distance`."""


def names(text: str) -> Names:
    """Split at commas; blanks around a name and empty names are dropped."""
    return Names(split_names(text))


AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON.")]
Jobs = Annotated[int | None, typer.Option(metavar="N", min=1, help="Clips at once [default: all cores].")]


def refuse_missing_model(model: str) -> None:
    """Refuse a name that stands for nothing before torch is imported, which takes seconds; errors as `load`."""
    from avspatial.recipe.catalogue import locate, shipped
    from avspatial.runs import open_run

    path = Path(model)
    if path.suffix in {".yaml", ".yml"}:
        locate(model)
    elif path.suffix != ".safetensors" and not path.exists() and model not in {recipe.name for recipe in shipped()}:
        open_run(path)
