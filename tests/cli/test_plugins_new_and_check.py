"""`avspatial plugins new` and `avspatial plugins check`."""

import json
import sys
from pathlib import Path

import pytest

from avspatial.cli.main import main
from avspatial.plugin import KINDS


@pytest.fixture(autouse=True)
def _path_and_environment_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("AVSPATIAL_PLUGINS", "")


@pytest.mark.parametrize(
    "kind",
    [kind if kind in {"metric", "visual_encoder"} else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS],
)
def test_a_new_plugin_of_every_kind_passes_every_check(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"fresh_{kind}"
    assert main(["plugins", "new", kind, name, "--into", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    folder = tmp_path / name
    assert sorted(map(Path, out.split())) == sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(out.split()) == 5
    assert err == f"Check it with: avspatial --plugins {folder} plugins check {name}\n"

    assert main(["--plugins", str(folder), "plugins", "check", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert not [line for line in lines if line.startswith(("failed", "expected"))]
    passed, skipped = (sum(line.startswith(status) for line in lines) for status in ("passed", "skipped"))
    assert len(lines) == passed + skipped + 1
    assert lines[-1] == f"{passed + skipped} checks: {passed} passed, 0 failed, 0 failed as expected, {skipped} skipped"


@pytest.mark.slow
def test_a_folder_is_checked_by_its_path_and_what_fails_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", "new", "metric", "one_eared", "--into", str(tmp_path)]) == 0
    path = tmp_path / "one_eared/src/avspatial_one_eared/metric.py"
    path.write_text(path.read_text().replace("left, right = ", "left, right = 0.1 + "))
    capsys.readouterr()
    assert main(["plugins", "check", str(tmp_path / "one_eared")]) == 1
    out = capsys.readouterr().out
    expected = "metric one_eared.one_eared  gain_as_declared: declared invariant to gain, which changes one_eared"
    assert f"failed    {expected}\n" in out
    assert "testing/checks/metrics.py:" in out
    assert "1 failed" in out.splitlines()[-1]

    assert main(["plugins", "check", str(tmp_path / "one_eared"), "--json"]) == 1
    expected = json.loads(capsys.readouterr().out)
    assert (expected["failed"], expected["expected"], expected["checks"]) == (1, 0, len(expected["results"]))
    assert {"subject", "check", "status", "note", "statement"} == set(expected["results"][0])


ERRORS = [
    (
        ["metrik", "mine"],
        "unknown kind 'metrik' (did you mean 'metric'?)\n  Kinds: " + ", ".join(KINDS) + ".",
    ),
    (
        ["metric", "My-Metric"],
        "the name 'My-Metric' must be lower-case words of letters and digits, joined by underscores\n"
        "  For instance: room_balance.",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_an_error_is_reported_and_nothing_is_created(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plugins", "new", *arguments, "--into", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {message}\n"
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").mkdir()
    assert main(["plugins", "new", "metric", "mine", "--into", str(tmp_path)]) == 2
    expected = f"error: {tmp_path / 'mine'}: is there already\n  Give another name, or another folder with --into.\n"
    assert capsys.readouterr().err == expected


def test_a_name_that_is_taken_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import avspatial.builtin

    assert main(["plugins", "new", "metric", "avspatial", "--into", str(tmp_path)]) == 2
    expected = f"error: {avspatial.builtin.__file__}: there is a plugin 'avspatial' already\n  Give another name.\n"
    assert capsys.readouterr().err == expected
