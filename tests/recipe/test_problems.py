"""Every error, with its location, word for word."""

from __future__ import annotations

import pytest

EXTENDS = "extends: good.yaml\n"


def test_many_errors_are_reported_together(refused) -> None:
    text = """\
schema: 1
sed: 3
data: {use: fairplay, root: here, rot: 1}
model:
  use: masking
  visual_encoder: {use: c3e}
  audio_encoder: {use: unet, width: 9}
  mask_generator: supervised
trainer: {use: supervised, lr: fast}
metrics: []
inference: {hop: 2.5}
stft: {window: 500}
convention: fair
smoke: {trainer: {stps: 2}}
"""
    assert refused(text, overrides=("bad", "trainer.epochs=0")) == [
        "r.yaml:1:1: name: is missing (Name of the folder of its runs under `runs/`)",
        "r.yaml:2:1: sed: no such key (did you mean 'seed'?)",
        "r.yaml:3:35: data.rot: no such key (did you mean 'root'?)",
        "r.yaml:6:25: model.visual_encoder: unknown visual_encoder 'c3e' (did you mean 'c3d'?). There are: c3d",
        "r.yaml:7:37: model.audio_encoder.width: must be at most 4, not 9",
        "r.yaml:8:19: model.mask_generator: 'supervised' is a trainer, not a mask_generator. There are: unet",
        "r.yaml:9:32: trainer.lr: must be a number, not 'fast'",
        "r.yaml:10:10: metrics: needs at least 1, has 0",
        "r.yaml:11:18: inference.hop: must be at most window.seconds (1 s), not 2.5: audio would be left out",
        "r.yaml:12:16: stft.window: must be at most stft.n_fft (448 samples), not 500",
        "r.yaml:13:13: convention: must be fairplay, raw, reference_peak or fairplay_reflect, not 'fair' "
        "(did you mean 'fairplay'?)",
        "r.yaml:14:19: smoke.trainer.stps: no such key (did you mean 'steps'?)",
        "--set bad: must be KEY=VALUE, the key as in trainer.lr",
        "--set trainer.epochs: must be at least 1 epoch, not 0",
    ]


