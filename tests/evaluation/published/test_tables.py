"""The published tables and the limits of their audit, each measured on signals that reach it."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, lfilter, sosfilt

from avspatial.errors import AvspatialError
from avspatial.evaluation.published.audit import (
    CONSISTENT,
    IMPOSSIBLE,
    SUSPICIOUS,
    audit,
    check_claim,
    improvements,
    parseval,
)
from avspatial.evaluation.published.own_results import differences, read_result
from avspatial.evaluation.published.tables import chosen_tables, published
from avspatial.interfaces import Convention
from avspatial.metrics import envelope_distance, snr, stft_distance, wave_l2
from avspatial.registry import Registry

RATE = 16000
SILENCE = np.zeros((2, 10 * RATE))


def ratio(error: np.ndarray, convention: Convention = Convention()) -> float:  # noqa: B008 -- frozen
    """STFT distance over Wave L2 of that error, (2, T)."""
    reference = np.zeros_like(error)
    return 1e3 * stft_distance(error, reference, convention) / wave_l2(error, reference)


def noise(seed: int, colour: float, samples: int = 10 * RATE) -> np.ndarray:
    """Noise through a one-pole filter: near 1 low, near -1 high."""
    return lfilter([1], [1, -colour], 0.1 * np.random.default_rng(seed).standard_normal((2, samples)))


def test_white_noise_scores_150() -> None:
    assert ratio(noise(0, 0.0)) == pytest.approx(150.0, rel=1e-3)


def test_errors_of_speech_and_music_score_the_even_ratio() -> None:
    times = np.arange(10 * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * times + f) / f for f in (131.3, 262.7, 391.1, 988.9))
    band = butter(2, [200, 4000], "bandpass", fs=RATE, output="sos")
    swelling = sosfilt(band, noise(1, 0.0)) * (1 + np.sin(2 * np.pi * 3 * times))
    for error in (np.stack([tones, -tones]), swelling):
        assert ratio(error) == pytest.approx(parseval(10).even, rel=2e-3)


def test_a_constant_error_scores_the_constant_ratio() -> None:
    assert ratio(np.full_like(SILENCE, 0.01)) == pytest.approx(parseval(10).constant, rel=1e-3)


def test_an_error_in_step_with_the_hop_comes_down_to_the_least_and_no_further() -> None:
    """One sample a hop where the windows weigh least, with alternating signs, so that bins 0 and 256 hold nothing."""
    found = []
    for place in range(0, 160, 4):
        error = np.zeros((2, 2 * RATE))
        error[:, place::160] = np.random.default_rng(place).choice([-1, 1], error[:, place::160].shape)
        found.append(ratio(error))
    least = parseval(2).least
    assert least <= min(found) <= 1.01 * least
    assert max(found) > 1.15 * min(found)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    colour=st.floats(-0.999, 0.999),
    hops=st.integers(20, 120),
    gate=st.integers(1, 160),
    offset=st.floats(-0.2, 0.2),
)
def test_no_error_leaves_the_limits(seed: int, colour: float, hops: int, gate: int, offset: float) -> None:
    samples = 160 * hops
    error = (noise(seed, colour, samples) + offset) * (np.arange(samples) % 160 < gate)
    limits = parseval(samples / RATE)
    assert limits.least <= ratio(error) * (1 + 1e-9)
    assert ratio(error) <= limits.most * (1 + 1e-9)


def test_another_window_shifts_the_even_ratio() -> None:
    wide = Convention("wide", window=512)
    assert ratio(noise(2, 0.3), wide) == pytest.approx(parseval(10, window=512).even, rel=5e-3)
    assert parseval(10, window=512).even == pytest.approx(191, abs=0.5)


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), colour=st.floats(-0.99, 0.99), gain=st.floats(-2, 2), balance=st.floats(0, 1))
def test_the_envelope_distance_is_within_what_the_wave_distance_allows(
    seed: int, colour: float, gain: float, balance: float
) -> None:
    reference = noise(seed, 0.2, 4000)
    prediction = gain * reference + noise(seed + 1, colour, 4000) * np.array([[balance], [1 - balance]])
    most = math.sqrt(8e-3 * wave_l2(prediction, reference))
    assert envelope_distance(prediction, reference) <= most * (1 + 1e-9)


def test_snr_and_wave_distance_bound_the_level_of_the_references() -> None:
    generator = np.random.default_rng(3)
    pairs = [(noise(s, 0.2, 4000) * generator.uniform(0.05, 3), noise(s + 99, 0, 4000)) for s in range(20)]
    mean_snr = np.mean([snr(x + e, x) for x, e in pairs])
    mean_wave = np.mean([wave_l2(x + e * 0.3, x) for x, e in pairs])
    level = np.mean([10 * np.log10(np.square(x).mean()) for x, _ in pairs])
    assert mean_snr + 10 * np.log10(np.mean([wave_l2(x + e, x) for x, e in pairs]) / 1e3) >= level
    assert mean_snr + 10 * np.log10(mean_wave / 1e3) < level  # a Wave L2 of other files is found out


def verdicts(*tables: str) -> dict[tuple[str, str], str]:
    found = audit(chosen_tables(tables))
    return {(f.table, f.row): f.verdict for f in found if f.verdict != CONSISTENT}


def test_the_rows_that_give_cause_to_doubt() -> None:
    assert verdicts() == {
        ("fairplay", "MONO2BINAURAL"): SUSPICIOUS,
        ("fairplay", "Sep-Stereo"): IMPOSSIBLE,
        ("fairplay", "Complete network"): SUSPICIOUS,
        ("yt_music", "MONO2BINAURAL"): SUSPICIOUS,
        ("yt_music", "APNet"): SUSPICIOUS,
        ("yt_music", "Sep-Stereo"): SUSPICIOUS,
        ("yt_music", "Main network"): SUSPICIOUS,
        ("yt_music", "Complete network"): SUSPICIOUS,
    }


def test_a_finding_states_the_ratio_and_the_reason() -> None:
    found = {f.row: f for f in audit(chosen_tables(["fairplay"])) if f.check == "stft_to_wave"}
    assert found["Sep-Stereo"].value == pytest.approx(134.7, abs=0.05)
    assert found["Sep-Stereo"].text == (
        "STFT / Wave L2 = 134.7; no error scores below 136.4: not one set of files and one convention"
    )


@pytest.mark.parametrize(
    ("cells", "check", "verdict"),
    [
        ({"stft_distance": 2.0, "wave_l2": 6.0}, "stft_to_wave", IMPOSSIBLE),
        ({"stft_distance": 1.5, "wave_l2": 6.0}, "stft_to_wave", SUSPICIOUS),
        ({"wave_l2": 6.0, "envelope_distance": 0.3}, "envelope", IMPOSSIBLE),
        ({"stft_distance": 0.9, "envelope_distance": 0.3}, "envelope", IMPOSSIBLE),
        ({"phase_distance": 1.3}, "mono_phase", SUSPICIOUS),
    ],
)
def test_planted_rows_are_found(cells: dict[str, float], check: str, verdict: str) -> None:
    decimals = dict.fromkeys(cells, 3)
    planted = replace(chosen_tables(["fairplay_clean"])[0], rows={"Mono": cells}, decimals=decimals)
    assert [(f.check, f.verdict) for f in audit([planted])] == [(check, verdict)]


def test_claims_are_held_against_the_tables() -> None:
    sagm, clup = published().claims
    assert check_claim(sagm).holds
    assert check_claim(sagm).notes == ("fairplay: Complete network has the same ENV to the printed digit",)
    assert check_claim(clup).holds and "Wave L2: better by 7.7 % than SAGM" in check_claim(clup).notes
    beaten = check_claim(replace(sagm, row="Complete network", tables=("fairplay",)))
    assert not beaten.holds and "fairplay: SAGM is better in STFT" in beaten.notes
    wrong = check_claim(replace(clup, figures={"snr": (7.546, 7.0)}))
    assert not wrong.holds and wrong.notes[0] == "SNR: the tables here say 7.546 and 7.044"


def test_improvements_are_recomputed() -> None:
    gains = {(g.other, g.metric): g.gain for g in improvements(chosen_tables(["yt_music"])[0], "SAGM")}
    assert gains["MONO2BINAURAL", "stft_distance"] == pytest.approx(100 * (1.346 - 0.875) / 1.346)
    assert gains["Main network", "snr"] == pytest.approx(0.028)


def test_columns_are_the_components_units_and_directions(builtin_registry: Registry) -> None:
    for name, column in published().columns.items():
        metric = builtin_registry.get("metric", name).target_class()
        assert (metric.unit[name], metric.higher_is_better[name]) == (column.unit, column.higher_is_better)


def test_every_table_is_complete() -> None:
    for table in published().tables.values():
        for row, cells in table.rows.items():
            assert set(cells) == set(table.decimals) <= set(published().columns), (table.name, row)
            for metric, value in cells.items():
                assert round(value, table.decimals[metric]) == value
        assert table.unknown and table.place and table.taken


def test_a_table_that_is_not_there() -> None:
    with pytest.raises(AvspatialError) as refused:
        chosen_tables(["yt-music"])
    assert str(refused.value) == (
        "unknown published table 'yt-music' (did you mean 'yt_music'?)\n"
        "  Tables: fairplay, yt_music, ablations, fairplay_clean, clup"
    )


def write_run(folder: Path) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text("{}")
    (folder / "recipe.resolved.yaml").write_text("name: mine\ndata: {use: avspatial.fairplay@1, split: 3}\n")
    entry = {"mean": 0.9, "ci95": [None, None], "n": 2, "failed": 1}
    rows = {"model": {"stft_distance": entry, "snr": {**entry, "mean": None}}}
    (folder / "summary.json").write_text(json.dumps({"convention": "fairplay", "clips": 3, "failed": 1, "rows": rows}))
    return folder


def test_a_run_lists_its_differences_to_a_table(tmp_path: Path) -> None:
    own = read_result(write_run(tmp_path / "run"))
    assert (own.name, own.data, own.means) == ("mine", "fairplay", {"stft_distance": 0.9})
    assert differences(own, chosen_tables(["clup"])[0]) == [
        "split: split 3, published: the 10 random splits",
        "convention: fairplay, published: not known (rate, normalization, n_fft and window of the STFT distance, "
        "padding, epsilon of the SNR)",
        "1 of 3 clips failed and are not in the means",
    ]


def test_an_evaluation_lists_its_differences_to_a_table(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    entry = {"mean": 5.1, "n": 2, "failed": 0}
    file.write_text(json.dumps({"convention": "raw", "clips": 2, "failed": 0, "metrics": {"wave_l2": entry}}))
    own = read_result(file)
    assert (own.name, own.convention, own.means) == ("mine", "raw", {"wave_l2": 5.1})
    assert differences(own, chosen_tables(["clup"])[0])[0] == "data: not recorded, published: fairplay"


FIX = "  Give a finished run, a folder from `avspatial evaluate --save`, or a file with its JSON."


def test_results_that_are_not_there_or_none(tmp_path: Path) -> None:
    with pytest.raises(AvspatialError) as refused:
        read_result(tmp_path)
    assert str(refused.value) == f"{tmp_path}: holds no results\n{FIX}"
    (tmp_path / "x.json").write_text('{"clips": 3}')
    with pytest.raises(AvspatialError) as refused:
        read_result(tmp_path / "x.json")
    assert str(refused.value) == f"{tmp_path}/x.json: is no summary of scores (KeyError: 'metrics')\n{FIX}"
