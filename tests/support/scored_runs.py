"""Finished run directories in the format that a run leaves, with chosen scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from avspatial.evaluation.scoring.score_schema import MetricInfo, Score, Summary, json_line, write_document
from avspatial.runs.directory import create_run

FACTS = {
    "stft_distance": {"unit": "", "higher_is_better": False, "summary": "FAIR-Play's STFT distance"},
    "snr": {"unit": "dB", "higher_is_better": True, "summary": "Signal-to-noise ratio"},
    "spl_magnitude": {"unit": "", "higher_is_better": None, "summary": "Predicted over true size"},
}
CONTROLS = {"mono": 1.1, "swapped": 3.0, "reference": 0.0, "level_panned": 1.05}
"""Rows that the reference alone makes, as factors of what the reference gives."""
RECIPE = """\
schema: 1
name: {name}
seed: {seed}
data: {{use: avspatial.fairplay@1, split: {split}}}
trainer: {{use: avspatial.supervised@1, lr: {lr}}}
"""


def reference_scores(clips: int) -> np.ndarray:
    """(clips,): one number a clip, of which the control conditions are made."""
    return np.random.default_rng(1).gamma(4, 0.2, clips)


def write_scored_run(
    runs: Path,
    name: str,
    values: Mapping[str, Sequence[float] | np.ndarray],
    *,
    seed: int = 0,
    split: int | str = 1,
    lr: float = 0.001,
    per_recording: int = 2,
    clips: Sequence[str] | None = None,
    broken: Mapping[str, str] | None = None,
    own_rows: Sequence[str] = (),
    convention: str = "fairplay",
    data: str = "f00d",
    train: int | None = None,
    finished: bool = True,
    reference: np.ndarray | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Path:
    """A run with the model's `values` (clips,) by metric; {clip: error} in `broken` fails by every metric.

    own_rows: rows that the model makes. reference: what the control conditions are made of. changes: {metric: facts}.
    """
    count = len(next(iter(values.values())))
    ids = list(clips or (f"{number:06}" for number in range(count)))
    facts = {"data": data} | ({"clips": {"train": train, "val": 2, "test": count}} if train else {})
    resolved = RECIPE.format(name=name, seed=seed, split=split, lr=lr)
    at = datetime(2026, 1, 1, tzinfo=UTC).replace(second=len(list(runs.glob(f"{name}/*"))) % 60)
    run = create_run(runs, name, resolved, f"name: {name}\n", facts, at=at)
    base = reference_scores(count) if reference is None else reference
    scores = []
    for place, clip in enumerate(ids):
        head = {"clip": clip, "recording": f"recording{place // per_recording}" if per_recording > 1 else clip}
        for metric, found in values.items():
            error = (broken or {}).get(clip)
            outcome = {"error": error} if error else {"value": float(found[place])}
            scores.append(Score(condition="model", **head, metric=metric, **outcome))
            for name in (*CONTROLS, *own_rows):
                value = CONTROLS.get(name, 1.2) * float(base[place])
                scores.append(Score(condition=name, **head, metric=metric, value=value))
    stated = {
        metric: {"id": f"avspatial.{metric}", "version": "1", "settings": {}} | FACTS[metric] for metric in values
    }
    metrics = {metric: MetricInfo(**{**of, **(changes or {}).get(metric, {})}) for metric, of in stated.items()}
    failed = len(broken or {})
    summary = Summary(convention=convention, clips=count, failed=failed, metrics=metrics, conditions={})
    run.scores.write_text("".join(map(json_line, scores)))
    write_document(run.summary, summary)
    if finished:
        run.finish()
    return run.path
