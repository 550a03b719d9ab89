"""`avspatial doctor`: what it checks, and when something is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from avspatial import __version__
from avspatial.cli.main import main


@pytest.fixture(autouse=True)
def _surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVSPATIAL_DATA", raising=False)
    monkeypatch.delenv("AVSPATIAL_PLUGINS", raising=False)
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))


def findings(capsys: pytest.CaptureFixture[str], code: int = 0) -> dict[str, tuple[str, str]]:
    assert main(["doctor", "--json"]) == code
    printed = json.loads(capsys.readouterr().out)
    assert printed["broken"] == sum(one["state"] == "broken" for one in printed["findings"])
    return {one["part"]: (one["state"], one["what"]) for one in printed["findings"]}


def test_a_good_installation_is_fine(capsys: pytest.CaptureFixture[str]) -> None:
    found = findings(capsys)
    assert found["avspatial"] == ("ok", __version__)
    assert found["library libavcodec"][0] == found["library soundfile"][0] == found["torch"][0] == "ok"
    assert found["cpu"][1].endswith(" GiB")
    assert found["data"] == ("note", "AVSPATIAL_DATA is not set; it names the folder that holds FAIR-Play")


def test_the_text_ends_with_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "nothing is broken"


def test_data_roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data" / "FAIR-Play").mkdir(parents=True)
    monkeypatch.setenv("AVSPATIAL_DATA", str(tmp_path / "data"))
    assert findings(capsys)["data"] == ("ok", f"{tmp_path / 'data'}: FAIR-Play")
    monkeypatch.setenv("AVSPATIAL_DATA", str(tmp_path / "gone"))
    assert findings(capsys, 1)["data"] == (
        "broken",
        f"AVSPATIAL_DATA names {tmp_path / 'gone'}, which is not a folder",
    )


def test_a_cache_that_cannot_be_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "file" / "cache"))
    assert findings(capsys, 1)["cache"] == (
        "broken",
        f"{tmp_path / 'file' / 'cache'} cannot be written (Not a directory); set AVSPATIAL_CACHE to a folder that can",
    )


def test_a_broken_plugin_is_found(
    write_plugin: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = write_plugin("odd", "x = 1\n")
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(home))
    assert main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "1 broken"
    reason = "implements no hook; it needs a function avspatial_components marked @hookimpl"
    assert lines[-2].split(maxsplit=2) == ["broken", "plugin", f"plugin 'odd' ({home / 'pyproject.toml'}): {reason}"]
