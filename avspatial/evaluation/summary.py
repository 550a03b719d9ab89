"""From clips to a table: `scores.jsonl` and `summary.json`.

Every mean says how many clips it is over (`n`) and how many failed; `clips - n - failed` clips hold nothing to
measure (no lateral source, no true angles). An interval is `[null, null]` where one recording is all there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from avspatial.evaluation.controls import MIRRORED, SEEN
from avspatial.evaluation.scores import ClipScores, NamedMetric
from avspatial.evaluation.scoring import in_order, score_clip
from avspatial.evaluation.statistics import DRAWS, LEVEL, SEED, interval, pooled_correlation, ratio, resample
from avspatial.interfaces import Clip, Convention, Progress
from avspatial.runs.directory import Run
from avspatial.runs.whole import write_text

FLIP = "flip_consistency"
FLIP_FACTS = {
    "id": FLIP,
    "version": "1",
    "settings": {},
    "unit": "",
    "higher_is_better": True,
    "summary": "Correlation of the level curve with minus that of the mirrored video, over all clips",
}


def _entry(mean: float, replicates: np.ndarray, recordings: int, n: int, failed: int) -> dict[str, Any]:
    bounds = interval(replicates, recordings) if n else None
    return {
        "mean": float(mean) if np.isfinite(mean) else None,
        "ci95": list(bounds) if bounds else [None, None],
        "n": n,
        "failed": failed,
    }


def _tables(clips: Sequence[Clip], scored: Sequence[ClipScores]) -> tuple[dict[tuple[str, str], np.ndarray], Any]:
    """{(row, metric): (recordings, 3) sums of value, n, failed}, and (recordings, 6) flip moments."""
    place = {recording: number for number, recording in enumerate(dict.fromkeys(clip.recording for clip in clips))}
    sums: dict[tuple[str, str], np.ndarray] = {}
    flips = np.zeros((len(place), 6))
    for clip, result in zip(clips, scored, strict=True):
        for score in result.scores:
            table = sums.setdefault((score.row, score.metric), np.zeros((len(place), 3)))
            table[place[clip.recording]] += (score.value or 0.0, score.value is not None, score.error is not None)
        if result.flip is not None:
            flips[place[clip.recording]] += result.flip
    return sums, flips


def summarize(
    clips: Sequence[Clip], scored: Sequence[ClipScores], metrics: Sequence[NamedMetric], convention: Convention
) -> dict[str, Any]:
    """The contents of `summary.json`: plain, finite numbers and None."""
    sums, flips = _tables(clips, scored)
    keys = list(sums)
    drawn = resample(np.concatenate([*(sums[key][:, :2] for key in keys), flips], axis=1)) if keys else np.zeros((1, 6))
    rows: dict[str, dict[str, Any]] = {}
    for number, (row, metric) in enumerate(keys):
        total, n, failed = sums[row, metric].sum(0)
        means = ratio(drawn[:, 2 * number], drawn[:, 2 * number + 1])
        recordings = int((sums[row, metric][:, 1] > 0).sum())
        mean = total / n if n else np.nan
        rows.setdefault(row, {})[metric] = _entry(mean, means, recordings, int(n), int(failed))
    facts = {name: _facts(named, name) for named in metrics for name in named.metric.names}
    if MIRRORED in rows:
        moments = [result.flip for result in scored if result.flip is not None]
        rows[MIRRORED][FLIP] = _entry(
            float(pooled_correlation(flips.sum(0))),
            pooled_correlation(drawn[:, -6:]),
            int((flips[:, 0] > 0).sum()),
            sum(bool(moment[0]) for moment in moments),
            len(scored) - len(moments),
        )
        facts[FLIP] = FLIP_FACTS
    return {
        "convention": convention.name,
        "clips": len(clips),
        "failed": sum(result.failed for result in scored),
        "rows": rows,
        "metrics": facts,
        "interval": {"method": "cluster bootstrap over recordings", "level": LEVEL, "draws": DRAWS, "seed": SEED},
    }


def _facts(named: NamedMetric, name: str) -> dict[str, Any]:
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
    jobs: int = 2,
) -> dict[str, Any]:
    """Score the saved sounds of a run directory; write its `scores.jsonl` and `summary.json`, whole; return the latter.

    run: the directory, with outputs/<clip>/ and, where the run made them, controls/<row>/<clip>/. failures: clips that
    could not be spatialized, by id, with the reason; they count as failed in every row. jobs: threads; they change no
    number. Raises OSError if the files cannot be written.
    """
    failures = failures or {}
    made = [row for row in SEEN if (run.controls / row).is_dir()]

    def score(clip: Clip) -> ClipScores:
        return score_clip(run, clip, metrics, convention, made, failures.get(clip.id))

    scored = list(in_order(clips, score, jobs, progress))
    summary = summarize(clips, scored, metrics, convention)
    write_text(run.scores, score_lines(scored))
    write_text(run.summary, json.dumps(summary, indent=1, allow_nan=False, ensure_ascii=False) + "\n")
    return summary
