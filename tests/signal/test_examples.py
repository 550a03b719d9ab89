"""The examples in the docstrings of the signal modules print what they say."""

import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize("name", ["stereo", "level", "spectrogram"])
def test_examples(name: str) -> None:
    result = doctest.testmod(import_module(f"avspatial.signal.{name}"))
    assert (result.failed, result.attempted > 0) == (0, True)
