"""Systems side by side: means, pairs, verdicts, and what must not become a verdict."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.scored_runs import CONTROLS, reference_scores, write_scored_run

import avspatial
from avspatial.errors import RunError
from avspatial.evaluation.comparison.compare import Comparison
from avspatial.evaluation.statistics import paired

CLIPS = 60


def scores(seed: int, clips: int = CLIPS, *, better: float = 0.0) -> dict[str, np.ndarray]:
    """Scores of a system whose clips scatter by 3 % about a common difficulty, `better` by that share."""
    own = np.random.default_rng(seed)
    difficulty = reference_scores(clips)
    return {
        "stft_distance": difficulty * (1 - better) * (1 + 0.03 * own.standard_normal(clips)),
        "snr": 6 - difficulty * (1 - better) * (1 + 0.03 * own.standard_normal(clips)),
        "spl_magnitude": (0.8 - better) * (1 + 0.03 * own.standard_normal(clips)),
    }


@pytest.fixture
def three(tmp_path: Path) -> Comparison:
    """A system, one that is 2 % better, and one that is like the first."""
    runs = [
        write_scored_run(tmp_path, name, scores(seed, better=better), own_rows=["blank_picture"])
        for seed, (name, better) in enumerate({"old": 0.0, "new": 0.02, "same": 0.0}.items())
    ]
    return avspatial.compare(runs, baseline="old")


def test_a_planted_improvement_of_2_percent_is_found_and_nothing_else_is(three: Comparison) -> None:
    found = {(pair.a, pair.metric): pair.verdict for pair in three.pairs}
    assert found == {
        ("new", "stft_distance"): "better",
        ("new", "snr"): "better",
        ("new", "spl_magnitude"): "lower",
        ("same", "stft_distance"): "not distinguishable",
        ("same", "snr"): "not distinguishable",
        ("same", "spl_magnitude"): "not distinguishable",
    }


def test_set_the_other_way_round_every_difference_changes_its_sign(three: Comparison) -> None:
    other = avspatial.compare([one.origin for one in three.systems], baseline="new", metrics=["stft_distance", "snr"])
    for metric in ("stft_distance", "snr"):
        one, two = three.pair(metric, "new", "old"), other.pair(metric, "old", "new")
        assert two.difference == pytest.approx(-one.difference)
        assert two.effect == pytest.approx(-one.effect)
        assert (two.verdict, two.p, two.mdd) == ("worse", one.p, pytest.approx(one.mdd))
        low, high = one.interval
        assert two.interval == (pytest.approx(-high, rel=0.05), pytest.approx(-low, rel=0.05))


def test_two_copies_of_one_run_are_not_distinguishable_by_any_metric(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path, "one", scores(0))
    shutil.copytree(run, tmp_path / "copy" / run.name)
    found = avspatial.compare([run, tmp_path / "copy" / run.name])
    assert [one.name for one in found.systems] == ["one-1", "one-2"]
    assert {pair.metric for pair in found.pairs} == {"stft_distance", "snr", "spl_magnitude"}
    for pair in found.pairs:
        assert (pair.difference, pair.interval, pair.p, pair.p_holm, pair.effect) == (0, (0, 0), 1, 1, 0)
        assert (pair.mdd, pair.verdict, pair.n) == (0, "not distinguishable", CLIPS)


@pytest.mark.parametrize("shift", [1e-9, -1e-9])
def test_rounding_that_always_falls_to_one_side_is_no_difference(tmp_path: Path, shift: float) -> None:
    values = scores(0)
    shifted = {metric: found * (1 + shift) for metric, found in values.items()}
    found = avspatial.compare([write_scored_run(tmp_path, "a", values), write_scored_run(tmp_path, "b", shifted)])
    assert {pair.verdict for pair in found.pairs} == {"not distinguishable"}


def test_a_constant_real_difference_is_one_although_it_does_not_vary(tmp_path: Path) -> None:
    values = {"snr": scores(0)["snr"]}
    louder = {"snr": values["snr"] + 0.5}
    found = avspatial.compare([write_scored_run(tmp_path, "a", values), write_scored_run(tmp_path, "b", louder)])
    (pair,) = found.pairs
    assert (pair.difference, pair.effect, pair.verdict) == (pytest.approx(0.5), 1, "better")


def test_mean_and_ranks_to_different_sides_give_no_verdict(tmp_path: Path) -> None:
    # Most clips a little better, few very much worse: there is no one word for it.
    base = np.full(CLIPS, 10.0)
    change = np.where(np.arange(CLIPS) % 6 == 0, -9.0, 0.5)
    values = [{"snr": base}, {"snr": base + change}]
    runs = [write_scored_run(tmp_path, f"s{n}", each, per_recording=1) for n, each in enumerate(values)]
    (pair,) = avspatial.compare(runs).pairs
    assert pair.difference < 0 < pair.effect and pair.p_holm < 0.05
    assert pair.verdict == "not distinguishable"


def test_pairs_hold_what_the_formulas_give(three: Comparison) -> None:
    pair = three.pair("snr", "new", "old")
    new, old = (np.array(list(one.values("snr").values())) for one in (three.systems[1], three.systems[0]))
    recordings = np.arange(CLIPS) // 2
    assert pair.difference == pytest.approx((new - old).mean())
    assert np.array(list(pair.differences.values())) == pytest.approx(new - old)
    assert (pair.p, pair.effect) == tuple(vars(paired.signed_rank(new - old, recordings)).values())
    error = (new - old).reshape(-1, 2).mean(1).std(ddof=1) / np.sqrt(CLIPS / 2)
    assert pair.mdd == pytest.approx(paired.detectable(error, CLIPS // 2 - 1))
    assert pair.interval[0] < pair.difference < pair.interval[1]
    assert pair.interval[1] - pair.interval[0] == pytest.approx(2 * 2.045 * error, rel=0.1)


def test_holm_is_over_every_test_of_the_comparison(three: Comparison) -> None:
    assert [pair.p_holm for pair in three.pairs] == paired.holm([pair.p for pair in three.pairs])
    alone = avspatial.compare([one.origin for one in three.systems[:2]], metrics=["snr"])
    assert alone.pairs[0].p_holm == alone.pairs[0].p == three.pair("snr", "new", "old").p


def test_a_verdict_needs_an_interval_without_zero(tmp_path: Path) -> None:
    # All but one clip a little better, one much worse: the ranks are sure, the mean is not.
    base = np.full(CLIPS, 10.0)
    change = np.where(np.arange(CLIPS) == 7, -5.0, 0.1)
    values = [{"snr": base}, {"snr": base + change}]
    runs = [write_scored_run(tmp_path, f"s{n}", each, per_recording=1) for n, each in enumerate(values)]
    (pair,) = avspatial.compare(runs).pairs
    assert pair.difference > 0 and pair.effect > 0 and pair.p_holm < 0.001
    assert pair.interval[0] < 0 < pair.interval[1]
    assert (pair.verdict, pair.doubt) == ("not distinguishable", "the interval holds 0")
    assert avspatial.compare(runs).notes[0] == (
        "s1 against s0 by snr: the ranks of the clips are sure (p), their mean is not; a few clips outweigh the "
        "many. Check those."
    )


def test_a_verdict_needs_the_corrected_p(tmp_path: Path) -> None:
    # Seven recordings that all agree: p is 2 / 2^7 = 0.0156, and 0.047 or 0.0625 after three or four tests.
    base = {"snr": np.arange(7.0), "stft_distance": np.arange(7.0), "spl_magnitude": np.arange(7.0)}
    runs = []
    for name, shift in (("a", 0.0), ("b", 1.0), ("c", 3.0)):
        moved = {metric: found + shift for metric, found in base.items()}
        runs.append(write_scored_run(tmp_path, name, moved, per_recording=1))
    three = avspatial.compare(runs[:2]).pairs
    assert [pair.verdict for pair in three] == ["better", "worse", "higher"]
    assert [pair.p_holm for pair in three] == pytest.approx([3 / 64] * 3)
    more = avspatial.compare(runs, metrics=["snr", "stft_distance"], baseline="a").pairs
    assert [pair.p for pair in more] == pytest.approx([1 / 64] * 4)
    assert {pair.verdict for pair in more} == {"not distinguishable"}


def test_without_a_baseline_all_pairs_are_set_later_against_earlier(three: Comparison) -> None:
    found = avspatial.compare([one.origin for one in three.systems], metrics=["snr"])
    assert [(pair.a, pair.b) for pair in found.pairs] == [("new", "old"), ("same", "old"), ("same", "new")]


def test_control_rows_stand_once_and_those_of_a_model_under_its_name(three: Comparison) -> None:
    own = [f"blank_picture ({name})" for name in ("old", "new", "same")]
    assert list(three.controls) == [*CONTROLS, *own]
    assert three.controls["swapped"]["snr"].mean == pytest.approx(3 * reference_scores(CLIPS).mean())


def test_means_carry_an_interval_n_and_failed(three: Comparison) -> None:
    mean = three.means["old"]["snr"]
    values = np.array(list(three.systems[0].values("snr").values()))
    assert (mean.mean, mean.n, mean.failed) == (pytest.approx(values.mean()), CLIPS, 0)
    assert mean.ci95[0] < mean.mean < mean.ci95[1]


def test_a_failed_clip_of_either_system_is_out_of_the_pair_and_counted(tmp_path: Path) -> None:
    a = write_scored_run(tmp_path, "a", scores(0), broken={"000001": "no file", "000002": "nan"})
    b = write_scored_run(tmp_path, "b", scores(1), broken={"000002": "nan", "000009": "silence"})
    found = avspatial.compare([a, b])
    pair = found.pair("snr", "b", "a")
    assert (pair.n, pair.failed) == (CLIPS - 3, 3)
    assert {"000001", "000002", "000009"}.isdisjoint(pair.differences)
    assert [(of["snr"].n, of["snr"].failed) for of in found.means.values()] == [(CLIPS - 2, 2)] * 2
    assert found.failed() == {"a": 2, "b": 2}


def test_a_system_of_which_all_clips_failed_has_no_numbers_and_no_verdict(tmp_path: Path) -> None:
    values = {"snr": scores(0)["snr"][:4]}
    a = write_scored_run(tmp_path, "a", values)
    b = write_scored_run(tmp_path, "b", values, broken={f"{n:06}": "no" for n in range(4)})
    found = avspatial.compare([a, b])
    (pair,) = found.pairs
    assert (pair.difference, pair.interval, pair.p, pair.mdd, pair.n, pair.failed) == (None, None, None, None, 0, 4)
    assert pair.verdict == "not distinguishable"
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_line_that_is_missing_is_a_failure_and_a_clip_that_is_missing_damage(tmp_path: Path) -> None:
    a, b = (write_scored_run(tmp_path, name, scores(0, 6), per_recording=1) for name in "ab")
    lines = (b / "scores.jsonl").read_text().splitlines(keepends=True)
    gone = [line for line in lines if not ('"000003"' in line and '"snr"' in line and '"model"' in line)]
    assert len(gone) == len(lines) - 1
    (b / "scores.jsonl").write_text("".join(gone))
    pair = avspatial.compare([a, b], metrics=["snr"]).pairs[0]
    assert (pair.n, pair.failed) == (5, 1)

    (b / "scores.jsonl").write_text("".join(line for line in lines if '"000003"' not in line))
    with pytest.raises(RunError) as caught:
        avspatial.compare([a, b])
    expected = "scores.jsonl has 5 clips, summary.json says 6\n  Restore the file, or score the audio again."
    assert str(caught.value) == f"{b}: {expected}"


def test_one_recording_has_no_interval_and_no_verdict(tmp_path: Path) -> None:
    values = {"snr": np.arange(1.0, 9)}
    better = {"snr": np.arange(3.0, 11)}
    runs = [write_scored_run(tmp_path, f"s{n}", each, per_recording=8) for n, each in enumerate((values, better))]
    found = avspatial.compare(runs)
    assert (found.pairs[0].interval, found.pairs[0].mdd, found.pairs[0].p) == (None, None, 1)
    assert found.pairs[0].verdict == "not distinguishable"
    assert "too few recordings for the number of tests (1 for 1)" in found.notes[0]


def test_too_few_recordings_are_reported(tmp_path: Path) -> None:
    runs = [write_scored_run(tmp_path, name, scores(n, 12)) for n, name in enumerate("ab")]
    assert avspatial.compare(runs).notes == (
        "too few recordings for the number of tests (6 for 3): the smallest p that they allow is 0.094 after Holm's "
        "correction, so no verdict could be reached. Score more recordings, or fewer metrics (--metrics).",
        "One training run each: the intervals say nothing about training again with another seed.",
    )
    assert len(avspatial.compare(runs, metrics=["snr"]).notes) == 1


# Seeds and splits


def test_seeds_are_averaged_per_clip_and_their_spread_is_reported_apart(tmp_path: Path) -> None:
    values = [scores(seed) for seed in range(3)]
    for seed, each in enumerate(values):
        write_scored_run(tmp_path, "ours", each, seed=seed)
    other = write_scored_run(tmp_path, "theirs", scores(9))
    found = avspatial.compare([other, tmp_path / "ours"])
    ours = found.systems[1]
    assert (ours.name, ours.seeds, len(ours.clips)) == ("ours", 3, CLIPS)
    expected = np.mean([each["snr"] for each in values], axis=0)
    assert list(ours.values("snr").values()) == pytest.approx(expected.tolist())
    assert found.means["ours"]["snr"].n == found.pair("snr", "ours", "theirs").n == CLIPS
    assert found.between_seeds == {
        "theirs": {},
        "ours": {m: pytest.approx(np.std([each[m].mean() for each in values], ddof=1)) for m in values[0]},
    }
    assert found.notes == ()


def test_a_clip_that_failed_with_one_seed_has_failed(tmp_path: Path) -> None:
    write_scored_run(tmp_path, "ours", scores(0), seed=0)
    write_scored_run(tmp_path, "ours", scores(1), seed=1, broken={"000004": "no file"})
    other = write_scored_run(tmp_path, "theirs", scores(9))
    found = avspatial.compare([other, tmp_path / "ours"])
    assert found.systems[1].model.errors["snr"] == {"000004": "no file"}
    assert (found.means["ours"]["snr"].n, found.means["ours"]["snr"].failed) == (CLIPS - 1, 1)


def write_splits(runs: Path, name: str, shift: float, splits: int = 4) -> list[float]:
    """A run a split, 12 test clips and 48 training clips each; the means by split."""
    means = []
    for split in range(1, splits + 1):
        value = scores(10 * split, 12)["snr"] + shift + 0.01 * split * np.sign(shift)
        ids = [f"{split}{number:05}" for number in range(12)]
        write_scored_run(runs, name, {"snr": value}, split=split, train=48, clips=ids, data=f"d{split}")
        means.append(float(value.mean()))
    return means


def test_over_splits_the_variance_is_nadeaus_and_bengios(tmp_path: Path) -> None:
    a, b = write_splits(tmp_path, "a", 0.0), write_splits(tmp_path, "b", 0.3)
    found = avspatial.compare([tmp_path / "a", tmp_path / "b"])
    pair, d = found.pairs[0], np.subtract(b, a)
    error = np.sqrt((1 / 4 + 12 / 48) * d.var(ddof=1))
    assert pair.difference == pytest.approx(d.mean())
    assert pair.interval == pytest.approx((d.mean() - 3.18245 * error, d.mean() + 3.18245 * error), rel=1e-5)
    assert pair.mdd == pytest.approx(paired.detectable(error, 3))
    assert (pair.n, pair.verdict, found.splits) == (48, "better", ("1", "2", "3", "4"))
    assert found.means["a"]["snr"].mean == pytest.approx(np.mean(a))
    assert next(iter(found.clips)) == "1/100000"


def test_the_corrected_interval_is_wider_than_that_of_clips_taken_as_independent(tmp_path: Path) -> None:
    for split in range(1, 6):
        for number, name in enumerate("ab"):
            write_scored_run(tmp_path, name, {"snr": scores(split + 100 * number, 12)["snr"]}, split=split, train=48)
    pair = avspatial.compare([tmp_path / "a", tmp_path / "b"]).pairs[0]
    d = np.array(list(pair.differences.values()))
    assert pair.interval[1] - pair.interval[0] > 2 * 1.96 * d.std() / np.sqrt(len(d))


def test_a_comparison_as_json_has_the_agreed_form(three: Comparison) -> None:
    data = json.loads(json.dumps(three.to_dict(), allow_nan=False))
    assert [one["name"] for one in data["systems"]] == ["old", "new", "same"]
    assert list(data["metrics"]) == ["stft_distance", "snr", "spl_magnitude"]
    assert [list(one["conditions"]) for one in data["systems"]] == [["model", "blank_picture"]] * 3
    assert set(data["systems"][0]["conditions"]["model"]["snr"]) == {"mean", "sd", "ci95", "n", "failed"}
    assert list(data["conditions"]) == ["mono", "swapped", "reference", "level_panned"]
    first = next(pair for pair in data["pairs"] if pair["metric"] == "snr")
    assert {"a", "b", "difference", "ci95", "p", "p_holm", "effect", "mdd", "verdict"} <= set(first)
    assert (first["a"], first["b"], first["verdict"], len(first["ci95"])) == ("new", "old", "better", 2)


# What is refused

Change = Callable[..., Path]


@pytest.fixture
def against(tmp_path: Path) -> Change:
    """The message when a run `a` is set against a run `b` that was written with these changes."""

    def message(**options: object) -> str:
        values = {"snr": scores(0, 6)["snr"]}
        a = write_scored_run(tmp_path, "a", values)
        b = write_scored_run(tmp_path, "b", values, **options)
        with pytest.raises(RunError) as caught:
            avspatial.compare([a, b])
        return str(caught.value)

    return message


FIX = "  Score both on the same clips, under one convention and with the same versions, then compare."
SHIFTED = [f"{number:06}" for number in range(4, 10)]


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ({"convention": "raw"}, ["convention: fairplay in a, raw in b"]),
        ({"changes": {"snr": {"version": "2"}}}, ["snr, version: 1 in a, 2 in b"]),
        ({"changes": {"snr": {"id": "mine.snr"}}}, ["snr, id: avspatial.snr in a, mine.snr in b"]),
        ({"changes": {"snr": {"settings": {"eps": 1}}}}, ["snr, settings: {} in a, {'eps': 1} in b"]),
        ({"split": 2}, ["split: 1 in a, 2 in b"]),
        ({"data": "beef"}, ["data of split 1: f00d in a, beef in b"]),
        (
            {"clips": SHIFTED},
            [
                "4 clips only in a: 000000, 000001, 000002 and 1 more",
                "4 clips only in b: 000006, 000007, 000008 and 1 more",
            ],
        ),
        (
            {"clips": ["x", *(f"{number:06}" for number in range(1, 6))]},
            ["1 clip only in a: 000000", "1 clip only in b: x"],
        ),
        ({"per_recording": 3}, ["the recording of clip 000002: recording1 in a, recording0 in b"]),
        (
            {"reference": reference_scores(6) + np.array([0, 0, 0.1, 0, 0.2, 0])},
            [
                "the reference audio of 2 clips, first 000002: its mono scores "
                f"{1.1 * reference_scores(6)[2]:.6g} by snr in a, {1.1 * (reference_scores(6)[2] + 0.1):.6g} in b"
            ],
        ),
        (
            {"convention": "raw", "split": 3, "data": "beef"},
            ["convention: fairplay in a, raw in b", "split: 1 in a, 3 in b"],
        ),
    ],
    ids=lambda value: "" if isinstance(value, list) else ",".join(value),
)
def test_what_cannot_be_compared_is_refused_with_every_reason(
    against: Change, options: dict[str, object], lines: list[str]
) -> None:
    assert against(**options).splitlines() == ["these cannot be compared:", *(f"  {line}" for line in lines), FIX]


def test_the_first_clips_of_a_reference_row_may_differ_by_rounding(tmp_path: Path) -> None:
    values = scores(0, 6)
    a = write_scored_run(tmp_path, "a", values)
    b = write_scored_run(tmp_path, "b", values, reference=reference_scores(6) * (1 + 1e-9))
    assert len(avspatial.compare([a, b]).pairs) == 3


def test_metrics_that_not_all_have_are_left_out_and_named(tmp_path: Path) -> None:
    a = write_scored_run(tmp_path, "a", scores(0, 20))
    b = write_scored_run(tmp_path, "b", {"snr": scores(1, 20)["snr"]})
    found = avspatial.compare([a, b])
    assert list(found.metrics) == ["snr"]
    assert found.notes[:2] == (
        "stft_distance is left out: b was not scored by it.",
        "spl_magnitude is left out: b was not scored by it.",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"metrics": ["snrr"]},
            "--metrics: no system was scored by 'snrr' (did you mean 'snr'?)\n  The scores are of: stft_distance, snr.",
        ),
        (
            {"metrics": ["stft_distance"]},
            "--metrics: b was not scored by stft_distance\n  Score it with that metric.",
        ),
        ({"baseline": "c"}, "--baseline: no system is called 'c'\n  The systems are: a, b."),
        (
            {"seeds": 3},
            "--seeds, --splits, --set and --smoke say how a recipe is run, and no recipe is among the systems\n"
            "  Leave them out, or name a recipe.",
        ),
    ],
)
def test_wrong_arguments_are_reported(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    values = scores(0, 6)
    del values["spl_magnitude"]
    a = write_scored_run(tmp_path, "a", values)
    b = write_scored_run(tmp_path, "b", {"snr": values["snr"]})
    with pytest.raises(RunError) as caught:
        avspatial.compare([a, b], **arguments)
    assert str(caught.value) == message


def test_one_system_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    a = write_scored_run(tmp_path, "a", scores(0, 6))
    with pytest.raises(RunError) as caught:
        avspatial.compare([a])
    assert str(caught.value) == "a: there is nothing to compare with\n  Name two or more: avspatial compare RUN RUN."


def test_systems_without_a_common_metric_are_refused(tmp_path: Path) -> None:
    a, b = (write_scored_run(tmp_path, m, {m: scores(0, 6)[m]}) for m in ("snr", "stft_distance"))
    with pytest.raises(RunError) as caught:
        avspatial.compare([a, b])
    assert str(caught.value) == (
        "snr, stft_distance: the systems have no metric in common\n  Score them by the same metrics."
    )


@pytest.mark.parametrize("name", ["mono", "blank_picture (old)"])
def test_a_system_with_the_name_of_a_control_is_refused(tmp_path: Path, name: str) -> None:
    old = write_scored_run(tmp_path, "old", scores(0), own_rows=["blank_picture"])
    run = write_scored_run(tmp_path, name, scores(1))
    with pytest.raises(RunError) as caught:
        avspatial.compare([old, run])
    assert str(caught.value) == (
        f"{run}: a system has the name of the control {name!r}\n"
        "  Rename its folder or file, or give its run another name with `--name`."
    )


def test_a_number_that_is_taken_is_not_given_to_another_system(tmp_path: Path) -> None:
    runs = [write_scored_run(tmp_path / str(at), name, scores(at)) for at, name in enumerate(["a", "a", "a-1"])]
    assert [system.name for system in avspatial.compare(runs).systems] == ["a-2", "a-3", "a-1"]
