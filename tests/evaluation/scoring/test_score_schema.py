"""The score schema: files of schema 1 keep their numbers, schema 2 survives writing and reading, others are refused."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pages import ROOT
from support.saved_sounds import evaluate, save_official

from avspatial.api import leaderboard
from avspatial.errors import RunError
from avspatial.evaluation.comparison.load import read_scored
from avspatial.evaluation.scoring.accumulator import Accumulator
from avspatial.evaluation.scoring.clip_scores import ClipScores
from avspatial.evaluation.scoring.score_schema import (
    ClipRecord,
    Mean,
    MetricInfo,
    Score,
    Summary,
    json_line,
    read_clips,
    read_scores,
    read_summary,
    write_document,
)

OLD = Path(__file__).with_name("schema1")
"""Files of version 0.1.0: 4 clips by `evaluate --save` (one failed), 4 clips of a run, a leaderboard of 2 systems."""


def old_means(kind: str) -> dict[str, dict[str, dict[str, Any]]]:
    """{condition: {metric: the old entry}}"""
    old = json.loads((OLD / kind / "summary.json").read_text())
    return old["rows"] if kind == "run" else {"model": old["metrics"], **old["controls"]}


def same(mean: Mean, old: dict[str, Any]) -> bool:
    numbers = (mean.mean, list(mean.ci95 or (None, None)), mean.n, mean.failed, mean.sd)
    return numbers == (*(old[key] for key in ("mean", "ci95", "n", "failed")), old.get("sd", mean.sd))


class TestSchema1:
    @pytest.mark.parametrize("kind", ["run", "evaluation"])
    def test_a_summary_keeps_every_number(self, kind: str) -> None:
        summary, old = read_summary(OLD / kind / "summary.json"), old_means(kind)
        assert {name: list(means) for name, means in summary.conditions.items()} == {n: list(m) for n, m in old.items()}
        for condition, means in summary.conditions.items():
            for metric, mean in means.items():
                assert same(mean, old[condition][metric]), (condition, metric)
        assert (summary.convention, summary.clips, summary.failed) == ("fairplay", 4, 1)
        info = summary.metrics["left_right"]
        assert (info.version, info.settings, info.unit) == ("1", {"frame": 0.1, "hop": 0.05}, "")
        assert info.id in ("avspatial.left_right", "avspatial.leftright") and info.higher_is_better is True

    @pytest.mark.parametrize("kind", ["run", "evaluation"])
    def test_its_scores_give_the_same_means(self, kind: str) -> None:
        scores = list(read_scores(OLD / kind / "scores.jsonl"))
        by_clip: dict[str, list[Score]] = {}
        for score in scores:
            by_clip.setdefault(score.clip, []).append(score)
        accumulator = Accumulator(own[0].recording for own in by_clip.values())
        for own in by_clip.values():
            accumulator.add(ClipScores(tuple(own)))
        assert (accumulator.clips, accumulator.failed) == (4, 1)
        conditions, _ = accumulator.means()
        old = old_means(kind)
        old.get("mirrored_picture", {}).pop("flip_consistency", None)
        assert {name: set(means) for name, means in conditions.items()} == {n: set(m) for n, m in old.items()}
        for condition, means in conditions.items():
            for metric, mean in means.items():
                entry = old[condition][metric]
                assert (mean.mean, mean.n, mean.failed) == (entry["mean"], entry["n"], entry["failed"])
                expected = None if None in entry["ci95"] else pytest.approx(tuple(entry["ci95"]), rel=1e-12)
                assert mean.ci95 == expected

    def test_every_line_of_a_run_is_one_score(self) -> None:
        old = [json.loads(line) for line in (OLD / "run" / "scores.jsonl").read_text().splitlines()]
        expected = [{"schema": 2, "condition": line.pop("row"), **line} for line in old]
        assert [score.to_dict() for score in read_scores(OLD / "run" / "scores.jsonl")] == expected

    def test_what_an_evaluation_kept_in_two_files_is_joined(self) -> None:
        scores = list(read_scores(OLD / "evaluation" / "scores.jsonl"))
        assert len(scores) == len({(s.condition, s.clip, s.metric) for s in scores}) == 3 * 4 * 3
        skipped = [(s.condition, s.clip, s.metric) for s in scores if s.skipped == "the clip has no true angles"]
        assert skipped == [(name, "clip2", "left_right") for name in ("model", "mono", "swapped")]
        clips = list(read_clips(OLD / "evaluation" / "clips.jsonl"))
        assert [clip.scores for clip in clips] == [9] * 4
        assert clips[3].inputs["reference"] is None and clips[0].files["prediction"].endswith("predicted_binaural.wav")

    def test_both_are_compared(self, tmp_path: Path) -> None:
        run, evaluation = read_scored(OLD / "run"), read_scored(OLD / "evaluation")
        assert (run.name, run.split, run.data, len(run.clips)) == ("old", "1", "f00d", 4)
        assert list(evaluation.conditions) == ["model", "mono", "swapped"] and len(evaluation.clips) == 4

    def test_an_evaluation_is_resumed(self, tmp_path: Path) -> None:
        """An evaluation that version 0.1.0 began is continued by this one: the old clips are not scored again."""
        outputs, kept = save_official(tmp_path / "outputs", clips=3), tmp_path / "kept"
        expected = evaluate(outputs, metrics=["snr", "spl_direction"], controls=["mono"], save=kept)
        files = {name: (kept / name).read_bytes() for name in ("scores.jsonl", "clips.jsonl", "evaluation.json")}
        downgrade(kept)
        scored: list[str] = []

        def counting(items: Any, title: str) -> Any:
            for item in items:
                scored.append(item.clip)
                yield item

        options = {"metrics": ["snr", "spl_direction"], "controls": ["mono"], "save": kept, "progress": counting}
        assert evaluate(outputs, **options).summary == expected.summary and scored == []
        assert {name: (kept / name).read_bytes() for name in files} == files

    def test_a_leaderboard_keeps_every_number(self) -> None:
        old = json.loads((OLD / "leaderboard" / "leaderboard.json").read_text())
        board = leaderboard.read(OLD / "leaderboard")
        assert leaderboard.markdown(board) == (OLD / "leaderboard" / "leaderboard.md").read_text()
        assert (board.metrics["snr"].id, board.references.audio) == ("avspatial.snr", old["references"]["sounds"])
        for system, before in zip(board.systems, old["systems"], strict=True):
            assert same(system.conditions["model"]["snr"], before["metrics"]["snr"])
            assert {score.clip: {score.metric: score.value} for score in system.scores} == before["scores"]
            assert (system.files, leaderboard.failures(system)) == (before["files"], before["failures"])


def downgrade(folder: Path) -> None:
    """Rewrite a saved evaluation as version 0.1.0 wrote it."""
    scores = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    clips = [json.loads(line) for line in (folder / "clips.jsonl").read_text().splitlines()]
    kept, lines = [], []
    for clip in clips:
        own = [score for score in scores if score["clip"] == clip["clip"]]
        valued = [s for s in own if s["condition"] == "model" and "skipped" not in s]
        kept += [{key: s[key] for key in ("clip", "metric", "value", "error") if key in s} for s in valued]
        controls: dict[str, dict[str, Any]] = {}
        for score in own:
            if score["condition"] != "model":
                outcome = {key: score[key] for key in ("value", "error", "skipped") if key in score}
                controls.setdefault(score["condition"], {})[score["metric"]] = outcome
        line = {key: clip[key] for key in ("clip", "files", "inputs", "notes")}
        skipped = {s["metric"]: s["skipped"] for s in own if s["condition"] == "model" and "skipped" in s}
        line |= {"recording": own[0]["recording"], "failed": False, "scores": len(valued)}
        lines.append(line | {"skipped": skipped, "controls": controls})
    for name, records in (("scores.jsonl", kept), ("clips.jsonl", lines)):
        (folder / name).write_text("".join(json.dumps(record) + "\n" for record in records))
    about = json.loads((folder / "evaluation.json").read_text())
    del about["schema"]
    (folder / "evaluation.json").write_text(json.dumps(about))
    (folder / "summary.json").unlink()


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
numbers = st.floats(allow_nan=False, allow_infinity=False)
outcomes = st.one_of(
    st.fixed_dictionaries({"value": numbers}),
    st.fixed_dictionaries({"error": names}),
    st.fixed_dictionaries({"skipped": names}),
)
scores = st.builds(
    lambda outcome, **head: Score(**head, **outcome),
    outcome=outcomes, condition=names, clip=names, recording=names, metric=names,
)  # fmt: skip
means = st.builds(
    Mean,
    mean=st.none() | numbers,
    sd=st.none() | numbers,
    ci95=st.none() | st.tuples(numbers, numbers),
    n=st.integers(0, 2**40),
    failed=st.integers(0, 2**40),
)
infos = st.builds(
    MetricInfo,
    id=st.none() | names,
    version=st.none() | names,
    settings=st.none() | st.dictionaries(names, numbers | names | st.none() | st.booleans()),
    unit=names,
    higher_is_better=st.none() | st.booleans(),
    summary=names,
)


def strict(text: str) -> None:
    """Fail for NaN and infinities, which are not JSON."""
    json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))


class TestSchema2:
    @given(written=st.lists(scores, max_size=5))
    def test_scores_are_read_as_they_were_written(self, written: list[Score], tmp_path_factory: Any) -> None:
        path = tmp_path_factory.mktemp("scores") / "scores.jsonl"
        path.write_text("".join(map(json_line, written)), encoding="utf-8", newline="\n")
        assert list(read_scores(path)) == written
        for line in path.read_bytes().split(b"\n")[:-1]:
            strict(line.decode())
            assert json.loads(line)["schema"] == 2

    @given(conditions=st.dictionaries(names, st.dictionaries(names, means, max_size=3), max_size=3), info=infos)
    def test_a_summary_is_read_as_it_was_written(
        self, conditions: dict[str, dict[str, Mean]], info: MetricInfo, tmp_path_factory: Any
    ) -> None:
        path = tmp_path_factory.mktemp("summary") / "summary.json"
        metrics = {metric: info for of in conditions.values() for metric in of}
        written = Summary(convention="raw", clips=3, failed=0, metrics=metrics, conditions=conditions)
        write_document(path, written)
        assert read_summary(path) == written
        strict(path.read_text(encoding="utf-8"))

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_value_that_is_not_finite_is_an_error(self, value: float) -> None:
        score = Score(condition="model", clip="a", recording="a", metric="snr", value=value)
        assert (score.value, score.error) == (None, f"the value is {value}")
        strict(json_line(score))
        with pytest.raises(ValueError):
            Mean(mean=value, n=1, failed=0)

    def test_exactly_one_outcome(self) -> None:
        head = {"condition": "model", "clip": "a", "recording": "a", "metric": "snr"}
        for outcome in ({}, {"value": 1.0, "error": "why"}, {"error": "why", "skipped": "why"}):
            with pytest.raises(ValueError, match="exactly one of value, error and skipped is needed"):
                Score(**head, **outcome)

    def test_every_metric_is_identified(self) -> None:
        conditions = {"model": {"snr": Mean(mean=None, n=0, failed=0)}}
        with pytest.raises(ValueError, match="metrics does not say what snr is"):
            Summary(convention="raw", clips=0, failed=0, metrics={}, conditions=conditions)

    def test_run_evaluation_and_leaderboard_write_the_same_types(self, tmp_path: Path) -> None:
        evaluate(save_official(tmp_path / "board" / "ours"), save=tmp_path / "kept", jobs=1)
        board = leaderboard.build(tmp_path / "board", leaderboard.Choices(metrics=["snr"]), jobs=1)
        summary = read_summary(tmp_path / "kept" / "summary.json")
        (system,) = board.systems
        assert system.conditions == summary.conditions and board.metrics == summary.metrics
        assert list(system.scores) == list(read_scores(tmp_path / "kept" / "scores.jsonl"))


FUTURE = "has schema 3, and this version reads 1 and 2"
NEWER = "\n  Read it with the version of avspatial that wrote it, or score the audio again with this one."


def test_another_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"schema": 3}\n')
    for read, where in ((lambda: list(read_scores(path)), f"{path}:1"), (lambda: list(read_clips(path)), f"{path}:1"),
                        (lambda: read_summary(path), str(path))):  # fmt: skip
        with pytest.raises(RunError) as caught:
            read()
        assert str(caught.value) == f"{where}: {FUTURE}{NEWER}"
    (tmp_path / "leaderboard.json").write_text('{"schema": 3}')
    with pytest.raises(RunError, match=FUTURE):
        leaderboard.read(tmp_path)


def test_an_evaluation_of_another_schema_is_not_continued(tmp_path: Path) -> None:
    outputs = save_official(tmp_path / "outputs", clips=1)
    evaluate(outputs, save=tmp_path / "kept")
    path = tmp_path / "kept" / "evaluation.json"
    path.write_text(path.read_text().replace('"schema": 2', '"schema": 3'))
    with pytest.raises(RunError) as caught:
        evaluate(outputs, save=tmp_path / "kept")
    assert str(caught.value) == f"{path}: {FUTURE}{NEWER}"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[]", "not an object of JSON"),
        ('{"schema": 2, "convention": "raw"}', "is damaged (clips: Field required)"),
        ('{"convention": "raw"}', "is no summary of scores (KeyError: 'metrics')"),
    ],
)
def test_a_damaged_summary_is_refused(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "summary.json"
    path.write_text(text)
    with pytest.raises(RunError) as caught:
        read_summary(path)
    assert str(caught.value) == f"{path}: {what}\n  Restore the file, or score the audio again."


def test_a_clip_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = ClipRecord(clip="ä", scores=2, files={"prediction": "p"}, inputs={"prediction": [1, 2], "reference": None})
    (tmp_path / "clips.jsonl").write_text(json_line(record), encoding="utf-8")
    assert list(read_clips(tmp_path / "clips.jsonl")) == [record]
    assert list(read_clips(tmp_path / "none.jsonl")) == []


def test_files_are_parsed_in_that_module_alone() -> None:
    """Nothing else opens a file of scores."""
    for path in (ROOT / "avspatial").rglob("*.py"):
        if path.name != "score_schema.py":
            assert not re.search(r"json\.loads?\([^)]*(scores|summary)|\"rows\" in", path.read_text()), path
