"""Every built-in and bundled component passes every check of its kind."""

from pathlib import Path

import pytest

from avspatial.registry import discover
from avspatial.testing import checks_of, run_checks
from avspatial.testing.declaration import static

ROOT = Path(__file__).parents[2]
REGISTRY = discover([ROOT / "plugins"])
OURS = [entry for entry in REGISTRY.entries() if Path(entry.plugin.file).is_relative_to(ROOT)]
CASES = [(entry.kind, entry.id, check) for entry in OURS for check in checks_of(entry.kind)]


def test_all_of_them_are_there() -> None:
    folders = {path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file()}
    assert {"avspatial", *folders} <= {entry.plugin.name for entry in OURS}
    assert not REGISTRY.failures


@pytest.mark.parametrize(("kind", "id", "check"), CASES)
def test_a_component_keeps_the_promises_of_its_kind(kind: str, id: str, check: str) -> None:
    results = run_checks(id, kind=kind, only=[check], registry=REGISTRY)
    assert [str(result) for result in results if not result.ok] == []
    if results[-1].status == "skipped":
        pytest.skip(results[-1].note)


def test_their_declarations_are_whole() -> None:
    for plugin in {entry.plugin.name: entry.plugin for entry in OURS}.values():
        results = list(static(plugin, [entry for entry in OURS if entry.plugin is plugin]))
        assert [str(result) for result in results if not result.ok] == []
