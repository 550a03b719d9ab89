"""A recipe from its file: parents, overrides, the environment, the smoke map."""

from __future__ import annotations

from pathlib import Path

import pytest

from avspatial.recipe.layers import Overrides

EXTENDS = "extends: good.yaml\n"


def test_a_recipe_says_what_it_says_and_the_rest_has_defaults(load) -> None:
    recipe = load().recipe
    assert (recipe.name, recipe.trainer.id, recipe.trainer.settings.lr) == ("good", "avspatial.supervised", 1e-4)
    assert [metric.id for metric in recipe.metrics] == ["avspatial.snr", "avspatial.spl_distance"]
    assert recipe.model.settings.visual_encoder.settings.width == 1.0
    assert recipe.framing.stft_frames == 64


def test_yaml_is_1_2_numbers_may_have_exponents_and_no_is_a_word(load) -> None:
    assert load(overrides=("trainer.lr=1e-5",)).recipe.trainer.settings.lr == 1e-5
    assert load(overrides=("name=no",)).recipe.name == "no"
    assert load(overrides=("name=2026-11-23",)).recipe.name == "2026-11-23"


def test_maps_merge_and_lists_replace(load) -> None:
    recipe = load(EXTENDS + "name: child\ntrainer: {epochs: 7}\nmetrics: [mrstft]\n").recipe
    assert (recipe.name, recipe.trainer.settings.epochs, recipe.trainer.settings.lr) == ("child", 7, 1e-4)
    assert [metric.id for metric in recipe.metrics] == ["avspatial.mrstft"]


def test_settings_of_another_component_do_not_come_along(load) -> None:
    recipe = load(EXTENDS + "trainer: {use: shared_visual_gan, discriminator: visual_patch}\n").recipe
    assert recipe.trainer.id == "avspatial.shared_visual_gan"
    assert recipe.trainer.settings.lr == type(recipe.trainer.settings).model_fields["lr"].default != 1e-4


@pytest.mark.parametrize("use", ["supervised", "avspatial.supervised", "avspatial.supervised@1", "supervised@1"])
def test_the_same_component_by_another_of_its_names_keeps_its_settings(load, use: str) -> None:
    assert load(EXTENDS + f"trainer: {{use: {use}, epochs: 7}}\n").recipe.trainer.settings.lr == 1e-4


def test_a_bare_name_and_a_map_merge_as_two_maps(load) -> None:
    assert load(EXTENDS + "trainer: supervised\n").recipe.trainer.settings.lr == 1e-4
    assert load(
        EXTENDS + "model: {audio_encoder: {width: 0.5}}\n"
    ).recipe.model.settings.audio_encoder.settings.width == (0.5)


def test_null_takes_a_component_away(load) -> None:
    assert load(EXTENDS + "model: {visual_encoder: null}\n").recipe.model.settings.visual_encoder is None


def test_a_parent_may_have_a_parent_each_relative_to_its_own_file(write, load) -> None:
    write("base/top.yaml", "seed: 5\ninference: {batch_size: 3}\n")
    write("base/deep/middle.yaml", "extends: ../top.yaml\ninference: {hop: 0.25}\n")
    write("good.yaml", "extends: base/deep/middle.yaml\n" + (write("x", "").parent / "good.yaml").read_text())
    recipe = load(EXTENDS + "inference: {batch_size: 4}\n").recipe
    assert (recipe.seed, recipe.inference.hop, recipe.inference.batch_size) == (5, 0.25, 4)


def test_overrides_come_last_and_are_yaml(load) -> None:
    sets = ("trainer.lr=3e-4", "metrics=[mrstft]", "model.visual_encoder=null", "trainer.lr=4e-4", "window={fps: 8}")
    recipe = load(overrides=sets).recipe
    assert (recipe.trainer.settings.lr, recipe.window.fps, recipe.window.pictures) == (4e-4, 8.0, 4)
    assert [metric.id for metric in recipe.metrics] == ["avspatial.mrstft"]
    assert recipe.model.settings.visual_encoder is None


def test_values_of_python_are_taken_as_they_are(load, refused) -> None:
    recipe = load(overrides={"trainer": {"lr": 3e-4}, "name": "2", "data.root": Path("x"), "window.fps": 8}).recipe
    assert (recipe.trainer.settings.lr, recipe.name, recipe.data.settings.root) == (3e-4, "2", "x")
    assert recipe.model.settings.visual_encoder is not None  # maps merge
    assert load(overrides=[("seed", 3), "seed=4", ("name", "no")]).recipe.seed == 4
    assert load(overrides={"model": {"visual_encoder": None}, "smoke": {}}).recipe.model.settings.visual_encoder is None
    assert refused(overrides={"trainer": {"lr": "fast"}}) == ["--set trainer.lr: must be a number, not 'fast'"]


def test_an_override_of_use_drops_the_settings_of_the_component_before(load) -> None:
    recipe = load(overrides=("trainer.use=shared_visual_gan", "trainer.discriminator=visual_patch")).recipe
    assert recipe.trainer.settings.lr == type(recipe.trainer.settings).model_fields["lr"].default


def test_smoke_goes_over_the_file_and_under_the_overrides(load) -> None:
    assert load().recipe.trainer.settings.steps is None
    assert load(smoke=True).recipe.trainer.settings.steps == 2
    assert load(smoke=True, overrides=("trainer.steps=9",)).recipe.trainer.settings.steps == 9
    assert load(smoke=True, overrides=("smoke.trainer.steps=4",)).recipe.trainer.settings.steps == 4


