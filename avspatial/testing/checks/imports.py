"""Checks of a plugin's import, in a fresh process.

`imports` starts that process; run as a module, this file is its program. The parent process captures what the plugin
prints, so the findings are written to a file.
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
"""Most seconds for importing the light half, on top of avspatial's own."""
TRIES = 3
"""The fastest of this many imports counts: the machine may be busy."""
LONGEST = 300
"""Timeout of an import in s."""


def imports(plugin: Plugin, entries: list[Entry]) -> Iterator[Result]:
    """Check one plugin's import: the declaration and settings (the light half), then the components."""
    plugin_imports = _PluginImports(plugin, entries)
    for name, check in CHECKS.items():
        yield outcome(f"plugin {plugin.name}", name, partial(check, plugin_imports), home=Path(plugin.file).parent)


class _PluginImports:
    """A plugin's modules, each half imported at most once in a process of its own."""

    def __init__(self, plugin: Plugin, entries: list[Entry]) -> None:
        holder = _module_of(plugin)
        self.light = list(dict.fromkeys([holder, *(_module(entry.component.config) for entry in entries)]))
        self.heavy = list(dict.fromkeys(_module(entry.component.target) for entry in entries))

    @cached_property
    def light_findings(self) -> tuple[dict[str, Any], str]:
        return _import_in_process("light", self.light)

    @cached_property
    def heavy_findings(self) -> tuple[dict[str, Any], str]:
        return _import_in_process("heavy", [*self.light, *self.heavy])


def _module(path: str) -> str:
    return path.partition(":")[0]


def _module_of(plugin: Plugin) -> str:
    file = Path(plugin.file).resolve()
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) and Path(str(module.__file__)).resolve() == file:
            return name
    return plugin.name


def light_half(plugin_imports: _PluginImports) -> None:
    """The declaration and the settings import no torch, timm, numpy or scipy."""
    findings, _ = plugin_imports.light_findings
    require(
        not findings["heavy"], f"importing {', '.join(plugin_imports.light)} imports {', '.join(findings['heavy'])}"
    )


def quick(plugin_imports: _PluginImports) -> str:
    """The light half is imported within half a second."""
    seconds = plugin_imports.light_findings[0]["seconds"]
    for _ in range(TRIES - 1):
        if seconds > SLOWEST:
            seconds = min(seconds, _import_in_process("light", plugin_imports.light)[0]["seconds"])
    require(seconds <= SLOWEST, f"importing the light half takes {seconds:.2f} s, {SLOWEST} s at most")
    return f"{seconds:.2f} s"


def quiet(plugin_imports: _PluginImports) -> None:
    """Neither half prints to stdout or stderr."""
    for printed in (plugin_imports.light_findings[1], plugin_imports.heavy_findings[1]):
        require(not printed, f"importing it prints {printed[:200]!r}")


def random_state(plugin_imports: _PluginImports) -> None:
    """The random states of Python, numpy and torch are unchanged."""
    touched = plugin_imports.heavy_findings[0]["touched"]
    require(not touched, f"importing it changes the random state of {', '.join(touched)}")


CHECKS: dict[str, Callable[[_PluginImports], str | None]] = {
    check.__name__: check for check in (light_half, quick, quiet, random_state)
}


def _import_in_process(half: str, modules: list[str]) -> tuple[dict[str, Any], str]:
    """Import modules in a fresh process; return its findings and what it printed."""
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
    """In the fresh process: import the modules and write the findings."""
    import avspatial.settings  # noqa: F401  its time is not the plugin's

    states = _random_states() if half == "heavy" else {}
    before = {name: state() for name, state in states.items()}
    start = time.perf_counter()
    for module in modules:
        importlib.import_module(module)
    seconds = time.perf_counter() - start
    findings = {
        "seconds": seconds,
        "heavy": [name for name in HEAVY if name in sys.modules],
        "touched": [name for name, state in states.items() if state() != before[name]],
    }
    report.write_text(json.dumps(findings, allow_nan=False), encoding="utf-8")


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
