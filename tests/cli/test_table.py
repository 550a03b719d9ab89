"""What the verbs share: strict JSON and names separated by commas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import avspatial.cli
from avspatial.cli.options import names
from avspatial.cli.table import print_json


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"é": None})
    assert capsys.readouterr().out == '{"é": null}\n'
    with pytest.raises(ValueError, match="JSON"):
        print_json([float("nan")])


def test_every_verb_prints_json_by_that_function() -> None:
    for path in Path(avspatial.cli.__file__).parent.glob("*.py"):
        assert path.name == "table.py" or not re.search(r"print\(json\w*\.dumps", path.read_text()), path


def test_names_are_split_at_commas() -> None:
    assert names(" snr, stft_distance,,") == ("snr", "stft_distance")
