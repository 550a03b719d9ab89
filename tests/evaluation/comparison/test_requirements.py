"""Statements that a comparison must bear out: both ways, and every way to write one wrong."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.scored_runs import reference_scores, write_scored_run

import avspatial
from avspatial.errors import RunError
from avspatial.evaluation.comparison.compare import Comparison, against_control
from avspatial.evaluation.comparison.requirements import answer, parse_statement
from avspatial.evaluation.statistics.paired import holm


def snr(seed: int, shift: float = 0.0) -> dict[str, np.ndarray]:
    noise = 0.05 * np.random.default_rng(seed).standard_normal(40)
    return {"snr": 6 + shift - reference_scores(40) + noise, "stft_distance": reference_scores(40) - shift + noise}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """`old.1`, `new.2` (0.2 dB better) and `same`."""
    folder = tmp_path_factory.mktemp("runs")
    shifts = {"old.1": 0.0, "new.2": 0.2, "same": 0.0}
    return [write_scored_run(folder, name, snr(seed, shift)) for seed, (name, shift) in enumerate(shifts.items())]


@pytest.fixture(scope="module")
def comparison(runs: list[Path]) -> Comparison:
    return avspatial.compare(runs)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("new.2.snr > old.1", True),
        ("new.2.snr>old.1.snr", True),
        ("old.1.snr < new.2", True),
        ("new.2.snr < old.1", False),
        ("new.2.stft_distance < baseline", True),
        ("model.snr > baseline", False),  # the last one, `same`, against the first
        ("model.snr < new.2", True),
        ("same.snr < old.1", False),
        ("same.snr > old.1", False),
        ("new.2.snr > 4.9", True),
        ("new.2.snr > 5.4", False),  # its mean is below
        ("old.1.snr < 6", True),
    ],
)
def test_a_statement_holds_where_the_difference_is_established(comparison: Comparison, text: str, holds: bool) -> None:
    assert answer(comparison, parse_statement(text)).holds is holds


def test_a_number_inside_the_interval_is_not_established_although_the_mean_is_beyond_it(
    comparison: Comparison,
) -> None:
    mean = comparison.means["new.2"]["snr"]
    between = (mean.mean + mean.ci95[0]) / 2
    assert not answer(comparison, parse_statement(f"new.2.snr > {between}")).holds


def test_the_answer_says_the_numbers(comparison: Comparison) -> None:
    pair = comparison.pair("snr", "new.2", "old.1")
    numbers = (
        f"difference {pair.difference:+.6g}, 95 % interval {pair.interval[0]:+.6g} .. {pair.interval[1]:+.6g}, "
        f"p {pair.p_holm:.3g} after Holm, 40 clips"
    )
    text = "new.2.snr > old.1"
    assert str(answer(comparison, parse_statement(text))) == f"{text}: holds: new.2 is higher ({numbers})"
    text = "new.2.snr < old.1"
    assert str(answer(comparison, parse_statement(text))) == f"{text}: does not hold: new.2 is higher ({numbers})"
    unclear = comparison.pair("snr", "same", "old.1")
    message = str(answer(comparison, parse_statement("same.snr > old.1")))
    assert message.startswith("same.snr > old.1: does not hold: not distinguishable (difference ")
    assert message.endswith(f"40 clips, detectable {unclear.mdd:.6g})")
    mean = comparison.means["old.1"]["snr"]
    assert answer(comparison, parse_statement("old.1.snr < 9")).why == (
        f"mean {mean.mean:.6g}, 95 % interval {mean.ci95[0]:.6g} .. {mean.ci95[1]:.6g}, 40 clips"
    )


def test_turned_round_the_numbers_change_their_sign(comparison: Comparison) -> None:
    pair = comparison.pair("snr", "new.2", "old.1")
    why = answer(comparison, parse_statement("old.1.snr < new.2")).why
    assert why.startswith(f"old.1 is lower (difference {-pair.difference:+.6g}, 95 % interval {-pair.interval[1]:+.6g}")


def test_nothing_is_established_while_clips_failed(runs: list[Path], tmp_path: Path) -> None:
    broken = write_scored_run(tmp_path, "broken", snr(1, 5.0), broken={"000003": "no file"})
    found = avspatial.compare([runs[0], broken])
    assert found.pair("snr", "broken", "old.1").verdict == "better"
    for text in ("broken.snr > old.1", "broken.snr > 0"):
        result = answer(found, parse_statement(text))
        assert not result.holds
        assert result.why.startswith("1 clip failed, and those that are left may be the easy ones (")


def test_the_words_model_and_baseline(runs: list[Path]) -> None:
    found = avspatial.compare(runs, baseline="new.2")
    pair = found.pair("snr", "same", "new.2")
    why = answer(found, parse_statement("model.snr < baseline")).why
    assert why.startswith(f"same is lower (difference {pair.difference:+.6g}")


class TestControlRows:
    """The scores of a row are those of the reference, times a factor; the systems' are its own, less their shift."""

    def test_a_statement_against_one_holds_where_the_difference_is_established(self, comparison: Comparison) -> None:
        for text, holds in (
            ("new.2.stft_distance < mono", True),
            ("new.2.stft_distance > mono", False),
            ("new.2.stft_distance < mono.stft_distance", True),
            ("model.stft_distance > swapped", False),
        ):
            assert answer(comparison, parse_statement(text)).holds is holds, text

    def test_its_test_is_one_more(self, comparison: Comparison) -> None:
        found = against_control(comparison, "new.2", "mono", "stft_distance")
        values = comparison.systems[1].values("stft_distance"), comparison.systems[0].conditions["mono"].values
        expected = np.mean([values[0][clip] - values[1]["stft_distance"][clip] for clip in values[0]])
        assert found.difference == pytest.approx(expected) and found.n == 40
        tests = [*(pair.p for pair in comparison.pairs), found.p]
        assert found.p_holm == pytest.approx(holm(tests)[-1])
        why = answer(comparison, parse_statement("new.2.stft_distance < mono")).why
        assert why.startswith(f"new.2 is lower (difference {expected:+.6g}, 95 % interval ")

    def test_a_row_that_the_model_makes_is_the_systems_own(self, tmp_path: Path) -> None:
        runs = [write_scored_run(tmp_path, name, snr(n), own_rows=["blank_picture"]) for n, name in enumerate("ab")]
        found = avspatial.compare(runs)
        assert answer(found, parse_statement("b.stft_distance < blank_picture")).holds
        with pytest.raises(RunError, match=r"has its scores\n  There are: .*, blank_picture \(b\)"):
            answer(found, parse_statement("b.stft_distance < mirrored_picture"))

    def test_rows_that_no_system_has_are_reported(self, comparison: Comparison) -> None:
        bare = replace(comparison, controls={})
        with pytest.raises(RunError) as caught:
            answer(bare, parse_statement("model.stft_distance < mono"))
        assert str(caught.value) == (
            "--require: mono is a control, and no system that is compared has its scores\n"
            "  There are none. `avspatial evaluate --controls mono --save DIR` keeps it."
        )

    def test_on_the_left_stands_a_system(self, comparison: Comparison) -> None:
        with pytest.raises(RunError) as caught:
            answer(comparison, parse_statement("mono.stft_distance > model"))
        assert str(caught.value) == (f"--require: 'mono' is a control, which can stand on the right alone\n{GRAMMAR}")


