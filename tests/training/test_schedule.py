"""The timetable: how many steps, which epoch, which learning rate, when to validate and to save."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tiny_training import supervised_settings

from avspatial.errors import RecipeError
from avspatial.interfaces import TrainingStage
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


def test_the_step_schedule_falls_after_complete_epochs() -> None:
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


def staged(first: dict, auxiliary: int = 6, windows: int = 10, **values) -> Plan:
    """A first stage of phase "a", its epochs those of the auxiliary data, then one of "b" with the settings given."""
    settings = supervised_settings(**values)
    stages = [TrainingStage(("a",), supervised_settings(**first), epochs_of="more"), TrainingStage(("b",), settings)]
    return Plan(settings, windows, stages, {"more": auxiliary})


def test_stages_follow_one_another() -> None:
    plan = staged({"steps": 2}, steps=5)
    assert [plan.phases(step) for step in range(1, 6)] == [("a",)] * 2 + [("b",)] * 3


def test_steps_count_all_stages_and_epochs_one() -> None:
    assert staged({"steps": 2}, steps=5).steps == 5
    plan = staged({"epochs": 4}, auxiliary=6, windows=10, epochs=3, batch_size=4)
    assert plan.steps == 6 + 8  # 24 windows of the auxiliary data, then 30 of the recipe's, 4 a step


def test_epochs_and_schedules_begin_anew_with_a_stage() -> None:
    first = {"steps": 4, "schedule": "step", "decay": 0.5, "decay_every": 1}
    plan = staged(first, auxiliary=8, windows=4, steps=9, batch_size=4, schedule="cosine", warmup=1)
    assert [plan.epoch(step) for step in range(1, 10)] == [0, 0, 1, 1, 0, 1, 2, 3, 4]
    rates = [plan.rate(step) for step in range(1, 10)]
    half = [0.5 * (1 + math.cos(math.pi * k / 4)) for k in range(4)]
    assert rates == pytest.approx([1, 1, 0.5, 0.5, 0.5, *half])


def test_each_stage_validates_at_the_ends_of_its_own_epochs() -> None:
    plan = staged({"steps": 4}, auxiliary=8, windows=4, steps=7, batch_size=4)
    assert [step for step in range(1, 8) if plan.validates(step)] == [2, 4, 5, 6, 7]


def test_stages_that_leave_the_last_one_nothing() -> None:
    with pytest.raises(RecipeError) as problem:
        _ = staged({"epochs": 4}, auxiliary=6, batch_size=4, steps=6).steps
    assert str(problem.value) == (
        "trainer.steps: the stages before the last one take 6 steps, and training has 6"
        "\n  Make it more, or a stage before the last shorter."
    )
