"""What is wrong, where, and what to do about it."""

import errno
import os

import pytest

from avspatial.errors import AvspatialError, reason


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.EACCES, os.strerror(errno.EACCES), "a.wav"), "Permission denied"),
        (ValueError("not a wav file."), "not a wav file"),
        (KeyError(), "KeyError"),
    ],
)
def test_the_reason_is_without_number_and_path(error: Exception, expected: str) -> None:
    assert reason(error) == expected


def test_place_and_fix_are_printed_where_there_are_any() -> None:
    assert str(AvspatialError("is empty")) == "is empty"
    assert str(AvspatialError("is empty", where="a.csv")) == "a.csv: is empty"
    assert str(AvspatialError("is empty", where="a.csv", fix="Fill it.")) == "a.csv: is empty\n  Fill it."
