"""What people write: `~` for the home folder in every path, and names as one text with commas."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.saved_sounds import save_official
from support.scored_runs import reference_scores, write_scored_run

import avspatial
from avspatial.api import leaderboard
from avspatial.api.leaderboard import Choices, measure
from avspatial.cli.main import main
from avspatial.errors import AvspatialError, RunError
from avspatial.folders import as_path
from avspatial.inference.files.jobs import OutputOptions, find_jobs
from avspatial.metrics.settings import AzimuthSettings
from avspatial.progress import silent
from avspatial.recipe import load_recipe
from avspatial.recipe.catalogue import locate
from avspatial.registry import Registry
from avspatial.runs import open_run


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    save_official(tmp_path / "home" / "out", 2)
    return tmp_path / "home"


def test_evaluate_in_the_home_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = avspatial.evaluate("~/out", metrics=["snr"], save="~/scores", progress=silent)
    assert done.summary.clips == 2 and (home / "scores" / "summary.json").is_file()
    assert main(["evaluate", "~/out", "--metrics", "snr", "--save=~/scores", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 2
    assert not (Path.cwd() / "~").exists()


def test_runs_films_and_recipes_in_the_home_folder(home: Path, builtin_registry: Registry) -> None:
    scores = reference_scores(8)
    runs = [write_scored_run(home, name, {"snr": scores + at}) for at, name in enumerate(("old", "new"))]
    names = [f"~/{run.relative_to(home)}" for run in runs]
    assert [system.origin for system in avspatial.compare(names, baseline=names[0]).systems] == list(map(str, runs))
    assert open_run(names[0]).path == runs[0]
    (home / "film.mp4").touch()
    (job,) = find_jobs(["~/film.mp4"], OutputOptions())
    assert job.source == home / "film.mp4"
    (home / "base.yaml").write_text(f"extends: {locate('sagm_demo')}\n")
    (home / "deep").mkdir()
    (home / "deep" / "mine.yaml").write_text("extends: ~/base.yaml\nseed: 7\n")
    assert load_recipe(locate("~/deep/mine.yaml"), builtin_registry).recipe.seed == 7


def test_settings_with_a_path_in_the_home_folder(home: Path) -> None:
    assert AzimuthSettings(head="~/kemar.sofa").head == str(home / "kemar.sofa")
    assert AzimuthSettings(head="spherical").head == "spherical"
    assert AzimuthSettings(head="a/~/b").head == "a/~/b"


def test_a_home_that_does_not_exist_is_named() -> None:
    assert as_path("a/~b") == Path("a/~b")
    with pytest.raises(
        AvspatialError, match=r"^~nobody-here/x: there is no such home folder\n  Write the folder out\.$"
    ):
        as_path("~nobody-here/x")


@pytest.mark.parametrize("names", ["snr,wave_l2", " snr , wave_l2,", ["snr", "wave_l2"], ("snr", "wave_l2")])
def test_metrics_are_named_in_a_text_or_one_by_one(home: Path, names: str, tmp_path: Path) -> None:
    done = avspatial.evaluate(home / "out", metrics=names, controls="mono,swapped", progress=silent)
    assert list(done.summary.metrics) == ["snr", "wave_l2"]
    assert list(done.summary.conditions) == ["model", "mono", "swapped"]
    (tmp_path / "board").mkdir()
    save_official(tmp_path / "board" / "mine", 1)
    assert list(measure(tmp_path / "board", Choices(metrics=names)).metrics) == ["snr", "wave_l2"]


def test_a_leaderboard_in_the_home_folder(home: Path) -> None:
    save_official(home / "board" / "mine", 1)
    built = leaderboard.build("~/board", Choices(metrics="snr"), progress=silent)
    assert (home / "board" / "leaderboard.md").is_file()
    assert leaderboard.read("~/board") == built
    assert leaderboard.verify("~/board", progress=silent) == (built, [])
    references = home / "references"
    references.mkdir()
    for clip in (home / "board" / "mine").iterdir():
        shutil.copy(clip / "input_binaural.wav", references / f"{clip.name}.wav")
    board = leaderboard.build("~/board", Choices(metrics="snr", reference="~/references"), progress=silent)
    assert board.reference == "../references" and board.systems[0].failed == 0
    assert leaderboard.verify("~/board", reference="~/references", progress=silent) == (board, [])


def test_compare_takes_metrics_in_a_text_and_wants_two_systems(tmp_path: Path) -> None:
    scores = {"snr": reference_scores(8), "stft_distance": np.ones(8)}
    runs = [write_scored_run(tmp_path, name, scores) for name in ("old", "new")]
    assert list(avspatial.compare(runs, metrics="snr, stft_distance").metrics) == ["snr", "stft_distance"]
    with pytest.raises(RunError, match="there is nothing to compare with"):
        avspatial.compare(str(runs[0]))
