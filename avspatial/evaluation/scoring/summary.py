"""From clips to a table: `scores.jsonl` and `summary.json`.

Every mean says how many clips it is over (`n`) and how many failed; `clips - n - failed` clips hold nothing to
measure (no lateral source, no true angles). An interval is `[null, null]` where one recording is all there is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from avspatial.atomic import write_text
from avspatial.cores import usable_cores
from avspatial.evaluation.scoring.accumulator import Accumulator, without_sd
from avspatial.evaluation.scoring.clip_scores import ClipScores, NamedMetric
from avspatial.evaluation.scoring.controls import MIRRORED, SEEN
from avspatial.evaluation.scoring.score_files import in_order, score_clip
from avspatial.evaluation.statistics.bootstrap import DRAWS, LEVEL, SEED
from avspatial.interfaces import Clip, Convention, Progress
from avspatial.runs.directory import Run

FLIP = "flip_consistency"
FLIP_FACTS = {
    "id": FLIP,
    "version": "1",
    "settings": {},
    "unit": "",
    "higher_is_better": True,
    "summary": "Correlation of the level curve with minus that of the mirrored video, over all clips",
}


def summarize(
    clips: Sequence[Clip], scored: Iterable[ClipScores], metrics: Sequence[NamedMetric], convention: Convention
) -> dict[str, Any]:
    """The contents of `summary.json`: plain, finite numbers and None."""
    tally = Accumulator(clip.recording for clip in clips)
    for result in scored:
        tally.add(result)
    entries, flip = tally.entries()
    rows = {row: without_sd(made) for row, made in entries.items()}
    facts = {name: metric_info(named, name) for named in metrics for name in named.metric.names}
    if MIRRORED in rows:
        rows[MIRRORED][FLIP] = flip
        facts[FLIP] = FLIP_FACTS
    return {
        "convention": convention.name,
        "clips": tally.clips,
        "failed": tally.failed,
        "rows": rows,
        "metrics": facts,
        "interval": {"method": "cluster bootstrap over recordings", "level": LEVEL, "draws": DRAWS, "seed": SEED},
    }


def metric_info(named: NamedMetric, name: str) -> dict[str, Any]:
    """What a number by this metric must be called: id, version, settings, unit, direction, in words."""
    metric = named.metric
    return {
        "id": named.id,
        "version": named.version,
        "settings": dict(named.settings),
        "unit": metric.unit[name],
        "higher_is_better": metric.higher_is_better[name],
        "summary": (type(metric).__doc__ or "").strip().splitlines()[0] if type(metric).__doc__ else "",
    }


def score_lines(scored: Sequence[ClipScores]) -> str:
    """The contents of `scores.jsonl`: one line a row, clip and metric."""
    lines = (score.line() for result in scored for score in result.scores)
    return "".join(json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n" for line in lines)


def evaluate_run(
    run: Run,
    clips: Sequence[Clip],
    metrics: Sequence[NamedMetric],
    convention: Convention,
    progress: Progress,
    failures: Mapping[str, str] | None = None,
    jobs: int | None = None,
) -> dict[str, Any]:
    """Score the saved sounds of a run directory; write its `scores.jsonl` and `summary.json`, whole; return the latter.

    run: the directory, with outputs/<clip>/ and, where the run made them, controls/<row>/<clip>/. failures: clips that
    could not be spatialized, by id, with the reason; they count as failed in every row. jobs: threads
    (default: the usable cores); they change no number. Raises OSError if the files cannot be written.
    """
    failures = failures or {}
    made = [row for row in SEEN if (run.controls / row).is_dir()]

    def score(clip: Clip) -> ClipScores:
        return score_clip(run, clip, metrics, convention, made, failures.get(clip.id))

    scored = list(in_order(clips, score, jobs or usable_cores(), progress))
    summary = summarize(clips, scored, metrics, convention)
    write_text(run.scores, score_lines(scored))
    write_text(run.summary, json.dumps(summary, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return summary
