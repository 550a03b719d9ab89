"""The resolved recipe: everything explicit, and the same recipe when it is read again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from avspatial.recipe import load_recipe, resolved_yaml
from avspatial.recipe.catalogue import shipped
from avspatial.recipe.yaml_tree import parse, to_dict

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8"))
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def test_reading_it_again_gives_the_same_recipe_and_the_same_text(load, write, registry) -> None:
    first = load()
    again = load_recipe(write("resolved.yaml", first.resolved), registry)
    assert again == first


def test_it_names_components_with_their_version_and_has_every_default(load) -> None:
    resolved = YAML(typ="safe").load(load().resolved)
    assert resolved["trainer"]["use"] == "avspatial.supervised@1"
    assert resolved["model"]["visual_encoder"] == {
        "use": "avspatial.c3d@1",
        "pretrained": False,
        "pooling": "late",
        "width": 1.0,
    }
    assert resolved["stft"] == {"n_fft": 448, "window": 400, "hop": 240, "inverse": "exact"}


def test_it_needs_no_parent_no_environment_and_no_smoke_flag(load, write, registry, monkeypatch) -> None:
    monkeypatch.setenv("HERE", "somewhere")
    first = load("extends: good.yaml\ndata: {root: '${HERE}'}\n", smoke=True)
    monkeypatch.delenv("HERE")
    again = load_recipe(write("elsewhere/resolved.yaml", first.resolved), registry)
    assert again == first
    assert (again.recipe.trainer.settings.steps, again.recipe.data.settings.root) == (2, "somewhere")


def test_the_digest_is_over_the_resolved_text(load) -> None:
    plainly, spelled, other = load(), load(overrides=("seed=0",)), load(overrides=("seed=1",))
    assert plainly.resolved == spelled.resolved != other.resolved


@given(smoke=st.dictionaries(st.text(min_size=1), TREES, max_size=4))
def test_whatever_can_stand_in_a_recipe_survives_writing_and_reading(smoke: dict[str, object]) -> None:
    from avspatial.recipe import Recipe

    written = resolved_yaml(Recipe.model_construct(smoke=smoke))
    tree, problems = parse(written, "r.yaml")
    assert problems == []
    assert tree is not None
    assert to_dict(tree)["smoke"] == smoke


def test_every_shipped_recipe_resolves_and_reloads(tmp_path: Path, monkeypatch, plugins_of_the_checkout) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/data")
    found = shipped()
    assert {"sagm_demo", "sagm_fairplay"} <= {one.name for one in found}
    for one in found:
        for smoke in (False, True):
            loaded = load_recipe(one.path, plugins_of_the_checkout, smoke=smoke)
            path = tmp_path / "resolved.yaml"
            path.write_text(loaded.resolved)
            assert load_recipe(path, plugins_of_the_checkout) == loaded, one.name


def test_checking_a_recipe_imports_no_torch(write) -> None:
    code = (
        "import sys; from avspatial.registry import discover; from avspatial.recipe import load_recipe;"
        f"load_recipe({str(Path('good.yaml').absolute())!r}, discover([]));"
        "print([m for m in ('torch', 'numpy', 'scipy', 'timm', 'av') if m in sys.modules])"
    )
    here = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout == "[]\n"
