"""Whatever names a system: saved evaluations, folders of runs, and what is wrong with them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from support.saved_sounds import evaluate
from support.scored_runs import write_scored_run

import avspatial
from avspatial.errors import AvspatialError, DataError, RunError
from avspatial.evaluation.comparison.load import read_scored
from avspatial.evaluation.scoring.score_schema import MetricInfo
from avspatial.report.comparison.page import write_comparison

SNR = np.arange(6) / 10


def save_evaluation(folder: Path, values: np.ndarray, **summary: object) -> Path:
    """A saved evaluation as the contract has it, and no more."""
    folder.mkdir(parents=True)
    lines = [{"clip": f"{n:06}", "metric": "snr", "value": float(value)} for n, value in enumerate(values)]
    (folder / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    facts = {"mean": 0.0, "n": len(values), "failed": 0, "unit": "dB", "higher_is_better": True}
    data = {"convention": "fairplay", "versions": {"snr": "avspatial.snr@1"}, "metrics": {"snr": facts}}
    (folder / "summary.json").write_text(json.dumps(data | {"clips": len(values), "failed": 0} | summary))
    return folder


def test_a_saved_evaluation_is_compared_with_a_run(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path, "run", {"snr": SNR})
    saved = save_evaluation(tmp_path / "theirs", SNR + 1)
    found = avspatial.compare([run, saved])
    (pair,) = found.pairs
    assert (pair.a, pair.b, pair.difference, pair.n) == ("theirs", "run", pytest.approx(1), 6)
    assert found.recordings == 3  # the run knows them, the evaluation does not
    assert "theirs does not say which data it was scored on: its clips are matched by name alone." in found.notes


def test_what_a_saved_evaluation_says_beyond_the_contract_is_read(tmp_path: Path) -> None:
    saved = save_evaluation(tmp_path / "theirs", SNR)
    lines = [
        {
            "clip": f"{n:06}",
            "recording": f"r{n // 2}",
            "failed": False,
            "skipped": {"left_right": "no lateral source"},
            "controls": {"mono": {"snr": {"value": 1.0}}, "swapped": {"snr": {"error": "why"}}},
        }
        for n in range(6)
    ]
    (saved / "clips.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (saved / "evaluation.json").write_text(json.dumps({"settings": {"snr": {"eps": 0}}}))
    found = read_scored(saved)
    expected = {"id": "avspatial.snr", "version": "1", "settings": {"eps": 0}, "unit": "dB", "higher_is_better": True}
    assert found.metrics["snr"] == MetricInfo(**expected)
    assert [clip.recording for clip in found.clips.values()] == ["r0", "r0", "r1", "r1", "r2", "r2"]
    assert found.conditions["mono"].values["snr"] == {f"{n:06}": 1.0 for n in range(6)}
    assert found.conditions["swapped"].errors["snr"]["000000"] == "why"
    assert found.conditions["model"].skipped["left_right"]["000005"] == "no lateral source"


def test_what_evaluate_saves_has_the_settings_of_its_metrics(official: Path, tmp_path: Path) -> None:
    evaluate(official, metrics=["spl_rmse"], save=tmp_path / "kept")
    assert read_scored(tmp_path / "kept").metrics["spl_rmse"].settings == {"frame": 0.1, "hop": 0.05}


class TestTheSoundsOfASavedEvaluation:
    def files(self, folder: Path, clip: str = "clip1") -> tuple[Path | None, ...]:
        found = read_scored(folder).clips[clip]
        return found.predicted, found.reference, found.picture

    def test_are_the_files_that_were_scored(self, official: Path, tmp_path: Path) -> None:
        (official / "clip1" / "picture.jpg").touch()
        evaluate(official, save=tmp_path / "deep" / "kept")
        names = ("predicted_binaural.wav", "input_binaural.wav", "picture.jpg")
        assert self.files(tmp_path / "deep" / "kept") == tuple(official / "clip1" / name for name in names)

    def test_move_with_them(self, official: Path, tmp_path: Path) -> None:
        evaluate(official, save=official.parent / "kept")
        moved = official.parent.rename(tmp_path.parent / f"{tmp_path.name} moved")
        predicted, reference, _ = self.files(moved / "kept")
        assert predicted == moved / "outputs" / "clip1" / "predicted_binaural.wav" and predicted.is_file()
        assert reference == moved / "outputs" / "clip1" / "input_binaural.wav"

    def test_are_found_through_a_link_to_the_folder(self, official: Path, tmp_path: Path) -> None:
        (tmp_path / "far" / "away").mkdir(parents=True)
        (tmp_path / "link").symlink_to(tmp_path / "far" / "away")
        evaluate(official, save=tmp_path / "link")
        assert self.files(tmp_path / "link")[0] == official / "clip1" / "predicted_binaural.wav"

    def test_are_not_played_if_they_were_changed_or_removed_since(self, official: Path, tmp_path: Path) -> None:
        evaluate(official, save=tmp_path / "kept")
        os.utime(official / "clip1" / "predicted_binaural.wav", (1, 1))
        (official / "clip1" / "input_binaural.wav").unlink()
        assert self.files(tmp_path / "kept") == (None, None, None)
        assert self.files(tmp_path / "kept", "clip2")[0] is not None

    def test_are_on_the_page(self, official: Path, tmp_path: Path) -> None:
        folders = [tmp_path / "first", tmp_path / "second"]
        for folder in folders:
            evaluate(official, save=folder)
        page = write_comparison(avspatial.compare(folders), tmp_path / "page.html", clips=2).read_text()
        assert page.count("<article") == 2 and "Not shown" not in page


def test_versions_that_are_not_stated_are_taken_to_be_the_same_and_that_is_reported(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path, "run", {"snr": SNR})
    saved = save_evaluation(tmp_path / "theirs", SNR, versions={})
    found = avspatial.compare([run, saved])
    assert "theirs does not say the versions of its metrics: they are taken to be the same." in found.notes


def test_another_version_in_a_saved_evaluation_is_refused(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path, "run", {"snr": SNR})
    saved = save_evaluation(tmp_path / "theirs", SNR, versions={"snr": "avspatial.snr@2"}, convention="raw")
    with pytest.raises(RunError) as caught:
        avspatial.compare([run, saved])
    assert str(caught.value).splitlines()[1:3] == [
        "  convention: fairplay in run, raw in theirs",
        "  snr, version: 1 in run, 2 in theirs",
    ]


def test_the_files_of_a_clip_are_those_that_are_there(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path, "run", {"snr": SNR})
    folder = run / "outputs" / "000002"
    folder.mkdir(parents=True)
    for name in ("predicted_binaural.wav", "picture.jpg"):
        (folder / name).write_bytes(b"")
    clips = read_scored(run).clips
    found = clips["000002"]
    assert (found.predicted, found.reference, found.picture) == (
        folder / "predicted_binaural.wav",
        None,
        folder / "picture.jpg",
    )
    assert clips["000001"].predicted is None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            '{"clip": "a", "metric": "snr", "value": 1}\n{"clip": ',
            ":2: not JSON: Expecting value",
        ),
        ('{"clip": "a"}\n', ":1: is damaged (metric: Field required)"),
        (
            '{"clip": "a", "metric": "snr"}\n',
            ":1: is damaged (Value error, exactly one of value, error and skipped is needed)",
        ),
        ("7\n", ":1: not an object of JSON"),
        ('{"row": "mono", "clip": "a", "metric": "snr", "value": 1}\n', ": it has no scores of a model"),
        ("", ": it has no scores of a model"),
    ],
)
def test_damaged_scores_are_reported_with_their_line(tmp_path: Path, text: str, what: str) -> None:
    saved = save_evaluation(tmp_path / "theirs", SNR)
    (saved / "scores.jsonl").write_text(text)
    with pytest.raises(RunError) as caught:
        read_scored(saved)
    assert str(caught.value).startswith(f"{saved / 'scores.jsonl'}{what}")
    assert str(caught.value).endswith("\n  Restore the file, or score the audio again.")


def test_a_score_that_is_not_finite_is_an_error_of_its_clip(tmp_path: Path) -> None:
    values = SNR.copy()
    values[2] = np.nan
    saved = save_evaluation(tmp_path / "theirs", values)
    assert read_scored(saved).conditions["model"].errors == {"snr": {"000002": "the value is nan"}}


def test_a_run_without_scores_says_how_to_finish_it(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path, "run", {"snr": SNR}, finished=False)
    (run / "summary.json").unlink()
    with pytest.raises(RunError) as caught:
        avspatial.compare([run, run])
    assert str(caught.value) == f"{run}: this run has no scores yet\n  Finish it: avspatial run --resume {run}"


def test_a_saved_evaluation_under_an_unknown_convention_is_refused(official: Path, tmp_path: Path) -> None:
    saved = save_evaluation(tmp_path / "theirs", SNR, convention="fairplai")
    with pytest.raises(AvspatialError) as caught:
        avspatial.compare([saved, official])
    assert str(caught.value).splitlines()[0] == "unknown convention 'fairplai' (did you mean 'fairplay'?)"


def test_a_saved_evaluation_with_a_run_json_is_no_run(tmp_path: Path) -> None:
    saved = save_evaluation(tmp_path / "theirs", SNR)
    (saved / "run.json").write_text("{}")
    assert read_scored(saved).name == "theirs"
    with pytest.raises(DataError, match="holds nothing to score"):
        avspatial.evaluate(saved)


# Folders of runs

KINDS = (
    "  Name a run directory, a folder of runs, what `avspatial evaluate --save DIR` saved, outputs, or a recipe "
    "(`avspatial recipes list` lists the shipped ones)."
)


def test_unfinished_and_older_runs_of_a_folder_are_left_out_and_named(tmp_path: Path) -> None:
    other = write_scored_run(tmp_path, "other", {"snr": SNR})
    older = write_scored_run(tmp_path, "ours", {"snr": SNR + 5}, seed=0)
    newer = write_scored_run(tmp_path, "ours", {"snr": SNR + 1}, seed=0)
    stopped = write_scored_run(tmp_path, "ours", {"snr": SNR}, seed=1, finished=False)
    found = avspatial.compare([other, tmp_path / "ours"])
    assert [run.path for run in found.systems[1].runs] == [newer]
    assert found.notes[:2] == (
        f"{older} is left out: {newer.name} is newer, with the same seed and split.",
        f"{stopped} is left out: it is not finished.",
    )


def test_a_folder_of_unlike_runs_is_refused(tmp_path: Path) -> None:
    first = write_scored_run(tmp_path, "ours", {"snr": SNR}, seed=0)
    second = write_scored_run(tmp_path, "ours", {"snr": SNR}, seed=1, lr=0.1)
    with pytest.raises(RunError) as caught:
        avspatial.compare([tmp_path / "ours", first])
    assert str(caught.value) == (
        f"{tmp_path / 'ours'}: {first.name} and {second.name} differ in more than seed and split: trainer.lr\n"
        "  Name the runs one by one."
    )


def test_a_folder_whose_splits_have_unequal_numbers_of_seeds_is_refused(tmp_path: Path) -> None:
    for split, seed in ((1, 0), (1, 1), (2, 0)):
        write_scored_run(tmp_path, "ours", {"snr": SNR}, split=split, seed=seed, train=30)
    with pytest.raises(RunError) as caught:
        avspatial.compare([tmp_path / "ours"] * 2)
    assert str(caught.value) == (
        f"{tmp_path / 'ours'}: its splits have different numbers of runs: 2 of split 1, 1 of split 2\n"
        "  Run the seeds that are missing, or name the runs one by one."
    )


def test_seeds_that_saw_other_clips_are_refused(tmp_path: Path) -> None:
    write_scored_run(tmp_path, "ours", {"snr": SNR}, seed=0)
    write_scored_run(tmp_path, "ours", {"snr": SNR}, seed=1, clips=[f"x{n}" for n in range(6)], convention="raw")
    with pytest.raises(RunError) as caught:
        avspatial.compare([tmp_path / "ours"] * 2)
    names = "the run with seed 0", "the run with seed 1"
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'ours'}: these cannot be compared:",
        f"  convention: fairplay in {names[0]}, raw in {names[1]}",
        f"  6 clips only in {names[0]}: 000000, 000001, 000002 and 3 more",
        f"  6 clips only in {names[1]}: x0, x1, x2 and 3 more",
        "  Score both on the same clips, under one convention and with the same versions, then compare.",
    ]


def test_several_splits_need_the_number_of_training_clips(tmp_path: Path) -> None:
    for split in (1, 2):
        write_scored_run(tmp_path, "ours", {"snr": SNR}, split=split)
    with pytest.raises(RunError) as caught:
        avspatial.compare([tmp_path / "ours"] * 2)
    assert str(caught.value) == (
        f"{tmp_path / 'ours'}: run.json does not say how many clips it learnt from\n"
        "  Run it again with this version, or compare one split."
    )


def test_a_folder_of_nothing_known_is_reported(tmp_path: Path) -> None:
    with pytest.raises(DataError) as nothing:
        avspatial.compare([tmp_path, tmp_path])
    assert str(nothing.value).startswith(
        f"{tmp_path}: holds nothing to score\n  Give folders <clip>/predicted_binaural"
    )
    write_scored_run(tmp_path, "ours", {"snr": SNR}, finished=False)
    with pytest.raises(RunError) as caught:
        avspatial.compare([tmp_path / "ours", tmp_path])
    assert str(caught.value) == f"{tmp_path / 'ours'}: none of its runs is finished\n{KINDS}"
