"""A broken plugin is reported by `plugins list` and `plugins check`, word for word, and disturbs nobody else.

Each verb in a fresh process, as a user meets it; the broken plugins lie side by side, so that none hides another.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from avspatial.plugin import KINDS
from avspatial.testing.plugins import check_plugins
from avspatial.testing.scaffold import scaffold_plugin

DECLARATION, SETTINGS = "__init__.py", "settings.py"
BROKEN = {
    "exits": (DECLARATION, "import sys\nsys.exit(3)", "SystemExit: 3 ({here})"),
    "says_why": (
        DECLARATION,
        "print('no licence')\nraise SystemExit(1)",
        "SystemExit: 1 ({here}); it printed 'no licence'",
    ),
    "grammar": (DECLARATION, "def (", "SyntaxError: invalid syntax (__init__.py, line {line}) ({here})"),
    "missing": (
        DECLARATION,
        "import nothing_of_that_name",
        "ModuleNotFoundError: No module named 'nothing_of_that_name' ({here})",
    ),
    "misspelled": (
        DECLARATION,
        "avspatial_component = avspatial_components\ndel avspatial_components",
        "avspatial_component is marked @hookimpl, but there is no such hook (did you mean 'avspatial_components'?)",
    ),
    "moody": (
        SETTINGS,
        "raise RuntimeError('no settings today')",
        "avspatial_moody.settings:MoodyMetricSettings cannot be imported: RuntimeError: no settings today ({here})",
    ),
    "unspeakable": (
        SETTINGS,
        "from collections.abc import Callable\n\nclass UnspeakableMetricSettings(Settings):\n"
        "    weight: Callable[[float], float] | None = None",
        "avspatial_unspeakable.settings:UnspeakableMetricSettings cannot be described: "
        "PydanticInvalidForJsonSchema: Cannot generate a JsonSchema for core_schema.CallableSchema",
    ),
    "leaving": (
        SETTINGS,
        "raise SystemExit(4)",
        "avspatial_leaving.settings:LeavingMetricSettings cannot be imported: SystemExit: 4 ({here})",
    ),
}
ODD = {
    "chatty": (DECLARATION, "print('hello')", "prints 'hello' while it is imported"),
    "grumpy": (DECLARATION, "import sys\nprint('oh no', file=sys.stderr)", "prints 'oh no' while it is imported"),
    "heavy": (
        DECLARATION,
        "import numpy",
        "imports numpy with its declaration or settings, which slows every command",
    ),
    "talking": (SETTINGS, "print('hello')", "prints 'hello' while it is imported"),
}


def avspatial(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("AVSPATIAL_")}
    known["AVSPATIAL_CACHE"] = str(folder / "cache")
    command = [sys.executable, "-m", "avspatial", "--plugins", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=known, cwd=folder)


def spoiled(folder: Path, name: str, file: str, text: str) -> tuple[str, str]:
    """A new metric plugin with some lines added to one of its files; the last line's place and its number."""
    scaffold_plugin("metric", name, folder)
    path = folder / name / "src" / f"avspatial_{name}" / file
    with path.open("a", encoding="utf-8") as end:
        end.write(f"{text}\n")
    line = len(path.read_text(encoding="utf-8").splitlines())
    return f"{path}:{line}", str(line)


def subject(folder: Path, name: str, file: str) -> str:
    """How the plugin, or its component if the settings are to blame, is named in a warning."""
    home = folder / name
    if file == SETTINGS:
        return f"plugin {name!r}, metric {name!r} ({home / 'src' / f'avspatial_{name}' / DECLARATION})"
    return f"plugin {name!r} ({home / 'pyproject.toml'})"