DEMO = """\
schema: 1
name: demo
data: {use: simulated, clips: 30}
model:
  use: masking
  visual_encoder: {use: c3d, width: 0.25, pretrained: false}
  audio_encoder: {use: unet, width: 0.25}
  mask_generator: unet
trainer: {use: shared_visual_gan, discriminator: visual_patch}
metrics: [snr]
smoke:
  data: {clips: 6, seconds: 1.5}
  trainer: {steps: 2, discriminator: {width: 0.5}}
"""
OTHER_COMPONENT = {
    "data: {use: fairplay, root: /data}": {"data": {}, "trainer": {"steps": 2, "discriminator": {"width": 0.5}}},
    "trainer: supervised": {"data": {"clips": 6, "seconds": 1.5}, "trainer": {"steps": 2}},
    "data: {use: fairplay, root: /data}\ntrainer: {use: supervised}": {"data": {}, "trainer": {"steps": 2}},
    "data: {use: fairplay, root: /data}\nsmoke: {data: {overlap: allow}}": {
        "data": {"overlap": "allow"},
        "trainer": {"steps": 2, "discriminator": {"width": 0.5}},
    },
    "smoke:": {},
    "smoke: null\ndata: {use: fairplay, root: /data}": {},
}


@pytest.mark.parametrize("smoke", [False, True])
@pytest.mark.parametrize("change", OTHER_COMPONENT)
def test_inherited_smoke_settings_of_another_component_go(write, load, change: str, smoke: bool) -> None:
    write("demo.yaml", DEMO)
    loaded = load(f"extends: demo.yaml\n{change}\n", smoke=smoke)
    assert loaded.recipe.smoke == OTHER_COMPONENT[change]
    assert (loaded.recipe.trainer.settings.steps == 2) is (smoke and bool(loaded.recipe.smoke))


@pytest.mark.parametrize(
    "overrides",
    [
        ("data={use: fairplay, root: /data}",),
        ("data.use=fairplay", "data.root=/data"),
        ("data.root=/data", "data.use=fairplay"),
        {"data": {"root": "/data", "use": "fairplay"}},
        ("smoke=null", "data={use: fairplay, root: /data}"),
    ],
)
def test_an_override_chooses_other_data_for_a_recipe_with_smoke(load, overrides: Overrides) -> None:
    for smoke in (False, True):
        recipe = load(DEMO, overrides=overrides, smoke=smoke).recipe
        assert (recipe.data.id, recipe.data.settings.root) == ("avspatial.fairplay", "/data")


def test_smoke_settings_of_a_network_that_is_gone_go(write, load) -> None:
    write("demo.yaml", DEMO + "  model: {visual_encoder: {width: 0.125}}\n")
    write("other.yaml", "extends: demo.yaml\nmodel: {visual_encoder: null}\n")
    assert load("extends: other.yaml\n", smoke=True).recipe.smoke["model"] == {}


def test_smoke_settings_that_the_other_component_has_stay(write, load) -> None:
    write("demo.yaml", DEMO.replace("discriminator: {width: 0.5}", "batch_size: 3"))
    recipe = load("extends: demo.yaml\ntrainer: supervised\n", smoke=True).recipe
    assert (recipe.trainer.settings.steps, recipe.trainer.settings.batch_size) == (2, 3)


def test_a_misspelled_smoke_setting_is_an_error_even_if_it_is_inherited(write, load, refused) -> None:
    write("demo.yaml", DEMO.replace("clips: 6", "clipz: 6"))
    for change in ("", "trainer: supervised\n"):
        assert refused(f"extends: demo.yaml\n{change}") == [
            "demo.yaml:12:10: smoke.data.clipz: no such key (did you mean 'clips'?)"
        ]
    own = "data: {use: fairplay, root: /data}\nsmoke: {data: {clips: 6}}\n"
    assert refused(f"extends: demo.yaml\n{own}") == ["r.yaml:3:16: smoke.data.clips: no such key"]


@pytest.mark.parametrize("smoke", [False, True])
def test_what_the_other_component_needs_is_missing_where_it_was_chosen(write, refused, smoke: bool) -> None:
    write("demo.yaml", DEMO)
    (line,) = refused("extends: demo.yaml\ndata: fairplay\n", smoke=smoke)
    assert line.startswith("r.yaml:2:1: data.root: is missing")


def test_text_is_filled_in_from_the_environment(load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/data")
    assert load(overrides=("data.root=${AVSPATIAL_DATA}/FAIR-Play",)).recipe.data.settings.root == "/data/FAIR-Play"
    assert load(overrides=("data.root='${NOT_THERE:-some where}/x'",)).recipe.data.settings.root == "some where/x"
    assert load(overrides=("seed=${AVSPATIAL_SEED:-12}",)).recipe.seed == 12


def test_what_an_override_replaces_needs_no_environment(load) -> None:
    text = "extends: good.yaml\ndata: {root: '${NOT_THERE}/x'}\n"
    assert load(text, overrides=("data.root=y",)).recipe.data.settings.root == "y"


def test_anchors_are_plain_yaml(load) -> None:
    recipe = load(EXTENDS + "window: {picture: [&side 32, *side]}\n").recipe
    assert recipe.window.picture == (32, 32)
