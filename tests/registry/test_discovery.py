"""Which plugins are found, and what becomes of those that are wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from avspatial.plugin import KINDS
from avspatial.registry import Registry, discover

PLUGIN = """
from avspatial.plugin import Component, hookimpl

@hookimpl
def avspatial_components():
    return [Component({kind!r}, {name!r}, {version!r}, {config!r}, {target!r}, {summary!r})]
"""
FIELDS = {
    "kind": "metric",
    "name": "loudest",
    "version": "1",
    "config": "a.b:C",
    "target": "a.b:D",
    "summary": "The loudest.",
}


def code(**changes: object) -> str:
    return PLUGIN.format(**{**FIELDS, **changes})


def messages(registry: Registry) -> list[str]:
    return [str(failure) for failure in registry.failures]


def test_the_package_s_own_components_come_through_the_same_hook() -> None:
    registry = discover([])
    assert {"avspatial.c3d", "avspatial.masking", "avspatial.fairplay"} <= {entry.id for entry in registry.entries()}
    assert {entry.kind for entry in registry.entries()} == set(KINDS)
    assert next(plugin for plugin in registry.plugins if plugin.name == "avspatial").origin == "built in"


def test_every_own_component_has_the_settings_and_the_target_that_it_declares() -> None:
    for entry in discover([]).entries():
        if entry.plugin.name == "avspatial":
            assert entry.settings_class().__name__.endswith("Settings")
            assert entry.target_class().__module__ == entry.component.target.partition(":")[0]


def test_a_folder_of_plugin_folders_and_a_plugin_folder_are_read_alike(write_plugin, tmp_path: Path) -> None:
    first = write_plugin("first", code(name="one"))
    write_plugin("second", code(name="two"))
    (tmp_path / "plugins" / "notes").mkdir()
    alone, both = discover([first]), discover([tmp_path / "plugins"])
    assert {e.id for e in alone.entries("metric")} - {e.id for e in discover([]).entries()} == {"first.one"}
    assert {"first.one", "second.two"} <= {e.id for e in both.entries("metric")}
    assert messages(alone) == messages(both) == []


def test_a_folder_plugin_says_where_it_is_from_and_its_version(write_plugin) -> None:
    home = write_plugin("mine", code(), version="4.5")
    plugin = next(plugin for plugin in discover([home]).plugins if plugin.name == "mine")
    assert (plugin.version, plugin.origin) == ("4.5", str(home / "pyproject.toml"))
    assert plugin.file == str(home / "src" / "mine_plugin" / "__init__.py")


def test_the_environment_lists_folders_as_path_does(write_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    homes = [write_plugin("first", code(name="one")), write_plugin("second", code(name="two"))]
    monkeypatch.setenv("AVSPATIAL_PLUGINS", os.pathsep.join(map(str, homes)))
    assert {"first.one", "second.two"} <= {entry.id for entry in discover().entries("metric")}
    assert "first.one" not in {entry.id for entry in discover([]).entries("metric")}


def test_the_working_directory_is_never_read_by_habit(write_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AVSPATIAL_PLUGINS", raising=False)
    monkeypatch.chdir(write_plugin("mine", code()))
    assert "mine" not in {plugin.name for plugin in discover().plugins}


def test_an_installed_plugin_is_found_and_counts_once_next_to_its_folder(write_plugin, tmp_path: Path) -> None:
    home = write_plugin("mine", code())
    site = tmp_path / "site"
    record = site / "mine-9.9.dist-info"
    record.mkdir(parents=True)
    (record / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 9.9\n")
    (record / "entry_points.txt").write_text("[avspatial]\nmine = mine_plugin\n")
    sys.path[:0] = [str(site), str(home / "src")]
    installed = [plugin for plugin in discover([]).plugins if plugin.name == "mine"]
    assert [(plugin.version, plugin.origin) for plugin in installed] == [("9.9", "mine 9.9")]
    both = [plugin for plugin in discover([home]).plugins if plugin.name == "mine"]
    assert [plugin.origin for plugin in both] == [str(home / "pyproject.toml")]


def test_plugins_that_fail_are_kept_with_the_reason_and_stop_no_other(write_plugin, tmp_path: Path) -> None:
    broken = write_plugin("broken", "import nothing_of_that_name\n")
    quits = write_plugin("quits", "raise SystemExit(3)\n")
    grammar = write_plugin("grammar", "def (:\n")
    write_plugin("well", code(name="fine"))
    registry = discover([tmp_path / "plugins"])
    assert "well.fine" in {entry.id for entry in registry.entries("metric")}
    assert messages(registry) == [
        f"plugin 'broken' ({broken / 'pyproject.toml'}): ModuleNotFoundError: No module named 'nothing_of_that_name' "
        f"({broken / 'src/broken_plugin/__init__.py'}:1)",
        f"plugin 'grammar' ({grammar / 'pyproject.toml'}): SyntaxError: invalid syntax (__init__.py, line 1) "
        f"({grammar / 'src/grammar_plugin/__init__.py'}:1)",
        f"plugin 'quits' ({quits / 'pyproject.toml'}): SystemExit: 3 ({quits / 'src/quits_plugin/__init__.py'}:1)",
    ]
    assert isinstance(registry.failures[0].error, ModuleNotFoundError)


HOOK = "from avspatial.plugin import hookimpl\n\n"
WRONG_HOOKS = {
    "misspelled": (
        f"{HOOK}@hookimpl\ndef avspatial_component(): return []\n",
        "avspatial_component is marked @hookimpl, but there is no such hook (did you mean 'avspatial_components'?)",
    ),
    "another_prefix": (
        f"{HOOK}@hookimpl\ndef components(): return []\n",
        "components is marked @hookimpl, but there is no such hook (did you mean 'avspatial_components'?)",
    ),
    "private": (
        f"{HOOK}@hookimpl\ndef _avspatial_components(): return []\n",
        "_avspatial_components is marked @hookimpl, but there is no such hook (did you mean 'avspatial_components'?)",
    ),
    "unmarked": (
        "def avspatial_components(): return []\n",
        "avspatial_components has no @hookimpl above it; names that begin with avspatial_ are reserved for hooks",
    ),
    "unmarked_misspelled": (
        "def avspatial_recrod(run, record): return None\n",
        "avspatial_recrod is not a hook (did you mean 'avspatial_record'?); "
        "names that begin with avspatial_ are reserved for hooks",
    ),
    "far_off": (
        f"{HOOK}@hookimpl\ndef zzz(): return []\n",
        "zzz is marked @hookimpl, but there is no such hook; the hooks are avspatial_components and avspatial_record",
    ),
    "none_at_all": (
        "def components(): return []\n",
        "implements no hook; it needs a function avspatial_components marked @hookimpl",
    ),
    "no_list": (
        f"{HOOK}@hookimpl\ndef avspatial_components(): return 3\n",
        "avspatial_components must return a list of Component, not int",
    ),
}


@pytest.mark.parametrize("name", WRONG_HOOKS)
def test_a_hook_that_pluggy_would_pass_over_is_a_failure(write_plugin, name: str) -> None:
    text, reason = WRONG_HOOKS[name]
    home = write_plugin(name, text)
    assert messages(discover([home])) == [f"plugin {name!r} ({home / 'pyproject.toml'}): {reason}"]


def test_a_hook_with_an_argument_that_does_not_exist_is_a_failure(write_plugin) -> None:
    home = write_plugin("greedy", f"{HOOK}@hookimpl\ndef avspatial_record(run, records): return None\n")
    (failure,) = discover([home]).failures
    assert failure.reason.startswith("PluginValidationError: Plugin 'greedy' for hook 'avspatial_record'")


def test_a_module_of_the_plugin_may_have_a_name_that_begins_like_a_hook(write_plugin) -> None:
    home = write_plugin("mine", f"import avspatial_x_plugin.deep\n{code()}", module="avspatial_x_plugin", deep="")
    assert messages(discover([home])) == []


WRONG_COMPONENTS = {
    "kind": (
        {"kind": "metrik"},
        "metrik 'loudest'",
        f"unknown kind 'metrik' (did you mean 'metric'?); kinds: {', '.join(KINDS)}",
    ),
    "name": (
        {"name": "Loudest!"},
        "metric 'Loudest!'",
        "name 'Loudest!' must be lower case letters, digits and underscores, a letter first",
    ),
    "version": (
        {"version": "1@2"},
        "metric 'loudest'",
        "version '1@2' must be a string of letters, digits and . _ + -",
    ),
    "number": ({"version": 1}, "metric 'loudest'", "version 1 must be a string of letters, digits and . _ + -"),
    "config": ({"config": "a.b.C"}, "metric 'loudest'", "config 'a.b.C' must be 'module:Class'"),
    "target": ({"target": "a:b:C"}, "metric 'loudest'", "target 'a:b:C' must be 'module:Class'"),
    "summary": ({"summary": "two\nlines"}, "metric 'loudest'", "summary 'two\\nlines' must be one line"),
}


@pytest.mark.parametrize("name", WRONG_COMPONENTS)
def test_a_component_declared_wrong_is_a_failure_of_its_own(write_plugin, name: str) -> None:
    changes, label, reason = WRONG_COMPONENTS[name]
    both = code(**changes).replace("return [", "return [Component('metric', 'well', '1', 'a:B', 'a:B', 'Fine.'), ")
    home = write_plugin(f"p_{name}", both)
    registry = discover([home])
    file = home / "src" / f"p_{name}_plugin" / "__init__.py"
    assert messages(registry) == [f"plugin 'p_{name}', {label} ({file}): {reason}"]
    assert f"p_{name}.well" in {entry.id for entry in registry.entries("metric")}


def test_something_that_is_no_component_is_a_failure(write_plugin) -> None:
    home = write_plugin("mine", f"{HOOK}@hookimpl\ndef avspatial_components(): return ['c3d']\n")
    file = home / "src" / "mine_plugin" / "__init__.py"
    assert messages(discover([home])) == [
        f"plugin 'mine' ({file}): avspatial_components returned a str instead of a Component"
    ]


def test_a_plugin_s_name_must_be_plain(write_plugin) -> None:
    home = write_plugin("my-plugin", code(), module="dashed_plugin")
    assert messages(discover([home])) == [
        f"plugin 'my-plugin' ({home / 'pyproject.toml'}): "
        "the name 'my-plugin' must be lower case letters, digits and underscores"
    ]


def test_folders_that_hold_no_plugin_are_named(tmp_path: Path) -> None:
    empty, bare, torn = (tmp_path / name for name in ("empty", "bare", "torn"))
    for folder, text in ((bare, "[project]\nname = 'bare'\n"), (torn, "[project\n")):
        folder.mkdir()
        (folder / "pyproject.toml").write_text(text)
    empty.mkdir()
    assert messages(discover([tmp_path / "gone", empty, bare, torn])) == [
        f"plugin folder ({tmp_path / 'gone'}): no such folder; `--plugins` and AVSPATIAL_PLUGINS must name folders",
        f"plugin folder ({empty}): neither a plugin folder nor a folder of plugin folders: no pyproject.toml",
        f"plugin 'bare' ({bare / 'pyproject.toml'}): "
        "has no table [project.entry-points.avspatial] that names the plugin",
        f"plugin 'torn' ({torn / 'pyproject.toml'}): "
        "cannot be read: Expected ']' at the end of a table declaration (at line 1, column 9)",
    ]


def test_listing_components_imports_nothing_heavy() -> None:
    code = (
        "import sys; from avspatial.registry import discover; discover([]).entries();"
        "print([m for m in ('torch', 'numpy', 'pydantic', 'timm', 'ruamel.yaml') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
