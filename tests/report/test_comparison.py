"""The comparison page: its text, the selection of clips, and missing audio."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avspatial.cli.main import main
from avspatial.errors import RunError
from avspatial.evaluation.comparison.compare import Comparison
from avspatial.report.comparison.clips import compared_clips, select_clips
from avspatial.report.comparison.page import write_comparison
from avspatial.report.comparison.plots import clip_curves, forest_plot, scatter_plot
from avspatial.report.parts.embedding import size_of
from avspatial.report.parts.numbers import decimals_of_column, decimals_of_estimate, signed

Maker = Callable[..., Comparison]


def text_of(page: Path) -> str:
    """The visible text of the page."""
    text = page.read_text(encoding="utf-8")
    text = re.sub(r"<(style|script|svg).*?</\1>|<title>.*?</title>", " ", text, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_the_head_names_systems_and_clips(comparison_page: Path) -> None:
    text = text_of(comparison_page)
    assert "ours and theirs against a_ base_ line_ of_ a_ long_ name" in text
    assert "4 clips of 4 recordings, convention fairplay." in text
    assert "ours against a_base_line_of_a_long_name: not distinguishable in 4 of 4 metrics" in text
    assert " for 8): the smallest p" in text


def test_every_metric_has_its_means_differences_and_plots(comparison_page: Path) -> None:
    page = comparison_page.read_text()
    assert page.count('<span class="metric">stft distance') == 3  # the means, and two pairs
    assert page.count('aria-label="Paired differences of ') == 4
    assert len(re.findall(r'aria-label="\w+ of 4 clips: (ours|theirs) upwards', page)) == 8
    assert "−0.26" in text_of(comparison_page)  # 0.2 - 0.4, times 1.3 on average over the clips


def test_it_needs_nothing_from_outside(comparison_page: Path) -> None:
    page = comparison_page.read_text()
    addresses = re.findall(r'(?:src|href|action|poster)="([^"]*)"', page)
    assert addresses and [a[:40] for a in addresses if not a.startswith(("data:", "#"))] == []
    assert "http" not in re.sub(r'content="default-src[^"]*"', "", page).replace("http-equiv", "")


def test_ids_are_unique(comparison_page: Path) -> None:
    ids = re.findall(r'\bid="([^"]+)"', comparison_page.read_text())
    assert len(ids) == len(set(ids))


def test_the_best_and_the_worst_clip_of_each_pair_come_first(make_comparison: Maker) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2, "c": 0.6}, baseline="a")
    chosen = select_clips(comparison, "stft_distance", 2)
    # b is 0.2 (1 + 0.2 place) below a, so it wins most on the last clip; c loses most there.
    assert list(chosen) == ["000004", "000001"]
    assert chosen["000004"] == ["best for b against a (−0.320)", "worst for c against a (+0.320)"]
    assert chosen["000001"] == ["worst for b against a (−0.200)", "best for c against a (+0.200)"]
    third = select_clips(comparison, "stft_distance", 3)["000003"]
    assert third == ["second best for b against a (−0.280)"]


def test_where_more_is_better_the_best_has_the_largest_difference(make_comparison: Maker) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    pair = replace(comparison.pair("snr", "b", "a"), differences={"x": 1.0, "y": 3.0, "z": -1.0})
    chosen = select_clips(replace(comparison, pairs=(pair,)), "snr", 5)
    assert chosen == {
        "y": ["best for b against a (+3.00)"],
        "z": ["worst for b against a (−1.00)"],
        "x": ["second best for b against a (+1.00)"],
    }


@pytest.mark.slow
def test_a_system_without_audio_is_listed_as_missing(make_comparison: Maker, tmp_path: Path) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    for wav in tmp_path.glob("runs/b/*/outputs/000004/predicted_binaural.wav"):
        wav.unlink()
    page = write_comparison(comparison, tmp_path / "page.html", clips=2)
    text = text_of(page)
    assert text.count("b: no such audio file") == 2 and "Not shown" not in text  # with and without a script
    assert page.read_text().count("<audio") == 3 + 4
    bare = {key: replace(clip, predicted=None) for key, clip in comparison.systems[0].clips.items()}
    systems = (replace(comparison.systems[0], clips=bare), comparison.systems[1])
    page = write_comparison(replace(comparison, systems=systems), tmp_path / "page.html", clips=1)
    assert "a: no audio was saved b: no such audio file" in text_of(page)
    assert page.read_text().count("<audio") == 2


@pytest.mark.slow
def test_without_a_reference_the_numbers_remain(make_comparison: Maker, tmp_path: Path) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    bare = [
        replace(system, clips={k: replace(c, predicted=None, reference=None) for k, c in system.clips.items()})
        for system in comparison.systems
    ]
    page = write_comparison(replace(comparison, systems=tuple(bare)), tmp_path / "page.html", clips=1)
    text = text_of(page)
    assert "No audio and no plots. Reference: no audio was saved." in text and "headphones" not in text
    assert "best for b against a (−0.320)" in text and "Paired differences" in text
    assert "<audio" not in page.read_text()


@pytest.mark.slow
def test_a_clip_that_would_make_the_page_too_large_is_named(make_comparison: Maker) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    shown, left_out = compared_clips(comparison, {"000001": [], "000002": []}, budget=1)
    assert [clip.clip for clip in shown] == ["000001"] and size_of(shown[0]) > 50_000
    assert left_out == ["000002 (the page would be too large)"]


def test_a_mean_has_its_verdict_against_the_baseline(make_comparison: Maker, tmp_path: Path) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    pairs = tuple(replace(pair, verdict="better", doubt="") for pair in comparison.pairs)
    page = write_comparison(replace(comparison, pairs=pairs), tmp_path / "p.html", clips=0).read_text()
    assert page.count('title="better than a"') == len(comparison.metrics)
    page = write_comparison(comparison, tmp_path / "p.html", clips=0).read_text()
    assert page.count('title="not distinguishable from a"') == len(comparison.metrics)
    assert page.count('<span class="doubt">p is not below 0.05</span>') == 3
    assert page.count('<span class="doubt">no difference</span>') == 1  # every spl_magnitude is 0.8


@pytest.mark.slow
def test_tracks_that_would_clip_are_lowered_together(make_comparison: Maker, tmp_path: Path) -> None:
    page = write_comparison(make_comparison({"a": 0.4, "b": 0.2}, louder=4.0), tmp_path / "p.html", clips=1)
    assert re.search(r"all played \d+\.\d dB softer to avoid clipping", text_of(page))


def test_a_metric_that_was_not_compared(make_comparison: Maker, tmp_path: Path) -> None:
    with pytest.raises(RunError) as refused:
        write_comparison(make_comparison({"a": 0.4, "b": 0.2}), tmp_path / "p.html", metric="snrr")
    assert str(refused.value) == (
        "'snrr' was not compared (did you mean 'snr'?)\n  Compared were: stft_distance, snr, left_right, spl_magnitude."
    )
    assert not (tmp_path / "p.html").exists()


def test_the_verb_writes_the_page(make_comparison: Maker, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(system.runs[0].path) for system in make_comparison({"a": 0.4, "b": 0.2}).systems]
    page = tmp_path / "new" / "page.html"
    options = ["--html", str(page), "--clips", "1", "--by", "snr", "--metrics", "snr", "--json"]
    assert main(["compare", *paths, *options]) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1 and f"Page: {page}\n" in err
    assert (
        "best and worst clips of each pair in turn, by snr" in text_of(page) and page.read_text().count("<article") == 1
    )


def test_a_point_stands_where_the_page_puts_its_ring(make_comparison: Maker) -> None:
    """The position of the overlay is that of the drawn marker."""
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    plot = scatter_plot(comparison, "snr", "b", "a", "s")
    assert plot is not None and plot.counts == (4, 0, 0)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', str(plot.svg)).groups())  # type: ignore[union-attr]
    group = str(plot.svg).split("PathCollection")[1]
    drawn = {(float(x), float(y)) for x, y in re.findall(r'<use [^>]*?x="([\d.]+)" y="([\d.]+)"', group)}
    for point in plot.points:
        x, y = point.left / 100 * width, point.top / 100 * height
        assert min(abs(x - u) + abs(y - v) for u, v in drawn) < 0.01


def test_a_hollow_marker_is_a_difference_that_is_not_established(make_comparison: Maker) -> None:
    comparison = make_comparison({"a": 0.4, "b": 0.2})
    pair = comparison.pair("snr", "b", "a")
    hollow, filled = (
        str(forest_plot(replace(comparison, pairs=(replace(pair, verdict=verdict),)), "snr", "f").svg)  # type: ignore[union-attr]
        for verdict in ("not distinguishable", "better")
    )
    assert "fill: none; stroke: var(--system1)" in hollow or 'style="fill: none; stroke: var(--system1)' in hollow
    assert "fill: none; stroke: var(--system1); stroke-width: 1.8" not in filled


def test_the_curves_of_a_sound_from_the_left_are_above_zero() -> None:
    sound = 0.1 * np.random.default_rng(0).standard_normal(16000)
    left = np.stack([sound, 0.5 * np.roll(sound, 5)])
    curves = clip_curves(left, {0: left[::-1]}, 16000)
    for reference, system in (curves.levels, curves.times):
        assert np.nanmedian(reference.values) > 0 > np.nanmedian(system.values)
    assert np.nanmedian(curves.times[0].values) == pytest.approx(5e6 / 16000, abs=5)


def test_digits_follow_the_interval() -> None:
    narrow, none = (1.0, 1.0 + 1e-9), None
    cases = [((0.9, 1.3), 1.1), ((10, 90), 50.0), ((0.0012, 0.0015), 0.0013), ((-0.487, 1.792), 0.365), (narrow, 1.0)]
    cases += [((0.9987, 1.0), 0.9996), ((-1.0, -1.0), -1.0), (none, 2.5), (none, none)]
    decimals = [decimals_of_estimate(value, interval) for interval, value in cases]
    assert decimals == [2, 0, 6, 2, 4, 4, 2, 2, 3]
    assert [signed(value, 2) for value in (1.0, -1.0, 0.001, None)] == ["+1.00", "−1.00", "0.00", "–"]


def test_digits_of_a_column_are_those_of_its_smaller_numbers() -> None:
    columns = [(12.3, 0.5), (12.3, 0.0005), (0.0, None), (float("nan"), 250.0)]
    assert [decimals_of_column(values) for values in columns] == [3, 3, 3, 0]
