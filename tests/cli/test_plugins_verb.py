"""`avspatial plugins`: what is there, in text and in JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from avspatial import __version__
from avspatial.cli.main import main

CODE = """
from avspatial.plugin import Component, hookimpl

@hookimpl
def avspatial_components():
    return [Component("metric", "loudest", "3", "mine_plugin.parts:Knobs", "mine_plugin.parts:One", "The loudest.")]

@hookimpl
def avspatial_record(run, record):
    pass
"""
PARTS = '''
from avspatial.settings import Settings, setting

class Knobs(Settings):
    """Settings."""
    block: float = setting(0.5, unit="s", gt=0, le=9)
    """Length of a block."""
'''


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["plugins", *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture
def home(write_plugin: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    folder = write_plugin("mine", CODE, version="2.5", parts=PARTS)
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(folder))
    return folder


def test_list_groups_by_kind_and_lines_up(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVSPATIAL_PLUGINS", raising=False)
    assert shown(capsys, "list", "--kind", "trainer").splitlines()[:3] == [
        "trainer",
        "  avspatial.shared_visual_gan  1  SAGM: a GAN whose generator and discriminator update one VideoNet in turn",
        "  avspatial.supervised         1  One loss against the reference",
    ]


def test_list_as_json_has_plugins_components_and_failures(home: Any, capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(shown(capsys, "list", "--kind", "metric", "--json"))
    assert {"name": "mine", "version": "2.5", "origin": str(home / "pyproject.toml")} in listed["plugins"]
    assert {
        "id": "mine.loudest",
        "kind": "metric",
        "version": "3",
        "summary": "The loudest.",
        "config": "mine_plugin.parts:Knobs",
        "target": "mine_plugin.parts:One",
        "plugin": "mine",
    } in listed["components"]
    assert listed["failures"] == []


def test_failures_are_in_the_json_too(
    write_plugin: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_plugin("odd", "x = 1\n")
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(folder))
    assert json.loads(shown(capsys, "list", "--json"))["failures"] == [
        {
            "plugin": "odd",
            "component": "",
            "origin": str(folder / "pyproject.toml"),
            "reason": "implements no hook; it needs a function avspatial_components marked @hookimpl",
        }
    ]
    assert main(["plugins", "show", "odd"]) == 2
    assert capsys.readouterr().err == (
        f"error: plugin 'odd' ({folder / 'pyproject.toml'}): implements no hook; it needs a function "
        "avspatial_components marked @hookimpl\n  Fix the plugin.\n"
    )


def test_show_a_plugin(home: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "show", "mine") == (
        "mine\n"
        "  version  2.5\n"
        f"  from     {home / 'pyproject.toml'}\n"
        f"  file     {home / 'src/mine_plugin/__init__.py'}\n"
        "  watches  runs (avspatial_record)\n"
        "  metric  mine.loudest  3  The loudest.\n"
    )


@pytest.mark.parametrize("name", ["loudest", "mine.loudest"])
def test_show_a_component_with_its_settings(home: Any, capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert shown(capsys, "show", name) == (
        "mine.loudest\n"
        "  kind     metric\n"
        "  version  3\n"
        "  about    The loudest.\n"
        "  code     mine_plugin.parts:One\n"
        f"  file     {home / 'src/mine_plugin/__init__.py'}\n"
        "  settings\n"
        "    block  number s, more than 0, at most 9  0.5  Length of a block.\n"
    )


def test_show_as_json(home: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (component,) = json.loads(shown(capsys, "show", "loudest", "--json"))
    assert component["settings"]["properties"]["block"]["unit"] == "s"
    plugin = json.loads(shown(capsys, "show", "avspatial", "--json"))
    assert plugin["plugins"][0]["version"] == __version__
    assert "avspatial.c3d" in {entry["id"] for entry in plugin["components"]}


def test_a_short_name_of_two_kinds_shows_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert [entry["kind"] for entry in json.loads(shown(capsys, "show", "avspatial.unet", "--json"))] == [
        "audio_encoder",
        "mask_generator",
    ]


def test_an_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "list", "--kind", "metrics"]) == 2
    assert capsys.readouterr().err == (
        "error: unknown kind 'metrics' (did you mean 'metric'?)\n  Kinds: visual_encoder, audio_encoder, "
        "mask_generator, discriminator, metric, spatializer, trainer, dataset.\n"
    )
