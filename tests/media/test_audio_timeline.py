"""Audio stays in step with its time stamps: what is missing is filled, what stands twice dropped, a drift measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avspatial.media.audio_timeline import Timeline

RATE = 8000
FRAME = 160  # 20 ms


def read(stamps: Sequence[float], frame: int = FRAME) -> tuple[np.ndarray, Timeline]:
    """Frames whose samples are numbered from 1, at these time stamps in s."""
    timeline = Timeline(RATE)
    numbers = np.arange(1, len(stamps) * frame + 1, dtype=np.float32)
    blocks = [(stamp, part[None]) for stamp, part in zip(stamps, np.split(numbers, len(stamps)), strict=True)]
    out = list(timeline.in_step(blocks))
    return np.concatenate(out, 1)[0], timeline


def even(count: int, seconds: float = FRAME / RATE) -> np.ndarray:
    return np.arange(count) * seconds


def test_even_time_stamps_change_nothing() -> None:
    samples, timeline = read(even(200) + 1.7)
    np.testing.assert_array_equal(samples, np.arange(1, 200 * FRAME + 1))
    assert (timeline.gaps, timeline.dropped) == (0, 0) and abs(timeline.drift) < 1e-9


@pytest.mark.parametrize("missing", [0.004, 0.02, 0.5, 30.0])
@pytest.mark.parametrize("at", [1, 2, 60, 118, 119])
def test_a_gap_is_filled_where_it_is(missing: float, at: int) -> None:
    samples, timeline = read(even(120) + missing * (np.arange(120) >= at))
    gap = round(missing * RATE)
    assert timeline.gaps == gap and timeline.dropped == 0 and abs(timeline.drift) < 1e-6
    numbers = np.arange(1, 120 * FRAME + 1)
    expected = np.concatenate([numbers[: at * FRAME], np.zeros(gap), numbers[at * FRAME :]])
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("twice", [0.004, 0.02, 0.05, 0.5])
@pytest.mark.parametrize("at", [1, 60, 80])
def test_what_stands_twice_is_dropped_once(twice: float, at: int) -> None:
    samples, timeline = read(even(120) - twice * (np.arange(120) >= at))
    cut = round(twice * RATE)
    assert timeline.dropped == cut and timeline.gaps == 0
    np.testing.assert_array_equal(
        samples, np.delete(np.arange(1, 120 * FRAME + 1), slice(at * FRAME, at * FRAME + cut))
    )


@given(st.lists(st.floats(-0.06, 0.2), min_size=1, max_size=6), st.integers(17, 40))
@settings(max_examples=50, deadline=None)
def test_any_sequence_of_gaps_and_overlaps_stays_in_step(steps: list[float], apart: int) -> None:
    """The last frame comes at its time stamp."""
    steps = [step for step in steps if abs(step) > 0.005]
    number = np.arange((len(steps) + 1) * apart)
    stamps = even(len(number)) + np.cumsum([0.0, *steps])[number // apart]
    samples, timeline = read(stamps)
    last = int(np.flatnonzero(samples == len(number) * FRAME)[0])
    assert last == pytest.approx(stamps[-1] * RATE + FRAME - 1, abs=len(steps) + 1)
    assert len(samples) == len(number) * FRAME + timeline.gaps - timeline.dropped


@pytest.mark.parametrize("jitter", [0.0005, 0.004, 0.012])
@pytest.mark.parametrize("frame", [FRAME, 3 * FRAME])
def test_jitter_puts_no_silence_into_running_audio_and_drops_none(jitter: float, frame: int) -> None:
    noise = np.random.default_rng(0).uniform(-jitter, jitter, 1500)
    samples, timeline = read(even(1500, frame / RATE) + noise, frame)
    np.testing.assert_array_equal(samples, np.arange(1, 1500 * frame + 1))
    assert abs(timeline.drift) < 0.005


def test_a_gap_is_found_in_spite_of_jitter() -> None:
    noise = np.random.default_rng(0).uniform(-0.004, 0.004, 300)
    _, timeline = read(even(300) + noise + 0.3 * (np.arange(300) >= 150))
    assert timeline.gaps / RATE == pytest.approx(0.3, abs=0.006) and timeline.dropped == 0


@pytest.mark.parametrize("error", [-0.01, -0.0005, 0.0005, 0.01])
def test_a_slow_or_fast_clock_is_measured_and_its_audio_left_complete(error: float) -> None:
    samples, timeline = read(even(3000) * (1 + error))
    assert timeline.drift == pytest.approx(60 * error, rel=1e-6)
    np.testing.assert_array_equal(samples, np.arange(1, 3000 * FRAME + 1))


def test_a_drift_is_separated_from_the_gaps_in_it() -> None:
    number = np.arange(3000)
    _, timeline = read(even(3000) * 1.001 + 0.7 * (number >= 1000) - 0.05 * (number >= 2000))
    assert timeline.drift == pytest.approx(0.06, abs=0.003)
    assert timeline.gaps / RATE == pytest.approx(0.7, abs=0.001)
    assert timeline.dropped / RATE == pytest.approx(0.05, abs=0.001)


def test_time_stamps_that_begin_anew_drop_nothing() -> None:
    samples, timeline = read([*even(100), *even(100)])
    np.testing.assert_array_equal(samples, np.arange(1, 200 * FRAME + 1))
    assert timeline.restarts == [pytest.approx((2.0, 2.0))]


def test_each_new_beginning_is_where_it_comes_to_stand() -> None:
    """After a gap of 0.5 s, and a second time; an overlap of a second is none."""
    stamps = [*even(100), *(even(100) + 2.5), *(even(60) + 1.0), *(even(100) + 1.2), *even(100)]
    samples, timeline = read(stamps)
    assert timeline.gaps == round(0.5 * RATE) and timeline.dropped == round(1.0 * RATE)
    assert timeline.restarts == [pytest.approx((4.5, 3.5)), pytest.approx((6.7, 3.2))]
    assert len(samples) == 460 * FRAME + timeline.gaps - timeline.dropped


def test_frames_without_a_time_stamp_follow_one_another() -> None:
    timeline = Timeline(RATE)
    blocks = [(None, np.ones((1, FRAME), np.float32))] * 40
    assert sum(block.shape[1] for block in timeline.in_step(blocks)) == 40 * FRAME
    assert timeline.drift == 0