@dataclass(frozen=True)
class Place:
    """A folder of spoiled plugins, the expected message for each, and the output of each verb, run once."""

    folder: Path
    reasons: dict[str, str]
    warnings: dict[str, str]

    @cached_property
    def listed(self) -> subprocess.CompletedProcess[str]:
        return avspatial(self.folder, "plugins", "list", "--kind", "trainer")

    @cached_property
    def listed_as_json(self) -> subprocess.CompletedProcess[str]:
        return avspatial(self.folder, "plugins", "list", "--kind", "metric", "--json")

    @cached_property
    def checked(self) -> subprocess.CompletedProcess[str]:
        return avspatial(self.folder, "plugins", "check", str(self.folder))

    def loud(self, table: dict[str, tuple[str, str, str]]) -> list[str]:
        """The warnings about those whose declaration is to blame, which every verb meets."""
        return sorted(self.warnings[name] for name, (file, *_) in table.items() if file == DECLARATION)


def spoiled_place(folder: Path, table: dict[str, tuple[str, str, str]]) -> Place:
    place = Place(folder, {}, {})
    for name, (file, text, reason) in table.items():
        here, line = spoiled(folder, name, file, text)
        place.reasons[name] = reason.format(here=here, line=line)
        place.warnings[name] = f"warning: {subject(folder, name, file)}: {place.reasons[name]}"
    return place


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return spoiled_place(tmp_path_factory.mktemp("broken"), BROKEN)


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return spoiled_place(tmp_path_factory.mktemp("odd"), ODD)


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_cannot_be_used_is_reported(name: str, broken: Place) -> None:
    assert broken.listed.returncode == 0
    assert broken.warnings[name] in broken.listed.stderr.splitlines()
    assert broken.checked.returncode == 1
    part = f"metric {name!r}: " if BROKEN[name][0] == SETTINGS else ""
    expected = f"failed    plugin {name}  loads: {part}{broken.reasons[name]}"
    assert [line for line in broken.checked.stdout.splitlines() if f"plugin {name}  loads" in line] == [expected]


def test_nothing_else_is_reported_and_the_others_are_listed(broken: Place) -> None:
    assert sorted(broken.listed.stderr.splitlines()) == sorted(broken.warnings.values())
    assert "avspatial.supervised" in broken.listed.stdout


def test_one_is_checked_by_its_name(broken: Place) -> None:
    checked = avspatial(broken.folder, "plugins", "check", "moody")
    assert checked.returncode == 1
    assert checked.stdout.splitlines()[0] == f"failed    plugin moody  loads: metric 'moody': {broken.reasons['moody']}"
    assert [line for line in checked.stdout.splitlines() if "leaving" in line] == []


OTHERS = {
    "recipes list": "sagm_fairplay",
    "recipes show sagm_demo --resolved": "use: avspatial.masking@1",
    "recipes check sagm_demo": "sagm_demo: ok",
    "recipes reference": "# Recipes, key by key",
    "plugins show avspatial.supervised": "avspatial.supervised",
    "published": "SAGM",
    "run panner_demo --smoke --set metrics=[snr]": "report.html",
}
"""What has nothing to do with the broken ones, and a word of what it prints."""
SILENT = ("recipes list", "recipes reference", "published")
"""Verbs that need no plugin but the built-in one."""


@pytest.mark.parametrize(
    "verb", [pytest.param(verb, marks=pytest.mark.slow) if verb.startswith("run") else verb for verb in OTHERS]
)
def test_they_disturb_no_other_verb(verb: str, broken: Place) -> None:
    done = avspatial(broken.folder, *verb.split())
    assert done.returncode == 0, done.stderr
    assert OTHERS[verb] in done.stdout
    # the settings of a component that is not needed are not imported
    warnings = sorted(line for line in done.stderr.splitlines() if line.startswith("warning: plugin"))
    assert warnings == ([] if verb in SILENT else broken.loud(BROKEN))


def test_the_schema_leaves_them_out_and_says_so(broken: Place) -> None:
    done = avspatial(broken.folder, "recipes", "schema")
    assert (done.returncode, sorted(done.stderr.splitlines())) == (0, sorted(broken.warnings.values()))
    known = json.loads(done.stdout)["$defs"]
    assert "metric:avspatial.snr" in known
    assert not any(name in key for key in known for name in BROKEN)


