"""Which component a name means, and the error if it means none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from avspatial.errors import PluginError
from avspatial.interfaces import Metric
from avspatial.registry import Registry, discover
from avspatial.settings import Selected

METRIC = """
from avspatial.plugin import Component, hookimpl

@hookimpl
def avspatial_components():
    return [Component("metric", {name!r}, "2", "{module}.parts:Knobs", "{module}.parts:{target}", "Says one.")]
"""
PARTS = '''
from avspatial.interfaces import Metric
from avspatial.settings import Settings, setting

class Knobs(Settings):
    """Settings."""
    gain: float = setting(1.0, ge=0, le=9)
    """How much."""

class One(Metric):
    names = ("one",)
    unit = {"one": ""}
    higher_is_better = {"one": None}

    def __call__(self, prediction, reference, sample_rate, truth=None):
        return {"one": self.settings.gain}

class Nothing:
    pass
'''


def metric_plugin(write_plugin: Any, plugin: str, name: str = "ones", target: str = "One", **changes: str) -> Path:
    module = f"{changes.get('folder') or plugin}_plugin"
    files = {"parts": changes.pop("parts", PARTS)}
    home: Path = write_plugin(plugin, METRIC.format(name=name, module=module, target=target), **files, **changes)
    return home


def message(registry: Registry, kind: str, name: str) -> str:
    with pytest.raises(PluginError) as caught:
        registry.get(kind, name)
    return str(caught.value)


@pytest.mark.parametrize("name", ["ones", "mine.ones", "ones@2", "mine.ones@2"])
def test_short_form_full_id_and_version_mean_the_same(write_plugin: Any, name: str) -> None:
    entry = discover([metric_plugin(write_plugin, "mine")]).get("metric", name)
    assert (entry.id, entry.version, entry.kind) == ("mine.ones", "2", "metric")


def test_one_name_may_serve_two_kinds() -> None:
    registry = discover([])
    targets = [registry.get(kind, "unet").component.target for kind in ("audio_encoder", "mask_generator")]
    assert targets == ["avspatial.models.unet:UnetEncoder", "avspatial.models.unet:UnetMaskGenerator"]


def test_an_unknown_name_gets_the_nearest_and_the_list() -> None:
    assert message(discover([]), "trainer", "supervized") == (
        "unknown trainer 'supervized' (did you mean 'supervised'?)\n"
        "  There are: sepstereo, shared_visual_gan, supervised."
    )


def test_an_unknown_full_id_gets_the_nearest_full_id() -> None:
    assert message(discover([]), "trainer", "avspatial.supervized").startswith(
        "unknown trainer 'avspatial.supervized' (did you mean 'avspatial.supervised'?)\n"
    )


def test_a_name_of_another_kind_is_reported(builtin_registry: Registry) -> None:
    assert message(builtin_registry, "spatializer", "supervised") == (
        "'supervised' is a trainer, not a spatializer\n  There are: masking."
    )


def test_an_unknown_kind_is_an_error() -> None:
    assert message(discover([]), "metrics", "snr") == (
        "unknown kind 'metrics' (did you mean 'metric'?)\n  Kinds: visual_encoder, audio_encoder, mask_generator, "
        "discriminator, metric, spatializer, trainer, dataset."
    )


def test_a_short_form_that_two_plugins_offer_needs_the_full_id(write_plugin: Any, tmp_path: Path) -> None:
    metric_plugin(write_plugin, "first")
    metric_plugin(write_plugin, "second")
    registry = discover([tmp_path / "plugins"])
    assert message(registry, "metric", "ones") == (
        "metric 'ones' is ambiguous: first.ones, second.ones\n  Write the full id."
    )
    assert registry.get("metric", "second.ones").plugin.name == "second"


def test_another_version_is_refused() -> None:
    assert message(discover([]), "trainer", "supervised@7") == (
        "trainer 'avspatial.supervised' is version 1 here, not 7\n  Install the release of plugin 'avspatial' that has "
        "version 7, or write avspatial.supervised@1 and expect other numbers."
    )


def test_one_id_declared_twice_names_both_files_and_spares_the_others(write_plugin: Any, tmp_path: Path) -> None:
    first = metric_plugin(write_plugin, "mine")
    second = metric_plugin(write_plugin, "mine", folder="copy")
    third = metric_plugin(write_plugin, "mine", folder="other", name="twos")
    registry = discover([first, second, third])
    files = [home / "src" / f"{home.name}_plugin" / "__init__.py" for home in (first, second)]
    reason = f"metric 'mine.ones' is declared twice: {files[0]} and {files[1]}"
    assert message(registry, "metric", "ones") == f"{reason}\n  Remove or rename one of them."
    assert [failure.reason for failure in registry.failures] == [reason]
    assert registry.get("metric", "twos").id == "mine.twos"


def test_a_failed_plugin_is_named_to_the_recipe_that_may_need_it(write_plugin: Any) -> None:
    home = write_plugin("broken", "import nothing_of_that_name\n")
    registry = discover([home])
    reason = (
        f"plugin 'broken' ({home / 'pyproject.toml'}): ModuleNotFoundError: No module named 'nothing_of_that_name' "
        f"({home / 'src/broken_plugin/__init__.py'}:1)"
    )
    assert message(registry, "trainer", "broken.teacher") == (
        "unknown trainer 'broken.teacher'\n"
        f"  There are: sepstereo, shared_visual_gan, supervised.\n  Not loaded: {reason}"
    )
    assert "Not loaded" in message(registry, "trainer", "teacher")
    assert "Not loaded" not in message(registry, "trainer", "avspatial.teacher")


def test_building_gives_the_target_its_settings(write_plugin: Any) -> None:
    registry = discover([metric_plugin(write_plugin, "mine")])
    entry = registry.get("metric", "ones")
    selected = Selected("metric", entry.id, entry.version, entry.settings_class()(gain=3))
    metric = registry.build(selected)
    assert isinstance(metric, Metric)
    assert metric(None, None, 16000) == {"one": 3.0}  # type: ignore[arg-type]


def test_building_another_version_than_chosen_is_refused(write_plugin: Any) -> None:
    registry = discover([metric_plugin(write_plugin, "mine")])
    with pytest.raises(PluginError, match="is version 2 here, not 1"):
        registry.build(Selected("metric", "mine.ones", "1", None))


def test_a_target_that_is_not_what_its_kind_must_be_is_refused(write_plugin: Any) -> None:
    home = metric_plugin(write_plugin, "mine", target="Nothing")
    with pytest.raises(PluginError) as caught:
        discover([home]).get("metric", "ones").target_class()
    assert str(caught.value) == (
        f"metric 'mine.ones' ({home / 'src/mine_plugin/__init__.py'}): mine_plugin.parts:Nothing is not a subclass of "
        "avspatial.interfaces.Metric\n  Fix the plugin."
    )


def test_settings_that_cannot_be_imported_are_reported_with_the_place(write_plugin: Any) -> None:
    home = metric_plugin(write_plugin, "mine", parts="import nothing_of_that_name\n")
    with pytest.raises(PluginError) as caught:
        discover([home]).get("metric", "ones").settings_class()
    assert str(caught.value) == (
        f"metric 'mine.ones' ({home / 'src/mine_plugin/__init__.py'}): mine_plugin.parts:Knobs cannot be imported: "
        f"ModuleNotFoundError: No module named 'nothing_of_that_name' ({home / 'src/mine_plugin/parts.py'}:1)\n"
        "  Install what the plugin needs, or fix the plugin."
    )
