"""The timetable: how many steps, which epoch, which learning rate, when to validate and to save."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_training import supervised_settings

from avspatial.training.schedule import Plan


def plan(windows: int = 10, **values) -> Plan:
    return Plan(supervised_settings(**values), windows)


def test_epochs_give_the_steps_that_show_every_window_in_each_of_them() -> None:
    assert plan(windows=10, epochs=3, batch_size=4).steps == 8  # 30 windows, 4 a step


def test_steps_override_epochs() -> None:
    assert plan(epochs=3, steps=5).steps == 5


def test_the_epoch_of_a_step_is_that_of_its_last_window() -> None:
    timetable = plan(windows=10, epochs=2, batch_size=4)
    assert [timetable.epoch(step) for step in range(1, 6)] == [0, 0, 1, 1, 1]


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 20))
def test_every_finished_epoch_is_validated_and_saved(windows: int, batch_size: int, epochs: int) -> None:
    timetable = plan(windows=windows, epochs=epochs, batch_size=batch_size)
    ends = {math.ceil(epoch * windows / batch_size) for epoch in range(1, epochs + 1)}
    assert {step for step in range(1, timetable.steps + 1) if timetable.validates(step)} == ends
    assert {step for step in range(1, timetable.steps + 1) if timetable.saves(step)} == ends


def test_given_intervals_count_steps_and_the_last_step_is_always_included() -> None:
    timetable = plan(steps=10, validate_every=3, checkpoint_every=4)
    assert [step for step in range(1, 11) if timetable.validates(step)] == [3, 6, 9, 10]
    assert [step for step in range(1, 11) if timetable.saves(step)] == [4, 8, 10]


def test_constant_rates_do_not_move() -> None:
    assert {plan(steps=9).rate(step) for step in range(1, 10)} == {1.0}


def test_the_step_schedule_falls_after_whole_epochs() -> None:
    timetable = plan(windows=4, batch_size=2, epochs=6, schedule="step", decay=0.5, decay_every=2)
    assert [timetable.rate(step) for step in range(1, 13)] == [1.0] * 4 + [0.5] * 4 + [0.25] * 4


def test_the_cosine_schedule_starts_at_one_is_half_in_the_middle_and_ends_near_zero() -> None:
    timetable = plan(steps=100, schedule="cosine")
    assert timetable.rate(1) == 1.0
    assert timetable.rate(51) == pytest.approx(0.5)
    assert 0 < timetable.rate(100) < 0.001


def test_warm_up_rises_in_a_straight_line_to_the_full_rate() -> None:
    timetable = plan(steps=10, warmup=3, schedule="cosine")
    assert [timetable.rate(step) for step in range(1, 5)] == pytest.approx([0.25, 0.5, 0.75, 1.0])
