"""`avspatial recipes`: the shipped ones listed, shown, checked, copied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avspatial.cli.main import main
from avspatial.recipe.catalogue import folder, shipped


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["recipes", *arguments]) == 0
    return capsys.readouterr().out


def stderr_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["recipes", *arguments]) == 2
    return capsys.readouterr().err


def test_list_names_every_shipped_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys, "list").splitlines()
    assert [line.split()[0] for line in lines] == [one.name for one in shipped()]
    listed = json.loads(shown(capsys, "list", "--json"))
    assert {"name", "path", "summary"} == set(listed[0])


def test_show_prints_the_file_or_the_resolved_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "show", "sagm_demo") == (folder() / "sagm_demo.yaml").read_text()
    resolved = shown(capsys, "show", "sagm_demo", "--resolved")
    assert "extends" not in resolved
    assert "  use: avspatial.masking@1\n" in resolved
    assert "seed: 41\n" in shown(capsys, "show", "sagm_demo", "--set", "seed=41")


def test_check_says_ok_for_each(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(folder() / "sagm_demo.yaml")
    assert shown(capsys, "check", path, "sagm_demo_no_visual") == f"{path}: ok\nsagm_demo_no_visual: ok\n"


def test_check_reports_the_errors_of_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = folder() / "sagm_demo.yaml"
    (tmp_path / "parent.yaml").write_text(f"extends: {base}\nsed: 1\n")
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(f"extends: parent.yaml\n{name}: 1\n")
    files = [str(tmp_path / f"{name}.yaml") for name in ("a", "b")]
    lines = [
        f"{tmp_path}/a.yaml:2:1: a: no such key",
        f"{tmp_path}/parent.yaml:2:1: sed: no such key (did you mean 'seed'?)",
        f"{tmp_path}/b.yaml:2:1: b: no such key",
    ]
    assert stderr_of(capsys, "check", *files) == "\n".join(lines) + "\n"
    assert main(["recipes", "check", *files, "sagm_demo", "--json"]) == 2
    assert json.loads(capsys.readouterr().out) == [
        {"recipe": files[0], "ok": False, "problems": lines[:2]},
        {"recipe": files[1], "ok": False, "problems": [lines[2], lines[1]]},
        {"recipe": "sagm_demo", "ok": True, "problems": []},
    ]


def test_check_of_a_folder_has_a_line_for_each_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = folder() / "sagm_demo.yaml"
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "p.yaml").write_text(f"extends: {demo}\nsmoke: null\n")
    (tmp_path / "b.yml").write_text("extends: base/p.yaml\nsed: 1\nseed: true\n")
    (tmp_path / "a.yaml").write_text("extends: base/p.yaml\ndata: {use: fairplay, root: /data}\n")
    assert main(["recipes", "check", str(tmp_path)]) == 1
    assert capsys.readouterr() == (
        f"{tmp_path}/a.yaml: ok\n{tmp_path}/b.yml: 2 errors\n",
        f"{tmp_path}/b.yml:2:1: sed: no such key (did you mean 'seed'?)\n"
        f"{tmp_path}/b.yml:3:7: seed: must be an integer, not true\n",
    )
    assert main(["recipes", "check", str(tmp_path), "--json"]) == 1
    assert [recipe["ok"] for recipe in json.loads(capsys.readouterr().out)] == [True, False]
    (tmp_path / "b.yml").unlink()
    assert shown(capsys, "check", str(tmp_path), "sagm_demo") == f"{tmp_path}/a.yaml: ok\nsagm_demo: ok\n"
    (tmp_path / "none").mkdir()
    assert stderr_of(capsys, "check", str(tmp_path / "none")) == (
        f"{tmp_path}/none: holds no recipe\n  Recipes are files that end in .yaml or .yml.\n"
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [("azimuth=30", "'model.azimuth'"), ("model.fps=5", "'window.fps' or 'data.fps'"), ("lr=1", "'trainer.lr'")],
)
def test_a_key_at_the_wrong_place_names_the_right_one(
    given: str, meant: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(Path(__file__).parents[2] / "plugins"))
    key = given.partition("=")[0]
    assert stderr_of(capsys, "check", "panner_demo", "--set", given) == (
        f"--set {key}: no such key (did you mean {meant}?)\n"
    )


def test_check_without_a_name_checks_all_that_are_shipped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVSPATIAL_DATA", "/data")
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(Path(__file__).parents[2] / "plugins"))
    assert shown(capsys, "check").splitlines() == [f"{one.path}: ok" for one in shipped()]


def test_copy_brings_the_parents_and_the_copy_is_good(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "mine"
    copied = [mine / "sagm_demo.yaml", mine / "base" / "demo.yaml", mine / "recipe.schema.json"]
    assert shown(capsys, "copy", "sagm_demo", str(mine)).splitlines() == [str(path) for path in copied]
    assert [path.read_text() for path in copied] == [(folder() / path.relative_to(mine)).read_text() for path in copied]
    assert shown(capsys, "check", str(copied[0])) == f"{copied[0]}: ok\n"
    assert shown(capsys, "copy", "sagm_demo_no_visual", str(mine))


def test_copy_goes_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(capsys, "copy", "sagm_demo").splitlines() == [
        "sagm_demo.yaml",
        "base/demo.yaml",
        "recipe.schema.json",
    ]
    assert (tmp_path / "base" / "demo.yaml").is_file()


def test_copy_writes_over_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "demo.yaml").write_text("mine\n")
    assert stderr_of(capsys, "copy", "sagm_demo", str(tmp_path)) == (
        f"{tmp_path}/base/demo.yaml: exists with other contents; nothing was copied\n  Give another folder.\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["base"]


def test_copy_leaves_a_schema_that_is_there_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "recipe.schema.json").write_text("with my plugins")
    assert shown(capsys, "copy", "sagm_demo", str(tmp_path)).splitlines() == [
        f"{tmp_path}/sagm_demo.yaml",
        f"{tmp_path}/base/demo.yaml",
    ]
    assert (tmp_path / "recipe.schema.json").read_text() == "with my plugins"


def test_copy_copies_shipped_recipes_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("schema: 1\n")
    assert stderr_of(capsys, "copy", str(own), str(tmp_path / "x")) == (
        f"{own}: only shipped recipes can be copied\n  Copy your own files with `cp -r`.\n"
    )


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(shown(capsys, "schema"))["title"] == "avspatial recipe"


def test_the_reference_is_a_page(capsys: pytest.CaptureFixture[str]) -> None:

    assert shown(capsys, "reference").startswith("# Recipes, key by key\n")
