"""Every built-in and bundled component passes every check of its kind."""

from pathlib import Path
from typing import Any

import pytest

from avspatial.metrics import CachedMetric
from avspatial.registry import Entry, discover
from avspatial.testing import checks_of, run_checks
from avspatial.testing.checks.declaration import static
from avspatial.testing.checks.harness import harness_for
from avspatial.testing.component import FRAMING, ComponentUnderTest

ROOT = Path(__file__).parents[2]
REGISTRY = discover([ROOT / "plugins"])
OURS = [entry for entry in REGISTRY.entries() if Path(entry.plugin.file).is_relative_to(ROOT)]


def test_all_of_them_are_there() -> None:
    folders = {path.name for path in (ROOT / "plugins").iterdir() if (path / "pyproject.toml").is_file()}
    assert {"avspatial", *folders} <= {entry.plugin.name for entry in OURS}
    assert not REGISTRY.failures


def _lane(entry: Entry) -> Any:
    """Networks of the bundled plugins are large, and analysed cues take time: these are checked in the full lane."""
    large = entry.plugin.name != "avspatial" and entry.kind not in {"metric", "dataset"}
    large = large or (entry.kind == "metric" and issubclass(entry.target_class(), CachedMetric))
    return pytest.param(entry, marks=pytest.mark.slow if large else (), id=f"{entry.kind}-{entry.id}")


@pytest.mark.parametrize("entry", [_lane(entry) for entry in OURS])
def test_a_component_keeps_the_promises_of_its_kind(entry: Entry, tmp_path: Path) -> None:
    results = run_checks(entry.id, kind=entry.kind, registry=REGISTRY)
    assert [str(result) for result in results if not result.ok] == []
    assert [result.check for result in results] == list(checks_of(entry.kind))
    assert {result.check for result in results if result.status == "skipped"} <= _inapplicable(entry, tmp_path)


def _inapplicable(entry: Entry, folder: Path) -> set[str]:
    """The checks that have nothing to ask of a component, by what it declares itself and never by its name."""
    checks = {"devices_agree"}  # without a GPU
    if entry.kind == "dataset":
        checks.add("truth_complete")  # recordings of the world, and solos
    if entry.kind == "spatializer":
        built = harness_for(
            ComponentUnderTest(entry, REGISTRY, entry.settings_class().example, FRAMING, folder)
        ).construct()
        checks |= set() if built.preserves_mixture else {"mixture_kept"}
        checks |= {"learns"} if not list(built.parameters()) else set()
    if entry.kind == "metric" and None in entry.target_class().higher_is_better.values():
        checks |= {"identity_best", "worse_with_error"}
    return checks


def test_an_audio_encoder_is_fed_as_many_planes_as_it_declares() -> None:
    results = run_checks(
        "avspatial.unet", kind="audio_encoder", settings={"width": 1 / 16, "planes": 4}, registry=REGISTRY
    )
    assert [str(result) for result in results if not result.ok] == []


def test_their_declarations_are_complete() -> None:
    for plugin in {entry.plugin.name: entry.plugin for entry in OURS}.values():
        results = list(static(plugin, [entry for entry in OURS if entry.plugin is plugin]))
        assert [str(result) for result in results if not result.ok] == []