ONE_ERROR = {
    "seed: three": "r.yaml:2:7: seed: must be an integer, not 'three'",
    "seed: 1.5": "r.yaml:2:7: seed: must be an integer, not 1.5",
    "seed:": "r.yaml:2:1: seed: must be an integer, not empty",
    "seed: -1": "r.yaml:2:7: seed: must be at least 0, not -1",
    "seed: 2147483648": "r.yaml:2:7: seed: must be less than 2147483648, not 2147483648",
    "seed: [1]": "r.yaml:2:7: seed: must be an integer, not a list",
    "name: 3": "r.yaml:2:7: name: must be text, not 3",
    "seed: true": "r.yaml:2:7: seed: must be an integer, not true",
    "trainer: {lr: yes, betas: [0.9, true]}": "r.yaml:2:15: trainer.lr: must be a number, not 'yes'",
    "trainer: {lr: false}": "r.yaml:2:15: trainer.lr: must be a number, not false",
    "trainer: {steps: true}": "r.yaml:2:18: trainer.steps: must be an integer, not true",
    "trainer: {betas: [0.9, true]}": "r.yaml:2:24: trainer.betas[1]: must be a number, not true",
    "window: {picture: [64, true]}": "r.yaml:2:24: window.picture[1]: must be an integer, not true",
    "schema: true": "r.yaml:2:9: schema: must be an integer, not true",
    "name: a/b": "r.yaml:2:7: name: must be letters, digits and . _ -, beginning with a letter or digit, not 'a/b'",
    "schema: 2": "r.yaml:2:9: schema: must be 1, not 2",
    "window: 3": "r.yaml:2:9: window: must be a map of keys, not 3",
    "window: {seconds: 0}": "r.yaml:2:19: window.seconds: must be more than 0 s, not 0",
    "window: {seconds: 61}": "r.yaml:2:19: window.seconds: must be at most 60 s, not 61",
    "window: {seconds: .nan}": "r.yaml:2:19: window.seconds: must be a number, not nan",
    "window: {picture: [64]}": "r.yaml:2:19: window.picture: item 2 is missing",
    "window: {picture: [64, x]}": "r.yaml:2:24: window.picture[1]: must be an integer, not 'x'",
    "window: {picture: [64, 2]}": "r.yaml:2:19: window.picture: "
    "height and width must be at least 16 pixels, not (64, 2)",
    "window: {gain: mixtur}": "r.yaml:2:16: window.gain: must be mixture or reference_stereo, not 'mixtur' "
    "(did you mean 'mixture'?)",
    "stft: {hop: 600}": "r.yaml:2:13: stft.hop: a window of 1 s holds 27 frames of 600 samples, and 32 are needed; "
    "take a hop of at most 516",
    "window: {seconds: 0.3}\ninference: {hop: 0.2}": "r.yaml:2:19: window.seconds: a window of 0.3 s holds "
    "21 frames of 240 samples, and 32 are needed; take at least 0.465 s",
    "metrics: snr": "r.yaml:2:10: metrics: must be a list, not 'snr'",
    "metrics: [snr, avspatial.snr]": "r.yaml:2:16: metrics[1]: avspatial.snr is named twice; the first is metrics[0]",
    "metrics: [{rate: 3}]": "r.yaml:2:11: metrics[0]: needs {use: NAME, ...} that names one metric",
    "metrics: [{use: spl_distance, frame: -1}]": "r.yaml:2:38: metrics[0].frame: must be more than 0 s, not -1",
    "metrics: [{use: spl_distance, fram: 1}]": "r.yaml:2:31: metrics[0].fram: no such key (did you mean 'frame'?)",
    "metrics: [snrr]": "r.yaml:2:11: metrics[0]: unknown metric 'snrr' (did you mean 'snr'?). "
    "`avspatial plugins list --kind metric` lists all 23",
    "metrics: [snr@2]": "r.yaml:2:11: metrics[0]: metric 'avspatial.snr' is version 1 here, not 2. Install the release "
    "of plugin 'avspatial' that has version 2, or write avspatial.snr@1 and expect other numbers",
    "model: 3": "r.yaml:2:8: model: needs {use: NAME, ...} that names one spatializer",
    "model: {visual_encoder: {use: c3d, pretrained: true}}": "r.yaml:2:48: model.visual_encoder.pretrained: "
    "must be false, not true; or must be a path, not true",
    "model: {visual_encoder: {use: c3d, pretrained: w.pth, width: 0.5}}": "r.yaml:2:25: model.visual_encoder: "
    "pretrained weights need width 1, not 0.5",
    "trainer: {use: supervised, discriminator: true}": "r.yaml:2:28: trainer.discriminator: no such key",
    "lr: 1": "r.yaml:2:1: lr: no such key (did you mean 'trainer.lr'?)",
    "stft: {fps: 4}": "r.yaml:2:8: stft.fps: no such key (did you mean 'window.fps'?)",
    "model: {width: 2}": "r.yaml:2:9: model.width: no such key (did you mean 'model.visual_encoder.width' or "
    "'model.audio_encoder.width'?)",
    "smoke: 3": "r.yaml:2:8: smoke: must be a map of keys, not 3",
    "smoke: {trainer: {epochs: 0}}": "r.yaml:2:27: smoke.trainer.epochs: must be at least 1 epoch, not 0",
    "data: {root: '${NOT_THERE}'}": "r.yaml:2:14: data.root: the environment variable NOT_THERE is not set; "
    "set it, or write ${NOT_THERE:-DEFAULT}",
    "data: {root: '${NOT'}": "r.yaml:2:14: data.root: ${ has no matching }; write ${NAME} or ${NAME:-DEFAULT}",
    "data: {root: '${a b}'}": "r.yaml:2:14: data.root: ${a b} is invalid; write ${NAME} or ${NAME:-DEFAULT}",
    "seed: 1\nseed: 2": "r.yaml:3:1: seed: appears twice; the first is in line 2",
    "trainer: {lr: 1, lr: 2}": "r.yaml:2:18: trainer.lr: appears twice; the first is in line 2",
    "1: 2": "r.yaml:2:1: a key must be text, not 1",
    "trainer: &a {lr: 0.1}\nsmoke: {<<: *a}": "r.yaml:3:9: smoke: merge keys (<<) are not allowed in recipes; "
    "use `extends`",
    "seed: !!python/object/apply:os.getpid []": "r.yaml:2:7: seed: must be an integer, not a list",
    "seed: !!binary aGk=": "r.yaml:2:7: seed: tags such as tag:yaml.org,2002:binary are not allowed",
}


