"""The checks as a pytest test: one case a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avspatial.registry import discover
from avspatial.testing.run_checks import checks_of, find_component, run_checks

if TYPE_CHECKING:
    from avspatial.framing import Framing


def conformance(
    id: str,
    *,
    kind: str | None = None,
    settings: Mapping[str, Any] | None = None,
    framing: Framing | None = None,
    expected_failures: Mapping[str, str] | None = None,
    plugins: Iterable[Path | str] | None = None,
) -> Callable[[str], None]:
    """A test function, parametrised over the component's checks: `test_mine = conformance("mine.thing")`.

    plugins: folders to look in, instead of those of AVSPATIAL_PLUGINS. The rest as `run_checks`. A skipped check is a
    skipped case, and an expected failure an xfail.
    """
    import pytest

    registry = discover(plugins)
    entry = find_component(registry, id, kind)

    @pytest.mark.parametrize("check", checks_of(entry.kind))
    def test(check: str) -> None:
        results = run_checks(
            entry.id,
            kind=entry.kind,
            settings=settings,
            framing=framing,
            expected_failures=expected_failures,
            only=[check],
            registry=registry,
        )
        result = results[-1]
        if result.status == "failed":
            pytest.fail(str(result), pytrace=False)
        if result.status == "skipped":
            pytest.skip(result.note)
        if result.status == "expected":
            pytest.xfail(result.note)

    return test
