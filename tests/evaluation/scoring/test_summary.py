"""From the saved sounds of a run directory to scores.jsonl and summary.json."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avspatial.evaluation.scoring.clip_scores import NamedMetric
from avspatial.evaluation.scoring.controls import level_panned, mono
from avspatial.evaluation.scoring.score_schema import Mean, Summary, read_summary
from avspatial.evaluation.scoring.summary import evaluate_run
from avspatial.interfaces import Clip, Convention, Metric, Truth
from avspatial.metrics import prepare, stft_distance
from avspatial.metrics.direction import LeftRight
from avspatial.metrics.fairplay import Snr, StftDistance
from avspatial.metrics.settings import MetricSettings, SplSettings
from avspatial.runs.directory import Run
from avspatial.runs.outputs import save_outputs, save_prediction
from avspatial.signal.level import level_difference

RATE = 16000
ROWS = ["model", "mono", "swapped", "reference", "level_panned", "blank_picture", "mirrored_picture"]


def named(kind: type[Metric], settings: Any = None) -> NamedMetric:
    settings = settings or MetricSettings()
    return NamedMetric(kind(settings), f"test.{kind.__name__}", "1", settings.model_dump())


METRICS = [named(StftDistance), named(Snr), named(LeftRight, SplSettings())]


def quietly(items: Any, title: str) -> Any:
    return items


def sound(clip: int) -> np.ndarray:
    """One second that is 6 dB louder on one side: left for even clips, right for odd ones."""
    noise = 0.1 * np.random.default_rng(clip).standard_normal((2, RATE))
    return noise * [[1.0], [0.5]] if clip % 2 == 0 else noise * [[0.5], [1.0]]


def truth(clip: int) -> Truth:
    return Truth(20.0, np.full((1, 20), 40.0 if clip % 2 == 0 else -40.0), np.ones((1, 20)))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run of a perfect model on six clips of three recordings."""
    run = Run(tmp_path)
    for number in range(6):
        name = f"clip{number}"
        save_outputs(run.outputs / name, sound(number), sound(number), RATE)
        save_prediction(run.controls / "blank_picture" / name, mono(sound(number)), RATE)
        save_prediction(run.controls / "mirrored_picture" / name, sound(number)[::-1], RATE)
    return run


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    return [Clip(f"clip{n}", tmp_path, tmp_path, f"recording{n // 2}", truth(n)) for n in range(6)]


def evaluate(run: Run, clips: list[Clip], metrics: list[NamedMetric] = METRICS, **options: Any) -> Summary:
    summary = evaluate_run(run, clips, metrics, Convention(), quietly, **options)
    assert read_summary(run.summary) == summary
    return summary


def lines(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.scores.read_text().splitlines()]


def test_the_summary_has_the_agreed_form(run: Run, clips: list[Clip]) -> None:
    summary = evaluate(run, clips)
    assert (summary.convention, summary.clips, summary.failed) == ("fairplay", 6, 0)
    assert list(summary.conditions) == ROWS
    for row, metrics in summary.conditions.items():
        assert list(metrics) == ["stft_distance", "snr", "left_right"] + ["flip_consistency"] * (row == ROWS[-1])
        for entry in metrics.values():
            assert entry.ci95[0] <= entry.mean + 1e-12 and entry.mean <= entry.ci95[1] + 1e-12
            assert (entry.n, entry.failed) == (6, 0)
    assert summary.metrics["snr"].to_dict() == {
        "id": "test.Snr",
        "version": "1",
        "settings": {},
        "unit": "dB",
        "higher_is_better": True,
        "summary": "Signal-to-noise ratio over both channels.",
    }
    assert summary.metrics["left_right"].settings == {"frame": 0.1, "hop": 0.05}


def test_each_row_is_what_it_says(run: Run, clips: list[Clip]) -> None:
    rows = evaluate(run, clips).conditions
    expected = np.mean([stft_distance(*prepare(sound(n)[::-1], sound(n), RATE)) for n in range(6)])
    assert rows["swapped"]["stft_distance"].mean == pytest.approx(expected, rel=1e-5)
    assert rows["reference"]["stft_distance"].mean == rows["model"]["stft_distance"].mean == 0
    assert rows["blank_picture"]["stft_distance"].mean == pytest.approx(rows["mono"]["stft_distance"].mean)
    sides = {row: rows[row]["left_right"].mean for row in ROWS}
    assert sides == dict(zip(ROWS, [1, 0, 0, 1, 1, 0, 0], strict=True))
    assert rows["mirrored_picture"]["flip_consistency"].mean == pytest.approx(1)


def test_the_level_panned_row_has_the_mixture_and_the_level_difference_of_the_reference() -> None:
    reference = sound(0)
    panned = level_panned(reference)
    np.testing.assert_allclose(panned.sum(0), reference.sum(0))
    assert np.ptp(level_difference(panned, RATE)) < 1e-9
    assert level_difference(panned, RATE)[0] == pytest.approx(level_difference(reference, RATE, frame=1.0)[0])
    assert not level_panned(np.zeros((2, 100))).any()


def test_one_line_a_row_clip_and_metric(run: Run, clips: list[Clip]) -> None:
    evaluate(run, clips)
    found = lines(run)
    assert len(found) == 7 * 6 * 3
    assert found[0] == {
        "schema": 2,
        "condition": "model",
        "clip": "clip0",
        "recording": "recording0",
        "metric": "stft_distance",
        "value": 0,
    }
    assert len({(line["condition"], line["clip"], line["metric"]) for line in found}) == len(found)


