"""Batches are made ahead, in order, by a thread that ends with its user."""

import threading
import time

import pytest

from avspatial.training.prefetch import Prefetch


def test_everything_arrives_in_order() -> None:
    with Prefetch(lambda number: number * number, range(50)) as made:
        assert list(made) == [number * number for number in range(50)]


def test_things_are_made_while_the_consumer_works() -> None:
    def slow(number: int) -> int:
        time.sleep(0.02)
        return number

    with Prefetch(slow, range(10)) as made:
        for _ in made:
            time.sleep(0.04)
        assert made.data_wait_s < 0.1  # the first one takes 0.02 s; one after another would be 0.2 s


def test_waiting_is_measured() -> None:
    def slow(number: int) -> int:
        time.sleep(0.05)
        return number

    with Prefetch(slow, range(4)) as made:
        assert list(made) == [0, 1, 2, 3]
        assert 0.19 < made.data_wait_s < 1


def test_an_error_in_making_is_raised_at_its_place_in_the_order() -> None:
    def broken(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    got = []
    with pytest.raises(ValueError, match="two"), Prefetch(broken, range(5)) as made:
        for number in made:
            got.append(number)
    assert got == [0, 1]


def test_no_more_is_made_than_asked_for_and_the_thread_ends() -> None:
    count = 0

    def counting(number: int) -> int:
        nonlocal count
        count += 1
        return number

    before = threading.active_count()
    with Prefetch(counting, range(1000), ahead=2) as made:
        assert next(iter(made)) == 0
    assert threading.active_count() == before
    assert count <= 4
