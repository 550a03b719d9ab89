"""Which clips the page shows: the best, the median and the worst by one metric, or those asked for."""

from __future__ import annotations

from collections.abc import Sequence

from avspatial.errors import RunError
from avspatial.folders import files_below
from avspatial.report.run.record import Record
from avspatial.report.run.table import metric_names
from avspatial.runs.outputs import MONO, PREDICTED, REFERENCE
from avspatial.text import listed

_FIRST_CHOICE = "stft_distance"


def saved_clips(record: Record) -> list[str]:
    """Clips whose three audio files are in the run directory; an id with `/` is a folder in folders."""
    outputs, needed = record.run.outputs, (PREDICTED, REFERENCE, MONO)
    files = files_below(outputs, lambda path: path.name == PREDICTED) if outputs.is_dir() else []
    folders = [file.parent for file in files if all((file.parent / name).is_file() for name in needed)]
    return [folder.relative_to(outputs).as_posix() for folder in folders]


def _ordering(record: Record) -> tuple[str, bool] | None:
    """The metric that orders clips, and whether higher is better: the STFT distance, or the first with a direction."""
    names = sorted(metric_names(record.summary), key=lambda name: name != _FIRST_CHOICE)
    directions = {name: record.summary.metrics[name].higher_is_better for name in names}
    return next(((name, higher) for name, higher in directions.items() if higher is not None), None)


def choose_clips(record: Record, wanted: Sequence[str] = ()) -> dict[str, str]:
    """{clip: why it is shown}, best first; RunError for an id that has no outputs in this run."""
    saved = saved_clips(record)
    for clip in wanted:
        if clip not in saved:
            fix = f"Clips with outputs: {listed(saved, 8)}"
            raise RunError(f"no outputs of clip {clip!r}", where=record.run.path, fix=fix)
    if wanted:
        return dict.fromkeys(wanted, "chosen by id")
    order = _ordering(record)
    values = record.values("model", order[0]) if order else {}
    scored = [clip for clip in saved if clip in values]
    if not order or not scored:
        return dict.fromkeys(saved[:3], "first in order")
    ranked = sorted(scored, key=lambda clip: ((-1 if order[1] else 1) * values[clip], clip))
    places = {"best": 0, "median": (len(ranked) - 1) // 2, "worst": len(ranked) - 1}
    chosen: dict[str, str] = {}
    for word, place in places.items():
        chosen.setdefault(ranked[place], f"{word} by {order[0]}" if len(ranked) > 1 else "the only clip")
    return chosen
