"""A run that is filled while it is created appears complete or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from avspatial.errors import RunError
from avspatial.runs import new_run, open_run


def test_it_appears_when_it_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "mine"
    with new_run(path, "mine", "resolved", "original", {"state": "imported"}) as run:
        (run.path / "more").write_text("filled")
        assert not path.exists()
    made = open_run(path)
    assert (made.path / "more").read_text() == "filled"
    assert (made.recipe.read_text(), made.resolved.read_text()) == ("original", "resolved")
    assert made.metadata["name"] == "mine" and made.metadata["state"] == "imported" and not made.finished


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), new_run(tmp_path / "mine", "mine", "resolved", "original"):
        raise KeyError("stopped")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(RunError) as error, new_run(tmp_path / "mine", "mine", "resolved", "original"):
        pytest.fail("there is nothing to fill")
    assert str(error.value) == (
        f"{tmp_path}/mine: this run directory already exists\n"
        f"  Resume it with `avspatial run --resume {tmp_path}/mine`, or start another run with `--name NAME` or "
        "`--runs DIR`."
    )
