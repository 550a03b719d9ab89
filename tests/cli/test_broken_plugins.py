"""A broken plugin is reported by `plugins list` and `plugins check`, word for word, and disturbs nobody else.

Each in a fresh process, as a user meets it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from avspatial.plugin import KINDS
from avspatial.testing.new import new_plugin

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
        "import torch",
        "imports torch, numpy in its light half, so every command waits for it",
    ),
    "talking": (SETTINGS, "print('hello')", "prints 'hello' while it is imported"),
}


def avspatial(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    known = {key: value for key, value in os.environ.items() if not key.startswith("AVSPATIAL_")}
    command = [sys.executable, "-m", "avspatial", "--plugins", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=known, cwd=folder)


def spoiled(folder: Path, name: str, file: str, text: str) -> tuple[str, str]:
    """A new metric plugin with some lines added to one of its files; the last line's place and its number."""
    new_plugin("metric", name, folder)
    path = folder / name / "src" / f"avspatial_{name}" / file
    with path.open("a", encoding="utf-8") as end:
        end.write(f"{text}\n")
    line = len(path.read_text(encoding="utf-8").splitlines())
    return f"{path}:{line}", str(line)


def said_of(folder: Path, name: str, file: str) -> str:
    """How the plugin, or its component if the settings are to blame, is named in a warning."""
    home = folder / name
    if file == SETTINGS:
        return f"plugin {name!r}, metric {name!r} ({home / 'src' / f'avspatial_{name}' / DECLARATION})"
    return f"plugin {name!r} ({home / 'pyproject.toml'})"


@pytest.mark.parametrize("name", BROKEN)
def test_a_plugin_that_cannot_be_used_is_reported_and_disturbs_nobody(name: str, tmp_path: Path) -> None:
    file, text, reason = BROKEN[name]
    here, line = spoiled(tmp_path, name, file, text)
    reason = reason.format(here=here, line=line)
    warning = f"warning: {said_of(tmp_path, name, file)}: {reason}\n"

    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (0, warning)
    assert "avspatial.supervised" in listed.stdout

    recipe = avspatial(tmp_path, "recipes", "check", "sagm_demo")
    # of a recipe that does not need it, the settings are not even looked at
    told = "" if file == SETTINGS else warning
    assert (recipe.returncode, recipe.stdout, recipe.stderr) == (0, "sagm_demo: ok\n", told)

    checked = avspatial(tmp_path, "plugins", "check", name)
    part = f"metric {name!r}: " if file == SETTINGS else ""
    assert checked.returncode == 1
    assert next(line for line in checked.stdout.splitlines() if line.startswith("failed")) == (
        f"failed    plugin {name}  loads: {part}{reason}"
    )


@pytest.mark.parametrize("name", ODD)
def test_a_plugin_that_misbehaves_is_reported_and_usable_and_spoils_no_output(name: str, tmp_path: Path) -> None:
    file, text, reason = ODD[name]
    spoiled(tmp_path, name, file, text)
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "metric", "--json")
    told = json.loads(listed.stdout)
    assert (listed.returncode, listed.stderr, told["failures"]) == (0, "", [])
    assert f"{name}.{name}" in {component["id"] for component in told["components"]}
    (complaint,) = (one for one in told["complaints"] if one["plugin"] == name)
    assert complaint["reason"] == reason

    text = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert f"warning: {said_of(tmp_path, name, file)}: {complaint['reason']}\n" in text.stderr
    assert "hello" not in text.stdout and "oh no" not in text.stdout

    recipe = avspatial(tmp_path, "recipes", "check", "sagm_demo", "--json")
    assert recipe.returncode == 0
    assert json.loads(recipe.stdout) == [{"recipe": "sagm_demo", "ok": True, "problems": []}]


def test_a_component_of_an_unknown_kind_is_reported(tmp_path: Path) -> None:
    new_plugin("metric", "other", tmp_path)
    path = tmp_path / "other/src/avspatial_other/__init__.py"
    path.write_text(path.read_text().replace('kind="metric"', 'kind="metrik"'))
    reason = f"unknown kind 'metrik' (did you mean 'metric'?); kinds: {', '.join(KINDS)}"
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (0, f"warning: plugin 'other', metrik 'other' ({path}): {reason}\n")
    checked = avspatial(tmp_path, "plugins", "check", "other")
    assert checked.returncode == 1
    assert checked.stdout.startswith(f"failed    plugin other  loads: metrik 'other': {reason}\n")


def test_one_id_declared_by_two_plugins_is_reported(tmp_path: Path) -> None:
    new_plugin("metric", "mine", tmp_path)
    new_plugin("metric", "other", tmp_path)
    pyproject = tmp_path / "other/pyproject.toml"
    pyproject.write_text(pyproject.read_text().replace('other = "', 'mine = "'))
    init = tmp_path / "other/src/avspatial_other/__init__.py"
    init.write_text(init.read_text().replace('name="other"', 'name="mine"'))
    files = f"{tmp_path / 'mine/src/avspatial_mine/__init__.py'} and {init}"
    reason = f"metric 'mine.mine' is declared twice: {files}"
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (
        0,
        f"warning: plugin 'mine', metric 'mine' ({pyproject}): {reason}\n",
    )
    checked = avspatial(tmp_path, "plugins", "check", "mine")
    assert checked.returncode == 1
    assert f"failed    plugin mine  loads: metric 'mine': {reason}\n" in checked.stdout


def test_a_copy_in_a_second_folder_is_reported_and_the_first_is_used(tmp_path: Path) -> None:
    new_plugin("metric", "mine", tmp_path)
    shutil.copytree(tmp_path / "mine", tmp_path / "other")
    listed = avspatial(tmp_path, "plugins", "list", "--kind", "trainer")
    assert (listed.returncode, listed.stderr) == (
        0,
        f"warning: plugin 'mine' ({tmp_path / 'other/pyproject.toml'}): mine = 'avspatial_mine' is declared in "
        f"{tmp_path / 'mine/pyproject.toml'} as well, which is used\n",
    )
    shown = avspatial(tmp_path, "plugins", "show", "mine.mine")
    assert f"  file     {tmp_path / 'mine/src/avspatial_mine/__init__.py'}\n" in shown.stdout