def test_the_doctor_finds_them_all(broken: Place) -> None:
    done = avspatial(broken.folder, "doctor", "--json")
    findings: list[dict[str, Any]] = json.loads(done.stdout)["findings"]
    found = {finding["what"] for finding in findings if (finding["part"], finding["state"]) == ("plugin", "broken")}
    assert done.returncode == 1
    assert found == {warning.removeprefix("warning: ") for warning in broken.warnings.values()}


def test_to_show_one_says_what_is_wrong_with_it(broken: Place) -> None:
    done = avspatial(broken.folder, "plugins", "show", "moody.moody")
    home = broken.folder / "moody" / "src" / "avspatial_moody" / DECLARATION
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: metric 'moody.moody' ({home}): {broken.reasons['moody']}\n"
        "  Install what the plugin needs, or fix the plugin.\n"
    )


@pytest.mark.parametrize("name", ODD)
def test_a_plugin_that_misbehaves_is_reported_and_usable(name: str, odd: Place) -> None:
    printed = json.loads(odd.listed_as_json.stdout)
    assert (odd.listed_as_json.returncode, odd.listed_as_json.stderr, printed["failures"]) == (0, "", [])
    assert f"{name}.{name}" in {component["id"] for component in printed["components"]}
    (warning,) = (one for one in printed["complaints"] if one["plugin"] == name)
    assert warning["reason"] == odd.reasons[name]
    assert odd.warnings[name] in odd.listed.stderr.splitlines()


def test_what_a_plugin_prints_spoils_no_output(odd: Place) -> None:
    assert "hello" not in odd.listed.stdout and "oh no" not in odd.listed.stdout
    recipe = avspatial(odd.folder, "recipes", "check", "sagm_demo", "--json")
    assert recipe.returncode == 0
    assert json.loads(recipe.stdout) == [{"recipe": "sagm_demo", "ok": True, "problems": []}]


def first_result(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The first line of `plugins check NAME`, without the checks that would follow."""
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(folder))
    monkeypatch.setattr(sys, "path", list(sys.path))
    return str(next(check_plugins(name)))


def test_a_component_of_an_unknown_kind_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scaffold_plugin("metric", "unkind", tmp_path)
    path = tmp_path / "unkind/src/avspatial_unkind/__init__.py"
    path.write_text(path.read_text().replace('kind="metric"', 'kind="metrik"'))
    reason = f"unknown kind 'metrik' (did you mean 'metric'?); kinds: {', '.join(KINDS)}"
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (0, f"warning: plugin 'unkind', metrik 'unkind' ({path}): {reason}\n")
    expected = f"failed    plugin unkind  loads: metrik 'unkind': {reason}"
    assert first_result(tmp_path, "unkind", monkeypatch) == expected


def test_one_id_declared_by_two_plugins_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scaffold_plugin("metric", "twice", tmp_path)
    scaffold_plugin("metric", "twin", tmp_path)
    pyproject = tmp_path / "twin/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('twin = "', 'twice = "'))
    init = tmp_path / "twin/src/avspatial_twin/__init__.py"
    init.write_text(init.read_text().replace('name="twin"', 'name="twice"'))
    files = f"{tmp_path / 'twice/src/avspatial_twice/__init__.py'} and {init}"
    reason = f"metric 'twice.twice' is declared twice: {files}"
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (
        0,
        f"warning: plugin 'twice', metric 'twice' ({pyproject}): {reason}\n",
    )
    expected = f"failed    plugin twice  loads: metric 'twice': {reason}"
    assert first_result(tmp_path, "twice", monkeypatch) == expected


def test_a_copy_in_a_second_folder_is_reported_and_the_first_is_used(tmp_path: Path) -> None:
    scaffold_plugin("metric", "mine", tmp_path)
    shutil.copytree(tmp_path / "mine", tmp_path / "other")
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (
        0,
        f"warning: plugin 'mine' ({tmp_path / 'other/pyproject.toml'}): mine = 'avspatial_mine' is declared in "
        f"{tmp_path / 'mine/pyproject.toml'} as well, which is used\n",
    )
    shown = avspatial(tmp_path, "plugins", "show", "mine.mine")
    assert f"  file     {tmp_path / 'mine/src/avspatial_mine/__init__.py'}\n" in shown.stdout