GRAMMAR = "  Write SYSTEM.METRIC < SYSTEM or SYSTEM.METRIC > NUMBER, as in model.stft_distance < baseline."
SYSTEMS = "  The systems are: old.1, new.2, same; `model` is same, `baseline` is old.1."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model better", f"--require: 'model better' is not understood\n{GRAMMAR}"),
        (
            "model.snr >= 3",
            f"--require: >= cannot be required: data can establish a difference, never that there is none\n{GRAMMAR}",
        ),
        ("model > baseline", f"--require: 'model' names no metric\n{GRAMMAR}"),
        ("modell.snr > 3", f"--require: no system is called 'modell' (did you mean 'model'?)\n{SYSTEMS}"),
        ("same.snr > nwe.2", f"--require: no system is called 'nwe.2' (did you mean 'new.2'?)\n{SYSTEMS}"),
        (
            "same.snrr > 3",
            "--require: 'snrr' was not compared (did you mean 'snr'?)\n  Compared are: snr, stft_distance.",
        ),
        (
            "same.snr > new.2.stft_distance",
            "--require same.snr > new.2.stft_distance: snr and stft_distance are two metrics, and no difference "
            "between them means anything\n  Name the same metric on both sides.",
        ),
        (
            "same.snr > model",
            "--require same.snr > model: it sets a system against itself\n  Name two systems.",
        ),
    ],
)
def test_what_is_no_statement_is_reported(comparison: Comparison, text: str, message: str) -> None:
    with pytest.raises(RunError) as caught:
        answer(comparison, parse_statement(text))
    assert str(caught.value) == message


def test_two_systems_that_a_baseline_kept_apart_are_reported(runs: list[Path]) -> None:
    found = avspatial.compare(runs, baseline="old.1")
    with pytest.raises(RunError) as caught:
        answer(found, parse_statement("new.2.snr > same"))
    assert str(caught.value) == (
        "--require new.2.snr > same: new.2 and same were not set against each other\n"
        "  Leave out --baseline to compare all pairs, or make one of them the baseline."
    )
