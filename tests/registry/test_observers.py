"""Plugins that observe runs: they get every record, cannot change it, and are reported if they fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avspatial.registry import discover

WATCH = "from avspatial.plugin import hookimpl\n\n@hookimpl\ndef avspatial_record(run, record):\n    {body}\n"
RECORD = {"event": "train", "step": 3, "terms": {"model/total": 0.5}}


def watcher(write_plugin: Any, body: str, name: str = "watcher") -> Path:
    home: Path = write_plugin(name, WATCH.format(body=body))
    return home


def test_an_observer_sees_the_run_and_the_record(write_plugin: Any, capsys: pytest.CaptureFixture[str]) -> None:
    registry = discover([watcher(write_plugin, "print(run, record)")])
    registry.observe("runs/a", RECORD)
    assert capsys.readouterr().out == f"runs/a {RECORD}\n"


def test_an_observer_cannot_change_the_record(write_plugin: Any) -> None:
    record = {"event": "train", "terms": {"model/total": 0.5}}
    discover([watcher(write_plugin, "record['terms'].clear()")]).observe("runs/a", record)
    assert record == {"event": "train", "terms": {"model/total": 0.5}}


def test_an_observer_that_raises_is_reported_once_and_stops_nothing(
    write_plugin: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = watcher(write_plugin, "raise ValueError('no disk')", name="broken")
    registry = discover([broken, watcher(write_plugin, "print(record['step'])")])
    registry.observe("runs/a", RECORD)
    registry.observe("runs/a", RECORD)
    printed = capsys.readouterr()
    file = broken / "src" / "broken_plugin" / "__init__.py"
    assert printed.out == "3\n3\n"
    assert printed.err == (
        f"warning: plugin 'broken' ({file}): avspatial_record raised ValueError: no disk (reported once)\n"
    )


def test_an_observer_that_returns_something_is_reported(write_plugin: Any, capsys: pytest.CaptureFixture[str]) -> None:
    home = watcher(write_plugin, "return 7")
    discover([home]).observe("runs/a", RECORD)
    assert capsys.readouterr().err == (
        f"warning: plugin 'watcher' ({home / 'src/watcher_plugin/__init__.py'}): avspatial_record returned 7, "
        "which is ignored: it must return nothing (reported once)\n"
    )


def test_failures_are_reported_on_stderr(write_plugin: Any, capsys: pytest.CaptureFixture[str]) -> None:
    home = write_plugin("odd", "def components(): return []\n")
    discover([home]).report_failures()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (
        f"warning: plugin 'odd' ({home / 'pyproject.toml'}): implements no hook; "
        "it needs a function avspatial_components marked @hookimpl\n"
    )
