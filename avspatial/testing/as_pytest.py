"""The checks of a component as a pytest test, one case a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspatial.registry import discover
from avspatial.testing.run_checks import check_component, checks_of, find_component

if TYPE_CHECKING:
    from avspatial.framing import Framing


def conformance(
    component_id: str,
    *,
    kind: str | None = None,
    settings: Mapping[str, Any] | None = None,
    framing: Framing | None = None,
    expected_failures: Mapping[str, str] | None = None,
    plugins: Iterable[Path | str] | None = None,
) -> Callable[[str], None]:
    """Make a pytest test of a component's checks: one case a check.

    A skipped check is a skipped case, an expected failure an xfail.

    Args:
        component_id: Component, `plugin.component` or its short form.
        kind: Kind of the component; needed only if components of two kinds have this id.
        settings: Settings to build it with, instead of the `example` of its settings class.
        framing: Window and spectrogram, instead of the paper's with images of 64 x 64 pixels.
        expected_failures: {check: reason}, instead of those that the settings class declares.
        plugins: Plugin folders, instead of those of AVSPATIAL_PLUGINS.

    Returns:
        A parametrised test function, to be assigned to a name that begins with `test_`.

    Raises:
        PluginError: Unknown component, or an id of two kinds without `kind`.

    Example:
        >>> from avspatial.testing import conformance
        >>> test_snr = conformance("avspatial.snr")
    """
    import pytest

    registry = discover(plugins)
    entry = find_component(registry, component_id, kind)

    @pytest.mark.parametrize("check", checks_of(entry.kind))
    def test(check: str) -> None:
        *_, result = check_component(entry, registry, settings, framing, expected_failures, only=[check])
        if result.status == "failed":
            pytest.fail(str(result), pytrace=False)
        if result.status == "skipped":
            pytest.skip(result.note)
        if result.status == "expected":
            pytest.xfail(result.note)

    return test