@pytest.mark.parametrize("text", ONE_ERROR)
def test_one_error(refused, text: str) -> None:
    assert refused(EXTENDS + text + "\n")[:1] == [ONE_ERROR[text]]


NOT_YAML = {
    "": "r.yaml:1:1: is empty; a recipe is a map of keys",
    "# only a comment\n": "r.yaml:1:1: is empty; a recipe is a map of keys",
    "- a\n": "r.yaml:1:1: must be a map of keys",
    "a: [1,\n": "r.yaml:2:1: not YAML: expected the node content, but found '<stream end>'",
    "a: 1\n---\nb: 2\n": "r.yaml:2:1: not YAML: but found another document",
    "a: *b\n": "r.yaml:1:4: not YAML: found undefined alias 'b'",
    "a: \x01\n": "r.yaml: not YAML: unacceptable character #x0001: special characters are not allowed",
    "a: &a [*a]\n": "r.yaml: nested too deeply, or a value that contains itself",
}


@pytest.mark.parametrize("text", NOT_YAML)
def test_what_is_not_yaml_stops_at_once(refused, text: str) -> None:
    assert refused(text) == [NOT_YAML[text]]


def test_a_file_that_is_not_there_or_not_text(load, write, registry) -> None:
    from avspatial.errors import RecipeError
    from avspatial.recipe import load_recipe

    write("latin.yaml", "").write_bytes(b"name: \xe9\n")
    for name, reason in (
        ("gone.yaml", "no such file"),
        ("latin.yaml", "it is not UTF-8 text"),
        (".", "Is a directory"),
    ):
        with pytest.raises(RecipeError) as caught:
            load_recipe(name, registry)
        assert str(caught.value) == f"{name}: cannot be read: {reason}"


def test_a_misspelled_component_does_not_hide_the_errors_below_it(refused) -> None:
    text = """\
extends: good.yaml
model:
  use: maskng
  audio_encoder: {use: unett, width: 9, wdth: 1}
  visual_encoder: {use: c3d, pretrained: false, width: [1]}
trainer: {use: supervisd, lr: fast}
metrics: [{use: spl_distanc, fram: 1}]
"""
    assert refused(text) == [
        "r.yaml:3:8: model: unknown spatializer 'maskng' (did you mean 'masking'?). There are: masking",
        "r.yaml:4:24: model.audio_encoder: unknown audio_encoder 'unett' (did you mean 'unet'?). There are: unet",
        "r.yaml:4:38: model.audio_encoder.width: must be at most 4, not 9",
        "r.yaml:4:41: model.audio_encoder.wdth: no such key (did you mean 'width'?)",
        "r.yaml:5:56: model.visual_encoder.width: must be a number, not a list",
        "r.yaml:6:16: trainer: unknown trainer 'supervisd' (did you mean 'supervised'?). "
        "There are: shared_visual_gan, supervised",
        "r.yaml:6:31: trainer.lr: must be a number, not 'fast'",
        "r.yaml:7:17: metrics[0]: unknown metric 'spl_distanc' (did you mean 'spl_distance'?). "
        "`avspatial plugins list --kind metric` lists all 23",
        "r.yaml:7:30: metrics[0].fram: no such key (did you mean 'frame'?)",
    ]


def test_a_name_unlike_any_other_says_nothing_of_what_is_below(refused) -> None:
    assert refused(EXTENDS + "trainer: {use: quux, lr: fast}\n") == [
        "r.yaml:2:16: trainer: unknown trainer 'quux'. There are: shared_visual_gan, supervised"
    ]


