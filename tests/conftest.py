"""What tests of several rooms share: plugins written to disk for one test, and forgotten after it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from avspatial.registry import Registry
from avspatial.registry.discovery import BUILTIN
from avspatial.registry.loading import load

# The suite runs in as many processes as there are cores. Tiny networks gain nothing from threads, and threads that wait
# for one another on a busy machine make them many times slower. Set before torch is imported, and for child processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A suite that was begun in the background ignores Ctrl-C or the end of its terminal, and so would the programs that
# tests start and stop.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# An example may take as long as a busy machine makes it; what must be fast is measured elsewhere.
settings.register_profile("shared_machine", deadline=None)
settings.load_profile("shared_machine")

WritePlugin = Callable[..., Path]


@pytest.fixture(scope="session")
def builtin_registry() -> Registry:
    """avspatial's own components alone, whatever plugins are installed where the tests run."""
    plugin, entries, failures = load(BUILTIN)
    assert plugin is not None
    return Registry([plugin], entries, failures)


@pytest.fixture
def write_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WritePlugin]:
    """`write_plugin("mine", code)` makes a plugin folder `mine/` with the module `mine_plugin`; returns the folder."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def write(
        name: str, code: str, *, folder: str = "", version: str = "0.3.0", module: str = "", **files: str
    ) -> Path:
        home = tmp_path / "plugins" / (folder or name)
        module = module or f"{folder or name}_plugin"
        package = home / "src" / module
        package.mkdir(parents=True)
        (home / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "{version}"\n\n'
            f'[project.entry-points.avspatial]\n{name} = "{module}"\n'
        )
        (package / "__init__.py").write_text(code)
        for stem, text in files.items():
            (package / f"{stem}.py").write_text(text)
        return home

    yield write
    for loaded in set(sys.modules) - before:
        if loaded.partition(".")[0].endswith("_plugin"):
            del sys.modules[loaded]


@pytest.fixture(autouse=True)
def _plugin_folders_of_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that run in the process of the tests name their plugin folders in its environment: put it back."""
    monkeypatch.setenv("AVSPATIAL_PLUGINS", os.environ.get("AVSPATIAL_PLUGINS", ""))


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """Four clips in the official layout."""
    from support.saved_sounds import save_official  # imports torch: after the threads are set

    return save_official(tmp_path / "outputs")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave trainings that take hours out of the full lane (-m "slow or not slow"); `-m learning` names them."""
    if "learning" not in config.option.markexpr:
        trainings = [item for item in items if item.get_closest_marker("learning")]
        items[:] = [item for item in items if item not in trainings]
        if trainings:
            config.hook.pytest_deselected(items=trainings)
    for item in items:
        if item.get_closest_marker("learning") or item.path.name.startswith("bench_"):
            item.add_marker(pytest.mark.timeout(0))  # they take as long as they take
