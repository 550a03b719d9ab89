"""The conformance checks of each kind, and running them.

Nothing heavy is imported before a check runs, so that the plugin's own import can be checked first.
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
"""Module of the checks of each kind: a tuple of functions, CHECKS[kind]."""


def checks_of(kind: str) -> dict[str, Check]:
    """Return the checks of a kind.

    Args:
        kind: One of `avspatial.plugin.KINDS`.

    Returns:
        {name: check} in the order in which they run. A check's docstring says what it requires.

    Example:
        >>> from avspatial.testing import checks_of
        >>> list(checks_of("metric"))[:4]
        ['construct', 'declared', 'repeatable', 'identity_best']
    """
    checks = importlib.import_module(f"avspatial.testing.checks.{MODULES[kind]}").CHECKS[kind]
    return {check.__name__: check for check in checks}


def run_checks(
    component_id: str,
    *,
    kind: str | None = None,
    settings: Mapping[str, Any] | None = None,
    framing: Framing | None = None,
    expected_failures: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    registry: Registry | None = None,
) -> list[Result]:
    """Run the checks of a component.

    Args:
        component_id: Component, `plugin.component` or its short form.
        kind: Kind of the component; needed only if components of two kinds have this id.
        settings: Settings to build it with, instead of the `example` of its settings class.
        framing: Window and spectrogram, instead of the paper's with images of 64 x 64 pixels.
        expected_failures: {check: reason}, instead of those that the settings class declares.
        only: Names of the checks to run [default: all]; `construct` always runs.
        registry: Plugins to search [default: the installed ones].

    Returns:
        One result a check; a component that cannot be constructed is not checked further.

    Raises:
        PluginError: Unknown component, or an id of two kinds without `kind`.

    Example:
        >>> from avspatial.testing import run_checks
        >>> [result.ok for result in run_checks("avspatial.snr", only=["construct", "symmetric"])]
        [True, True]
    """
    registry = discover() if registry is None else registry
    entry = find_component(registry, component_id, kind)
    return list(check_component(entry, registry, settings, framing, expected_failures, only))


def find_component(registry: Registry, component_id: str, kind: str | None = None) -> Entry:
    """Find a component of any kind by id or short name; PluginError as `run_checks`."""
    if kind is not None:
        return registry.get(kind, component_id)
    entries = registry.entries()
    matches = [entry for entry in entries if component_id in (entry.id, entry.component.name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        which = ", ".join(f"{entry.kind} {entry.id}" for entry in matches)
        raise PluginError(f"{component_id!r} may mean {which}", fix="Give the full id, and the kind.")
    near = did_you_mean(component_id, [name for entry in entries for name in (entry.id, entry.component.name)])
    raise PluginError(f"there is no component {component_id!r}{near}", fix="`avspatial plugins list` lists them.")


def check_component(
    entry: Entry,
    registry: Registry,
    settings: Mapping[str, Any] | None = None,
    framing: Framing | None = None,
    expected_failures: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
) -> Iterator[Result]:
    """Yield the results one by one. A component that cannot be constructed is not checked further."""
    label, home = f"{entry.kind} {entry.id}", Path(entry.plugin.file).parent
    try:
        declared = entry.settings_class()
        entry.target_class()
    except PluginError as error:
        yield Result(label, "construct", "failed", error.what)
        return
    from avspatial.testing.component import FRAMING, ComponentUnderTest
    from avspatial.training.random_state import preserve_random_state

    raw_settings = declared.example if settings is None else settings
    expected = declared.expected_failures if expected_failures is None else expected_failures
    checks = checks_of(entry.kind)
    for name in {*expected, *(only or ())} - set(checks):
        near = did_you_mean(name, checks) or f"; there are {', '.join(checks)}"
        yield Result(label, name, "failed", f"there is no such check{near}")
    selected = {name: check for name, check in checks.items() if only is None or name in only or name == "construct"}
    with tempfile.TemporaryDirectory(prefix="avspatial-") as folder:
        for name, check in selected.items():
            component = ComponentUnderTest(entry, registry, raw_settings, framing or FRAMING, Path(folder) / name)
            with preserve_random_state():
                result = outcome(label, name, partial(check, component), home=home, expected=expected.get(name, ""))
            yield result
            if name == "construct" and result.status != "passed":
                return
