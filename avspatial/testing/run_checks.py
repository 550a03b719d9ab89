"""The contract of each kind, as a list of checks, and the running of them.

Nothing heavy is imported before a check runs, so that the plugin's own import can be looked at first.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspatial.errors import PluginError, did_you_mean
from avspatial.registry import Entry, Registry, discover
from avspatial.testing.results import Result, outcome

if TYPE_CHECKING:
    from avspatial.framing import Framing
    from avspatial.testing.component import ComponentUnderTest

Check = Callable[["ComponentUnderTest"], str | None]

MODULES = {
    "visual_encoder": "networks",
    "audio_encoder": "networks",
    "mask_generator": "networks",
    "discriminator": "networks",
    "metric": "metrics",
    "spatializer": "spatializers",
    "trainer": "trainers",
    "dataset": "datasets",
}
"""Where the checks of each kind stand: a tuple of functions under CHECKS[kind]."""


def checks_of(kind: str) -> dict[str, Check]:
    """The checks of a kind by name, in the order in which they run. What each looks at stands in its docstring."""
    checks = importlib.import_module(f"avspatial.testing.checks.{MODULES[kind]}").CHECKS[kind]
    return {check.__name__: check for check in checks}


def run_checks(
    id: str,
    *,
    kind: str | None = None,
    settings: Mapping[str, Any] | None = None,
    framing: Framing | None = None,
    expected_failures: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    registry: Registry | None = None,
) -> list[Result]:
    """Check the component `id` (`plugin.component` or its short form) and say what was found, check by check.

    settings, expected_failures: instead of those that the component's settings class declares (`example`,
    `expected_failures`). framing: the window, instead of the paper's with pictures of 64 x 64. only: the names of the
    checks to run. registry: the plugins to choose from; by default all that are there.
    PluginError for an id that is not there, and for an id of two kinds where `kind` does not say which.
    """
    registry = discover() if registry is None else registry
    entry = find_component(registry, id, kind)
    return list(check_component(entry, registry, settings, framing, expected_failures, only))


def find_component(registry: Registry, id: str, kind: str | None = None) -> Entry:
    """The component that `id` means, of whatever kind; PluginError as `run_checks`."""
    if kind is not None:
        return registry.get(kind, id)
    entries = registry.entries()
    found = [entry for entry in entries if id in (entry.id, entry.component.name)]
    if len(found) == 1:
        return found[0]
    if found:
        which = ", ".join(f"{entry.kind} {entry.id}" for entry in found)
        raise PluginError(f"{id!r} may mean {which}", fix="Give the full id, and the kind.")
    near = did_you_mean(id, [name for entry in entries for name in (entry.id, entry.component.name)])
    raise PluginError(f"there is no component {id!r}{near}", fix="`avspatial plugins list` lists them.")


def check_component(
    entry: Entry,
    registry: Registry,
    settings: Mapping[str, Any] | None = None,
    framing: Framing | None = None,
    expected_failures: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> Iterator[Result]:
    """The results one by one, as they come. What cannot be constructed is checked no further."""
    label, home = f"{entry.kind} {entry.id}", Path(entry.plugin.file).parent
    try:
        declared = entry.settings_class()
        entry.target_class()
    except PluginError as error:
        yield Result(label, "construct", "failed", error.what)
        return
    from avspatial.testing.component import FRAMING, ComponentUnderTest
    from avspatial.training.random_state import preserve_random_state

    given = declared.example if settings is None else settings
    expected = declared.expected_failures if expected_failures is None else expected_failures
    checks = checks_of(entry.kind)
    for name in {*expected, *(only or ())} - set(checks):
        near = did_you_mean(name, checks) or f"; there are {', '.join(checks)}"
        yield Result(label, name, "failed", f"there is no such check{near}")
    wanted = {name: check for name, check in checks.items() if only is None or name in only or name == "construct"}
    with tempfile.TemporaryDirectory(prefix="avspatial-") as folder:
        for name, check in wanted.items():
            component = ComponentUnderTest(entry, registry, given, framing or FRAMING, Path(folder) / name)
            with preserve_random_state():
                result = outcome(label, name, partial(check, component), home=home, expected=expected.get(name, ""))
            yield result
            if name == "construct" and result.status != "passed":
                return
