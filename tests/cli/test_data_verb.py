"""`avspatial data simulate`: what it makes, says and refuses."""

import json
from pathlib import Path

import pytest

from avspatial.cli.main import main

SMALL = ["--clips", "6", "--seconds", "0.5", "--set", "picture=[32, 32]"]


def simulate(*arguments: object) -> int:
    return main(["data", "simulate", *map(str, arguments)])


def test_scenes_are_rendered_and_the_recipe_line_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "scenes"
    assert simulate(out, *SMALL, "--seed", 3, "--split", 0.4, 0.3, 0.3) == 0
    assert capsys.readouterr().out == (
        f"6 scenes of 0.5 s in {out}\n"
        f"In a recipe: data: {{use: simulated, root: {out}, clips: 6, seed: 3, seconds: 0.5, "
        "shares: [0.4, 0.3, 0.3], picture: [32, 32]}\n"
    )
    assert len(list((out / "videos").glob("*.mp4"))) == len(list((out / "binaural_audios").glob("*.wav"))) == 6
    lines = [json.loads(line) for line in (out / "scenes.jsonl").read_text().splitlines()]
    assert [line["clip"] for line in lines] == [f"{number:06d}" for number in range(1, 7)]


def test_solos_are_rendered_and_the_recipe_line_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "solos"
    assert simulate(out, *SMALL, "--solos") == 0
    assert capsys.readouterr().out == (
        f"6 solos of 0.5 s in {out}\nIn a recipe, for a trainer that separates: solos: {{use: solos, root: {out}}}\n"
    )
    assert len(list(out.glob("*/*.mp4"))) == len(list(out.glob("*/*.wav"))) == 6


def test_a_folder_that_holds_them_is_left_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "scenes"
    assert simulate(out, *SMALL) == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert simulate(out, *SMALL) == 0
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


ERRORS = [
    (
        ["--clips", 2, "--set", "sead=1", "--set", "moving=2", "--set", "sources=[1, 4]"],
        "--set clips: must be at least 6, not 2\n"
        "--set sources: needs [least, most] within 1 and 3, not [1, 4]\n"
        "--set moving: must be at most 1, not 2\n"
        "--set sead: no such key (did you mean 'seed'?)\n",
    ),
    (
        ["--set", "azimuth_limit=70", "--set", "field_of_view=100"],
        "--set field_of_view: must be more than twice azimuth_limit (70 degrees), not 100\n",
    ),
    (["--set", "moving"], "--set moving: must be KEY=VALUE, the key as in trainer.lr\n"),
    (
        ["--head", "gone.sofa"],
        "error: gone.sofa: no such file or folder\n  Give one that is there, or leave the setting out.\n",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), ERRORS)
def test_errors_are_reported_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[object], message: str
) -> None:
    assert simulate(tmp_path / "scenes", *arguments) == 2
    assert capsys.readouterr().err == message
    assert not (tmp_path / "scenes").exists()
