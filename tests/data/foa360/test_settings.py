"""Settings as a recipe writes them, and every message about them, word for word."""

import pytest

from avspatial.data.foa360.settings import Foa360Settings, Renderer, View
from avspatial.errors import RecipeError
from avspatial.recipe.load import load_recipe
from avspatial.registry import discover
from avspatial.signal.decoders import LAYOUTS

RECIPE = """\
extends: {demo}
data:
  use: foa360
  root: DIR
  {line}
"""
DEMO = "recipes/sagm_demo.yaml"


@pytest.fixture(scope="module")
def registry():
    return discover()


def loaded(tmp_path, registry, line, overrides=()):
    from support.pages import ROOT

    recipe = tmp_path / "mine.yaml"
    recipe.write_text(RECIPE.format(demo=ROOT / DEMO, line=line))
    return load_recipe(recipe, registry, overrides)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("renderer: {use: magls, head: kemar}", Renderer()),
        (
            "renderer: {use: virtual, layout: cube, weighting: max_re}",
            Renderer(use="virtual", layout="cube", weighting="max_re"),
        ),
        ("renderer: {head: mine.sofa}", Renderer(head="mine.sofa")),
        (
            "renderer: {use: projection8_cipic3, head: subject_003.sofa, resample: false}",
            Renderer(use="projection8_cipic3", head="subject_003.sofa", resample=False),
        ),
    ],
)
def test_a_renderer_reads_well_and_is_read_again_from_a_resolved_recipe(tmp_path, registry, line, expected):
    recipe = loaded(tmp_path, registry, line)
    assert recipe.recipe.data.settings.renderer == expected
    (tmp_path / "resolved.yaml").write_text(recipe.resolved)
    assert load_recipe(tmp_path / "resolved.yaml", registry).recipe.data.settings == recipe.recipe.data.settings


def test_another_renderer_drops_the_settings_of_the_parents(tmp_path, registry):
    changed = loaded(
        tmp_path,
        registry,
        "renderer: {use: virtual, layout: cube}",
        [("data.renderer.use", "mid_side")],
    )
    assert changed.recipe.data.settings.renderer == Renderer(use="mid_side")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "renderer: {use: maglls}",
            "5:19: data.renderer.use: must be magls, virtual, mid_side or projection8_cipic3, not 'maglls' "
            "(did you mean 'magls'?)",
        ),
        ("renderer: {use: magls, layout: cube}", "5:13: data.renderer: magls has no layout: it belongs to virtual"),
        (
            "renderer: {use: mid_side, head: a.sofa}",
            "5:13: data.renderer: mid_side has no head: it belongs to magls and virtual and projection8_cipic3",
        ),
        (
            "renderer: {use: projection8_cipic3}",
            "5:13: data.renderer: projection8_cipic3 needs head: the SOFA file of CIPIC subject 003",
        ),
        ("renderer: {haed: a.sofa}", "5:14: data.renderer.haed: no such key (did you mean 'head'?)"),
        (
            "view: {kind: equirect, fov: 60}",
            "5:9: data.view: an equirect view has no fov: it shows all of the panorama",
        ),
        ("view: {kind: perspective, fov: 200}", "5:34: data.view.fov: must be at most 160 degrees, not 200"),
        (
            "view: {yaw: sideways}",
            "5:15: data.view.yaw: must be a number, not 'sideways'; or must be random, not 'sideways'",
        ),
        ("foa: {order: fumu}", "5:16: data.foa.order: must be acn or fuma, not 'fumu' (did you mean 'fuma'?)"),
        ("seconds: 0.1", "5:12: data.seconds: must be at least 0.5 s, not 0.1"),
        (
            "shares: [0.5, 0.5, 0]",
            "5:11: data.shares: train, val and test must be above 0 and add up to 1, not [0.5, 0.5, 0.0]",
        ),
    ],
)
def test_a_wrong_setting_has_one_message(tmp_path, registry, line, message):
    with pytest.raises(RecipeError) as caught:
        loaded(tmp_path, registry, line)
    assert caught.value.what == f"{tmp_path / 'mine.yaml'}:{message}"


def test_layouts_are_those_of_the_decoder():
    """They are written twice, because settings are read without scipy."""
    assert set(Renderer.model_fields["layout"].annotation.__args__) == set(LAYOUTS)


def test_the_defaults_are_magls_on_kemar_and_the_entire_panorama():
    settings = Foa360Settings(root="DIR")
    assert (settings.renderer.use, settings.renderer.head) == ("magls", "kemar")
    assert (settings.view, settings.seconds) == (View(kind="equirect", yaw=0), 10)
