"""Damaged media files, spatialized in a child process: where a decoder crashes, it takes only the child with it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import avspatial
from avspatial.api.load import Trained, load_trained
from avspatial.media.audio_stream import AudioReader
from avspatial.progress import no_display


@cache
def _model(path: Path) -> Trained:
    return load_trained(path, "cpu")


def faults(source: Path, model: Path, options: dict[str, Any]) -> str:
    """Spatialize a damaged file -> what is wrong with how that went, "" if nothing."""
    before = set(source.parent.iterdir())
    (result,) = avspatial.spatialize(source, _model(model), progress=no_display, **options).results
    faults = []
    if result.state == "failed":
        if str(source) not in result.error and str(result.out) not in result.error:
            faults.append("the error does not name the file")
    else:
        assert result.done is not None
        samples = sum(block.shape[1] for block in AudioReader(result.out).blocks())
        if samples != round(result.done.seconds * result.done.rate):
            faults.append(f"the output has {samples} samples, {result.done.seconds * result.done.rate} are reported")
        result.out.unlink()
    if set(source.parent.iterdir()) != before:
        faults.append("files are left")
    return " and ".join([*faults, result.error]) if faults else ""