def test_a_plugin_s_pattern_is_not_shown(write_plugin, write) -> None:
    from avspatial.errors import RecipeError
    from avspatial.recipe import load_recipe
    from avspatial.registry import discover

    declare = """
from avspatial.plugin import Component, hookimpl
from avspatial.settings import Settings, setting

class Words(Settings):
    plain: str = setting("a", pattern="^[a-z]+$")
    \"\"\"A word.\"\"\"

@hookimpl
def avspatial_components():
    return [Component("trainer", "words", "1", "words_plugin:Words", "words_plugin:Words", "Words.")]
"""
    path = write("r.yaml", EXTENDS + "trainer: {use: words, plain: A1}\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, discover([write_plugin("words", declare)]))
    assert str(caught.value) == "r.yaml:2:30: trainer.plain: cannot be 'A1' (A word)"


def test_an_error_in_a_parent_is_reported_in_the_parent_s_file(write, refused) -> None:
    write("base/p.yaml", "extends: ../good.yaml\nseed: x\n")
    assert refused("extends: base/p.yaml\n") == ["base/p.yaml:2:7: seed: must be an integer, not 'x'"]


def test_a_parent_that_is_not_there_or_no_path(refused) -> None:
    own = "schema: 1\ntrainer: {lr: 1}\nsed: 1\n"  # what the parent lacks may be in the file that is not there
    sed = "r.yaml:4:1: sed: no such key (did you mean 'seed'?)"
    assert refused("extends: gone.yaml\n" + own) == ["r.yaml:1:10: extends: there is no file gone.yaml", sed]
    what = "r.yaml:1:10: extends: must be the path of one file, relative to this one"
    assert refused("extends: [good.yaml, other.yaml]\n" + own) == [what, sed]


def test_a_parent_that_cannot_be_read_comes_first(write, refused) -> None:
    write("parent.yaml", "a: [1,\n")
    assert refused("extends: parent.yaml\nname: x\n") == [
        "parent.yaml:2:1: not YAML: expected the node content, but found '<stream end>'"
    ]


def test_a_circle_of_parents(write, refused) -> None:
    write("other.yaml", "extends: r.yaml\n")
    assert "other.yaml:1:10: extends: r.yaml extends this file: a circle" in refused("extends: other.yaml\n")


SETS = {
    "trainer.lr=fast": "--set trainer.lr: must be a number, not 'fast'",
    "trainer.lrr=1": "--set trainer.lrr: no such key (did you mean 'lr'?)",
    "sed=1": "--set sed: no such key (did you mean 'seed'?)",
    "=1": "--set =1: must be KEY=VALUE, the key as in trainer.lr",
    "a..b=1": "--set a..b=1: must be KEY=VALUE, the key as in trainer.lr",
    "seed=[1": "--set seed: not YAML: expected ',' or ']', but got '<stream end>'",
    "metrics.0=snr": "--set metrics.0: metrics is a list; replace all of it: --set metrics=[...]",
    "seed=": "--set seed: must be an integer, not empty",
    "trainer={use: supervised, lr: x}": "--set trainer: trainer.lr: must be a number, not 'x'",
    "azimuth=30": "--set azimuth: no such key",
    "discriminator=visual_patch": "--set discriminator: no such key",
    "model.use=maskin": "--set model.use: model: unknown spatializer 'maskin' (did you mean 'masking'?). "
    "There are: masking",
    "data.root=${NOT_THERE}": "--set data.root: the environment variable NOT_THERE is not set; set it, or write "
    "${NOT_THERE:-DEFAULT}",
}


@pytest.mark.parametrize("given", SETS)
def test_an_error_in_an_override_is_reported_by_its_key(refused, given: str) -> None:
    assert refused(overrides=(given,)) == [SETS[given]]


def test_a_component_that_failed_to_load_is_named(write_plugin, write) -> None:
    from avspatial.errors import RecipeError
    from avspatial.recipe import load_recipe
    from avspatial.registry import discover

    home = write_plugin("broken", "import nothing_of_that_name\n")
    path = write("r.yaml", EXTENDS + "trainer: broken.teacher\n")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, discover([home]))
    assert str(caught.value) == (
        "r.yaml:2:10: trainer: unknown trainer 'broken.teacher'. "
        "There are: sepstereo, shared_visual_gan, supervised. Not loaded: "
        f"plugin 'broken' ({home / 'pyproject.toml'}): ModuleNotFoundError: No module named 'nothing_of_that_name' "
        f"({home / 'src/broken_plugin/__init__.py'}:1)"
    )
    assert load_recipe("good.yaml", discover([home])).recipe.name == "good"
