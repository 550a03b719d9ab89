"""How a plugin behaves while it is imported, seen from a fresh process.

`imports` starts that process; run as a module, this file is what runs in it. What the plugin prints there is seen by
the process that watches, so the findings go into a file.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from avspatial.registry import Entry, Plugin
from avspatial.registry.import_guard import HEAVY
from avspatial.testing.results import Result, outcome, require

SLOWEST = 0.5
"""Seconds that the light half may take to import, on top of avspatial's own."""
TRIES = 3
"""The fastest of so many imports counts: the machine may be busy with something else."""
LONGEST = 300
"""Seconds after which an import is given up."""


def imports(plugin: Plugin, entries: list[Entry]) -> Iterator[Result]:
    """The checks of one plugin's import: the declaration and settings (the light half), then the components."""
    watched = _Watched(plugin, entries)
    for name, check in CHECKS.items():
        yield outcome(f"plugin {plugin.name}", name, partial(check, watched), home=Path(plugin.file).parent)


class _Watched:
    """A plugin's modules, imported in processes of their own, at most once for each half."""

    def __init__(self, plugin: Plugin, entries: list[Entry]) -> None:
        holder = _module_of(plugin)
        self.light = list(dict.fromkeys([holder, *(_module(entry.component.config) for entry in entries)]))
        self.heavy = list(dict.fromkeys(_module(entry.component.target) for entry in entries))

    @cached_property
    def lightly(self) -> tuple[dict[str, Any], str]:
        return _watch("light", self.light)

    @cached_property
    def heavily(self) -> tuple[dict[str, Any], str]:
        return _watch("heavy", [*self.light, *self.heavy])


def _module(path: str) -> str:
    return path.partition(":")[0]


def _module_of(plugin: Plugin) -> str:
    file = Path(plugin.file).resolve()
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) and Path(str(module.__file__)).resolve() == file:
            return name
    return plugin.name


def light_half(watched: _Watched) -> None:
    """Declaring and describing imports no torch, timm, numpy or scipy."""
    found, _ = watched.lightly
    require(not found["heavy"], f"importing {', '.join(watched.light)} imports {', '.join(found['heavy'])}")


def quick(watched: _Watched) -> str:
    """The light half is imported in half a second."""
    seconds = watched.lightly[0]["seconds"]
    for _ in range(TRIES - 1):
        if seconds > SLOWEST:
            seconds = min(seconds, _watch("light", watched.light)[0]["seconds"])
    require(seconds <= SLOWEST, f"importing the light half takes {seconds:.2f} s, {SLOWEST} s at most")
    return f"{seconds:.2f} s"


def quiet(watched: _Watched) -> None:
    """Neither half prints, on stdout or stderr."""
    for printed in (watched.lightly[1], watched.heavily[1]):
        require(not printed, f"importing it prints {printed[:200]!r}")


def random_state(watched: _Watched) -> None:
    """No random number generator is seeded or drawn from: Python's, numpy's, torch's."""
    touched = watched.heavily[0]["touched"]
    require(not touched, f"importing it changes the random state of {', '.join(touched)}")


CHECKS: dict[str, Callable[[_Watched], str | None]] = {
    check.__name__: check for check in (light_half, quick, quiet, random_state)
}


def _watch(half: str, modules: list[str]) -> tuple[dict[str, Any], str]:
    """What was found in a fresh process, and what it printed."""
    with tempfile.TemporaryDirectory(prefix="avspatial-") as folder:
        report = Path(folder) / "report.json"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(place).resolve()) for place in sys.path)}
        command = [sys.executable, "-m", "avspatial.testing.checks.imports", half, str(report), *modules]
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        printed = (done.stdout + done.stderr).strip()
        last = printed.splitlines()[-1] if printed else f"exit code {done.returncode}"
        require(report.is_file(), f"it cannot be imported in a fresh process: {last}")
        return json.loads(report.read_text(encoding="utf-8")), printed


def _observe(half: str, report: Path, modules: list[str]) -> None:
    """In the fresh process: import the modules and write down what that did."""
    import avspatial.settings  # noqa: F401  its cost is not the plugin's

    states = _random_states() if half == "heavy" else {}
    before = {name: state() for name, state in states.items()}
    start = time.perf_counter()
    for module in modules:
        importlib.import_module(module)
    seconds = time.perf_counter() - start
    found = {
        "seconds": seconds,
        "heavy": [name for name in HEAVY if name in sys.modules],
        "touched": [name for name, state in states.items() if state() != before[name]],
    }
    report.write_text(json.dumps(found), encoding="utf-8")


def _random_states() -> dict[str, Callable[[], Any]]:
    import random

    import numpy as np
    import torch

    import avspatial.interfaces  # noqa: F401

    return {
        "random": random.getstate,
        "numpy": lambda: repr(np.random.get_state(legacy=False)),
        "torch": lambda: torch.get_rng_state().tolist(),
    }


if __name__ == "__main__":
    _observe(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