@pytest.mark.parametrize("jobs", [1, 3])
def test_neither_jobs_nor_order_nor_other_clips_change_a_score(run: Run, clips: list[Clip], jobs: int) -> None:
    evaluate(run, clips, jobs=2)
    expected = {(line["condition"], line["clip"], line["metric"]): line["value"] for line in lines(run)}
    evaluate(run, clips[3:0:-1], jobs=jobs)
    found = {(line["condition"], line["clip"], line["metric"]): line["value"] for line in lines(run)}
    assert found == {key: value for key, value in expected.items() if key[1] in ("clip1", "clip2", "clip3")}


def test_a_clip_that_could_not_be_spatialized_counts_as_failed_in_every_row(run: Run, clips: list[Clip]) -> None:
    summary = evaluate(run, clips, failures={"clip2": "the video is truncated"})
    assert (summary.clips, summary.failed) == (6, 1)
    for row in ROWS:
        assert (summary.conditions[row]["snr"].n, summary.conditions[row]["snr"].failed) == (5, 1)
    assert summary.conditions["mirrored_picture"]["flip_consistency"].failed == 1
    failed = [line for line in lines(run) if "error" in line]
    assert len(failed) == 7 * 3 and {line["error"] for line in failed} == {"the video is truncated"}


def test_a_missing_file_fails_its_row_only(run: Run, clips: list[Clip]) -> None:
    path = run.outputs / "clip1" / "predicted_binaural.wav"
    path.unlink()
    rows = evaluate(run, clips).conditions
    assert (rows["model"]["snr"].n, rows["model"]["snr"].failed) == (5, 1)
    assert (rows["mono"]["snr"].n, rows["mono"]["snr"].failed) == (6, 0)
    assert {line["error"] for line in lines(run) if "error" in line} == {f"{path}: no such audio file"}


def test_a_prediction_of_another_length_is_a_failure(run: Run, clips: list[Clip]) -> None:
    (run.outputs / "clip1" / "predicted_binaural.wav").unlink()
    save_prediction(run.outputs / "other", sound(1)[:, :-5], RATE)
    (run.outputs / "other" / "predicted_binaural.wav").rename(run.outputs / "clip1" / "predicted_binaural.wav")
    assert evaluate(run, clips).conditions["model"]["snr"].failed == 1
    assert {line["error"] for line in lines(run) if "error" in line} == {
        "the prediction has 15995 samples, the reference 16000 (`avspatial evaluate --trim` cuts to the shorter)"
    }


class Broken(Metric):
    """A metric that fails on one clip, is infinite on another, and silent on a third."""

    names = ("broken",)
    unit = {"broken": ""}
    higher_is_better = {"broken": True}
    normalized = False

    def __call__(
        self, prediction: np.ndarray, reference: np.ndarray, sample_rate: int, truth: Truth | None = None
    ) -> dict[str, float]:
        first = [float(np.float32(sound(n)[0, 0])) for n in range(3)]
        answers: list[dict[str, float]] = [{"broken": 1 / 0.5}, {"broken": float("inf")}, {}]
        if reference[0, 0] == first[0]:
            raise RuntimeError("out of order")
        return answers[first.index(reference[0, 0])] if reference[0, 0] in first else answers[0]


def test_a_failing_metric_is_recorded_and_never_ends_the_evaluation(run: Run, clips: list[Clip]) -> None:
    summary = evaluate(run, clips, [named(Broken), named(Snr)])
    mean = summary.conditions["mono"]["broken"]
    assert (mean.mean, mean.n, mean.failed) == (2, 3, 2)
    assert summary.conditions["mono"]["snr"].n == 6
    assert summary.failed == 2
    by_clip = {line["clip"]: line for line in lines(run) if line["condition"] == "mono" and line["metric"] == "broken"}
    assert by_clip["clip0"]["error"] == "RuntimeError: out of order"
    assert by_clip["clip1"]["error"] == "the value is inf"
    assert by_clip["clip2"]["skipped"] == "the reference holds nothing to measure it on"


def test_clips_without_true_angles_are_skipped_not_failed(run: Run, clips: list[Clip], tmp_path: Path) -> None:
    unknown = [Clip(clip.id, tmp_path, tmp_path, clip.recording) for clip in clips]
    summary = evaluate(run, unknown)
    assert summary.conditions["model"]["left_right"] == Mean(mean=None, n=0, failed=0)
    assert summary.failed == 0


def test_one_recording_has_a_mean_but_no_interval(run: Run, clips: list[Clip]) -> None:
    entry = evaluate(run, clips[:1]).conditions["mono"]["stft_distance"]
    assert entry.mean > 0 and entry.ci95 is None and entry.n == 1


def test_a_model_that_never_saw_pictures_has_no_picture_rows(run: Run, clips: list[Clip]) -> None:
    run.controls.rename(run.path / "elsewhere")
    summary = evaluate(run, clips)
    assert list(summary.conditions) == ROWS[:5] and "flip_consistency" not in summary.metrics


def test_a_model_that_ignores_the_mirror_is_inconsistent(run: Run, clips: list[Clip]) -> None:
    for clip in clips:
        path = run.controls / "mirrored_picture" / clip.id / "predicted_binaural.wav"
        path.write_bytes((run.outputs / clip.id / "predicted_binaural.wav").read_bytes())
    assert evaluate(run, clips).conditions["mirrored_picture"]["flip_consistency"].mean == pytest.approx(-1)


def test_scores_are_written_completely_and_again(run: Run, clips: list[Clip]) -> None:
    evaluate(run, clips)
    before = run.scores.read_bytes(), run.summary.read_bytes()
    evaluate(run, clips)
    assert (run.scores.read_bytes(), run.summary.read_bytes()) == before
    assert not list(run.path.glob(".*"))
