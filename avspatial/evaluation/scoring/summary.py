"""From scores to a summary; the scoring of a run directory.

Every mean says how many clips it is over (`n`) and how many failed; `clips - n - failed` clips hold nothing to
measure (no lateral source, no true angles). There is no interval if one recording is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from importlib import metadata

from avspatial.atomic import write_text
from avspatial.cores import usable_cores
from avspatial.evaluation.scoring.accumulator import Accumulator
from avspatial.evaluation.scoring.clip_scores import ClipScores, NamedMetric, metric_info
from avspatial.evaluation.scoring.controls import CONTROLS, MIRRORED, SEEN
from avspatial.evaluation.scoring.file_pairs import FilePair
from avspatial.evaluation.scoring.score_files import in_order, score_files
from avspatial.evaluation.scoring.score_schema import (
    Interval,
    MetricInfo,
    Summary,
    json_line,
    write_document,
)
from avspatial.evaluation.statistics.bootstrap import DRAWS, LEVEL, SEED
from avspatial.interfaces import Clip, Convention, Progress
from avspatial.runs.directory import Run
from avspatial.runs.outputs import PREDICTED, REFERENCE
from avspatial.version import __version__

FLIP = "flip_consistency"
FLIP_INFO = MetricInfo(
    id=FLIP,
    version="1",
    settings={},
    higher_is_better=True,
    summary="Correlation of the level curve with minus that of the mirrored video, over all clips",
)
INTERVAL = Interval(method="cluster bootstrap over recordings", level=LEVEL, draws=DRAWS, seed=SEED)


def versions() -> dict[str, str]:
    """The versions that every number depends on: of avspatial and of the resampler."""
    return {"avspatial": __version__, "soxr": metadata.version("soxr")}


def summarize(accumulator: Accumulator, metrics: Sequence[NamedMetric], convention: Convention) -> Summary:
    """Return the summary of the clips that were added to an accumulator."""
    conditions, flip = accumulator.means()
    info = metric_info(metrics)
    if MIRRORED in conditions:
        conditions[MIRRORED][FLIP] = flip
        info[FLIP] = FLIP_INFO
    return Summary(
        convention=convention.name,
        versions=versions(),
        clips=accumulator.clips,
        failed=accumulator.failed,
        metrics=info,
        conditions=conditions,
        interval=INTERVAL,
    )


def evaluate_run(
    run: Run,
    clips: Sequence[Clip],
    metrics: Sequence[NamedMetric],
    convention: Convention,
    progress: Progress,
    failures: Mapping[str, str] | None = None,
    jobs: int | None = None,
) -> Summary:
    """Score the saved audio of a run directory; write its `scores.jsonl` and `summary.json`, each completely or not.

    run: the directory, with outputs/<clip>/ and, where the run made them, controls/<condition>/<clip>/. failures:
    clips that could not be spatialized, by id, with the reason; they count as failed in every condition. jobs: threads
    (default: the usable cores); they change no number. Raises OSError if the files cannot be written.
    """
    failures = failures or {}
    made = [condition for condition in SEEN if (run.controls / condition).is_dir()]

    def score(clip: Clip) -> ClipScores:
        folder, failure = run.outputs / clip.id, failures.get(clip.id)
        pair = FilePair(clip.id, folder / PREDICTED, folder / REFERENCE, clip.recording, clip.truth)
        others = {name: run.controls / name / clip.id / PREDICTED for name in made}
        return score_files(pair, metrics, convention, controls=tuple(CONTROLS), others=others, failure=failure)

    accumulator = Accumulator(clip.recording for clip in clips)
    lines: list[str] = []
    with closing(in_order(clips, score, jobs or usable_cores(), progress)) as results:
        for scored in results:
            accumulator.add(scored)
            lines += map(json_line, scored.scores)
    summary = summarize(accumulator, metrics, convention)
    write_text(run.scores, "".join(lines))
    write_document(run.summary, summary)
    return summary
