"""What is found in a plugin before it is used: in its declaration, and while it is imported in a fresh process."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from avspatial.errors import PluginError
from avspatial.registry import Registry, discover
from avspatial.testing import Result
from avspatial.testing.checks.declaration import static
from avspatial.testing.checks.imports import imports
from avspatial.testing.plugins import check_plugins
from avspatial.testing.scaffold import scaffold_plugin

Mutate = Callable[[str, str, str, str], Registry]


@pytest.fixture
def mutated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mutate:
    """A new metric plugin of a name, in one of whose files one text is replaced by another."""
    import sys

    # each plugin's folder joins the path
    monkeypatch.setattr(sys, "path", list(sys.path))

    def make(name: str, file: str, old: str, new: str) -> Registry:
        scaffold_plugin("metric", name, tmp_path)
        (path,) = tmp_path.glob(f"{name}/**/{file}")
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")
        return discover([tmp_path / name])

    return make


def found(registry: Registry, name: str, check: str) -> Result:
    """The result of one check of the plugin `name`, running no more than needed."""
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == name)
    entries = [entry for entry in registry.entries() if entry.plugin is plugin]
    results: Iterable[Result] = (*static(plugin, entries), *()) if check in STATIC else imports(plugin, entries)
    return next(result for result in results if result.check == check)


STATIC = ("metadata", "names", "docstrings", "bounds")
IMPORTS_TORCH = {"light_half", "quiet", "quick", "random_state"}
"""Checks that start a process which imports torch: tried in the full lane."""
FAULTS = [
    ("metadata", "pyproject.toml", 'version = "0.1.0"', "", "its distribution has no version"),
    ("names", "settings.py", "limit:", "Limit:", "the setting Limit is not lower case"),
    ("names", "__init__.py", "Error of", "Error, as it is audible, " * 5 + "of", None),
    ("docstrings", "settings.py", '"""Larger level differences are clipped to this."""', "", None),
    ("docstrings", "metric.py", '"""Error of the level', 'x = """Error of the level', None),
    ("bounds", "settings.py", ", gt=0, le=100", "", "the setting limit is a number without a bound"),
    ("light_half", "settings.py", "from avspatial", "import torch\nfrom avspatial", None),
    ("quick", "settings.py", "from avspatial", "import time\ntime.sleep(0.6)\nfrom avspatial", None),
    ("quiet", "metric.py", "import numpy", "print('hello')\nimport numpy", "importing it prints 'hello'"),
    (
        "random_state",
        "metric.py",
        "from avspatial.interfaces",
        "np.random.seed(0)\nfrom avspatial.interfaces",
        "importing it changes the random state of numpy",
    ),
]
NOTES = {
    ("names", "__init__.py"): "the summary has 167 characters, 120 at most",
    ("docstrings", "settings.py"): "the setting limit has no docstring under it",
    ("docstrings", "metric.py"): "avspatial_planted_4.metric:Planted4Metric has no docstring",
    ("light_half", "settings.py"): "importing avspatial_planted_6, avspatial_planted_6.settings imports torch, numpy",
}


@pytest.mark.parametrize(
    ("number", "check", "file", "old", "new", "note"),
    [
        pytest.param(
            number, *fault, marks=pytest.mark.slow if fault[0] in IMPORTS_TORCH else (), id="-".join(fault[:2])
        )
        for number, fault in enumerate(FAULTS)
    ],
)
def test_a_fault_is_found(
    mutated: Mutate, number: int, check: str, file: str, old: str, new: str, note: str | None
) -> None:
    name = f"planted_{number}"
    result = found(mutated(name, file, old, new), name, check)
    assert result.status == "failed"
    if check == "quick":
        assert result.note.startswith("importing the light half takes 0.6")
    else:
        assert result.note == (note or NOTES[check, file])


def test_every_such_check_has_a_fault_planted(mutated: Mutate) -> None:
    registry = mutated("complete", "metric.py", "Lower", "Less")
    (plugin,) = (plugin for plugin in registry.plugins if plugin.name == "complete")
    entries = [entry for entry in registry.entries() if entry.plugin is plugin]
    results = [*static(plugin, entries), *imports(plugin, entries)]
    assert [str(result) for result in results if not result.ok] == []
    assert {result.check for result in results} == {fault[0] for fault in FAULTS}


def test_a_plugin_that_does_not_load_is_a_failure_and_disturbs_no_other(mutated: Mutate, tmp_path: Path) -> None:
    mutated("misspelled", "__init__.py", "def avspatial_components", "def avspatial_componentz")
    (result,) = check_plugins(str(tmp_path / "misspelled"))
    assert (result.subject, result.check, result.status) == ("plugin misspelled", "loads", "failed")
    assert result.note == (
        "avspatial_componentz is marked @hookimpl, but there is no such hook (did you mean 'avspatial_components'?)"
    )


def test_a_name_that_is_nothing_is_refused() -> None:
    with pytest.raises(PluginError) as error:
        list(check_plugins("avspatiall"))
    assert str(error.value) == (
        "there is no plugin, component or folder 'avspatiall' (did you mean 'avspatial'?)\n"
        "  `avspatial plugins list` lists what there is; a folder that holds a plugin will do as well."
    )
