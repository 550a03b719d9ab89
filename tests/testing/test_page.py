"""docs/plugins.md names every check, with what it asks."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest

from avspatial.plugin import KINDS
from avspatial.testing import checks_of
from avspatial.testing.checks import declaration, imports

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
CHECKS: dict[Callable[..., object], list[str]] = {
    check: [] for check in (*declaration.CHECKS.values(), *imports.CHECKS.values())
}
for each in KINDS:
    for function in checks_of(each).values():
        CHECKS.setdefault(function, []).append(each)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_check_is_on_the_page(check: Callable[..., object]) -> None:
    asked = (inspect.getdoc(check) or "").splitlines()[0]
    networks = [kind for kind in KINDS if "bfloat16" in checks_of(kind)]
    kinds = CHECKS[check]
    of = "all networks" if sorted(kinds) == sorted(networks) else ", ".join(f"`{kind}`" for kind in kinds)
    assert "| " + " | ".join(filter(None, (f"`{check.__name__}`", of, asked))) + " |\n" in PAGE
