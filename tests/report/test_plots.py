"""The drawings: what is drawn lies where the page's cursor expects it, in the colours of the scheme."""

from __future__ import annotations

import re

import numpy as np

from avspatial.interfaces import Truth
from avspatial.report.parts.clip_plots import ClipAudio, level_plot, spectrogram_grid
from avspatial.report.parts.numbers import decimals_for, number
from avspatial.report.parts.svg import PREDICTION, figure, inline_svg, plain_axes

RATE = 16000


def sounds(seconds: float = 2.0, left_db: float = 6.0) -> ClipAudio:
    tone = 0.1 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * RATE)) / RATE)
    stereo = np.stack([tone * 10 ** (left_db / 20), tone])
    return ClipAudio(stereo, stereo[::-1], stereo.mean(0, keepdims=True), RATE)


def path_points(svg: str, colour: str) -> np.ndarray:
    """The points (x, y) of the longest curve of that colour, y downwards as in SVG."""
    curves = re.findall(rf'<path d="([^"]+)"[^>]*style="[^"]*stroke: var\(--{colour}\)', svg)
    longest = max(curves, key=len)
    return np.array([[float(v) for v in pair] for pair in re.findall(r"[ML] ([\d.-]+) ([\d.-]+)", longest)])


def test_left_is_up() -> None:
    svg = str(level_plot(sounds(), None, "a", "clip", size=(920, 300)).svg)
    louder_left, louder_right = path_points(svg, "reference"), path_points(svg, "prediction")
    silent_middle = path_points(svg, "mono")
    assert louder_left[:, 1].max() < silent_middle[:, 1].min() < louder_right[:, 1].min()


def test_the_true_azimuth_has_its_own_axis_and_left_is_up_there_too() -> None:
    truth = Truth(10.0, np.array([[70.0] * 20, [-70.0] * 20]), np.array([[1.0] * 20, [1e-9] * 20]))
    svg = str(level_plot(sounds(), truth, "a", "clip", size=(920, 380)).svg)
    assert svg.count(">left<") == svg.count(">right<") == 2
    drawn = re.findall(r"stroke: var\(--truth\)", svg)
    assert len(drawn) >= 1
    heights = path_points(svg, "truth")[:, 1]
    zero = path_points(svg, "faint")[:, 1].mean()
    assert heights.mean() < zero


def test_the_cursor_span_is_the_time_axis() -> None:
    plot = level_plot(sounds(), None, "a", "clip", size=(920, 300))
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', str(plot.svg))[1])  # type: ignore[index]
    drawn = path_points(str(plot.svg), "reference")[:, 0] / width
    first_frame, last_frame = 0.05 / 2.0, 1.95 / 2.0
    span = plot.end - plot.begin
    assert np.isclose(drawn.min(), plot.begin + first_frame * span, atol=2e-3)
    assert np.isclose(drawn.max(), plot.begin + last_frame * span, atol=2e-3)


def test_the_colours_of_a_drawing_become_those_of_the_page() -> None:
    drawing = figure(200, 100)
    axes = drawing.subplots()
    plain_axes(axes)
    axes.plot([0, 1], [0, 1], color=PREDICTION)
    svg = str(inline_svg(drawing, "x", 'a "quoted" <description>'))
    assert "var(--prediction)" in svg and PREDICTION not in svg
    assert 'aria-label="a &#34;quoted&#34; &lt;description&gt;"' in svg
    assert "http" not in svg and "<style" not in svg and "DejaVu" not in svg


def test_a_silent_clip_is_drawn() -> None:
    silence = np.zeros((2, RATE))
    quiet = ClipAudio(silence, silence, silence[:1], RATE)
    assert "svg" in level_plot(quiet, None, "a", "clip", size=(400, 260)).svg
    assert "svg" in spectrogram_grid({"Reference": silence}, RATE, "b", "clip")


def test_a_clip_shorter_than_a_frame_is_drawn() -> None:
    short = sounds(0.02)
    assert "svg" in level_plot(short, None, "a", "clip", size=(400, 260)).svg
    assert "svg" in spectrogram_grid({"Reference": short.reference}, RATE, "b", "clip")


def test_numbers_keep_three_figures_and_a_true_minus() -> None:
    assert [number(v, decimals_for(v)) for v in (0.01234, 1.234, 123.4, -2.5)] == ["0.0123", "1.23", "123", "−2.50"]
    assert [number(v, 2) for v in (float("inf"), float("-inf"), float("nan"), None, -0.001)] == [
        "∞", "−∞", "–", "–", "0.00",
    ]  # fmt: skip
