"""Every command reads folders in one way: each real folder once, nothing hidden, with a note of what is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from avspatial.api.evaluate import evaluate
from avspatial.api.leaderboard import Choices, measure
from avspatial.errors import DataError
from avspatial.evaluation.scoring.file_pairs import find_pairs
from avspatial.folders import files_below, folders_in, once
from avspatial.inference.files.jobs import OutputOptions, find_jobs
from avspatial.progress import silent

READ, HIDDEN = "read already under another name", "hidden"


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def below(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in files_below(folder, lambda path: path.suffix == ".wav")]


def test_a_link_to_the_folder_itself_adds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    touch(*(tmp_path / "out" / clip / "a.wav" for clip in "123"))
    (tmp_path / "out" / "here").symlink_to(".")
    (tmp_path / "out" / "1" / "up").symlink_to("../..")
    assert below(tmp_path / "out") == ["1/a.wav", "2/a.wav", "3/a.wav"]
    assert capsys.readouterr().err == (
        f"note: {tmp_path}/out: left out: here ({READ}), 1/up (it contains the folder itself)\n"
    )


def test_the_real_folder_is_read_not_the_link_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    touch(tmp_path / "run1" / "a.wav", tmp_path / "run2" / "a.wav")
    (tmp_path / "latest").symlink_to("run2")
    (tmp_path / "best").symlink_to("run1/")
    assert below(tmp_path) == ["run1/a.wav", "run2/a.wav"]
    assert [path.name for path in folders_in(tmp_path)] == ["run1", "run2"]
    assert capsys.readouterr().err == f"note: {tmp_path}: left out: best ({READ}), latest ({READ})\n"


def test_a_folder_elsewhere_is_read_through_one_of_its_links(tmp_path: Path) -> None:
    touch(tmp_path / "disk" / "deep" / "a.wav")
    (tmp_path / "disk" / "deep" / "back").symlink_to("..")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b").symlink_to("../disk")
    (tmp_path / "data" / "a").symlink_to("b")
    assert below(tmp_path / "data") == ["a/deep/a.wav"]


def test_linked_files_are_files_and_dead_links_too(tmp_path: Path) -> None:
    touch(tmp_path / "store" / "x.wav", tmp_path / "data" / "keep.txt")
    for name in ("a", "b"):
        (tmp_path / "data" / f"{name}.wav").symlink_to("../store/x.wav")
    (tmp_path / "data" / "c.wav").symlink_to("gone.wav")
    (tmp_path / "data" / "loop.wav").symlink_to("loop.wav")
    assert below(tmp_path / "data") == ["a.wav", "b.wav", "c.wav", "loop.wav"]


@pytest.mark.parametrize("name", [".ipynb_checkpoints", ".snapshot", ".Trash-0"])
def test_hidden_folders_are_left_out(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    touch(tmp_path / "a" / "a.wav", tmp_path / "a" / name / "b" / "a.wav", tmp_path / "a" / "._a.wav", tmp_path / ".x")
    assert below(tmp_path) == ["a/a.wav"]
    note = capsys.readouterr().err
    assert note == f"note: {tmp_path}: left out: a/{name} ({HIDDEN}), a/._a.wav ({HIDDEN})\n"
    assert below(tmp_path) and not capsys.readouterr().err  # once a process


def test_only_so_many_levels_are_entered(tmp_path: Path) -> None:
    touch(tmp_path / "a.wav", tmp_path / "b" / "a.wav", tmp_path / "b" / "c" / "a.wav")
    assert [len(files_below(tmp_path, Path.is_file, depth=depth)) for depth in (0, 1, 2, None)] == [1, 2, 3, 3]


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: cannot be listed: No such file or directory\n  Give yourself"):
        files_below(tmp_path / "gone", Path.is_file)


def test_a_glob_finds_each_file_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    touch(tmp_path / "a" / "film.mp4", tmp_path / "other.mp4")
    (tmp_path / "a" / "here").symlink_to(".")
    paths = [tmp_path / "other.mp4", tmp_path / "a" / "here" / "film.mp4", tmp_path / "a" / "film.mp4"]
    assert once(paths) == [tmp_path / "a" / "film.mp4", tmp_path / "other.mp4"]
    assert f"left out: here/film.mp4 ({READ})" in capsys.readouterr().err


class TestCommands:
    """What each command makes of a folder with a link to itself, a `latest` link, and copies in a hidden folder."""

    def fill(self, folder: Path, name: str) -> Path:
        """Two clips, in a layout that every command reads."""
        audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1600, 2))
        for place in ("1", "2", ".Trash-0/3", "1/.snapshot/1"):
            (folder / place).mkdir(parents=True)
            for stem in ("predicted_binaural", "input_binaural"):
                soundfile.write(folder / place / f"{stem}.wav", audio, 16000)
            (folder / place / name).touch()
        (folder / "here").symlink_to(".")
        (folder / "latest").symlink_to("2")
        return folder

    def test_evaluate(self, tmp_path: Path) -> None:
        done = evaluate(self.fill(tmp_path / "out", "x"), metrics=["snr"], progress=silent)
        assert done.summary.clips == done.summary.conditions["model"]["snr"].n == 2
        assert [pair.clip for pair in find_pairs(tmp_path / "out")] == ["1", "2"]

    def test_spatialize(self, tmp_path: Path) -> None:
        self.fill(tmp_path / "films", "film.mp4")
        (tmp_path / "disk").mkdir()
        (tmp_path / "disk" / "far.mp4").touch()
        (tmp_path / "films" / "disk").symlink_to("../disk")
        expected = [tmp_path / "films" / name for name in ("1/film.mp4", "2/film.mp4", "disk/far.mp4")]
        assert [job.source for job in find_jobs([tmp_path / "films"], OutputOptions())] == expected
        found = find_jobs([f"{tmp_path}/films/**/*.mp4"], OutputOptions())
        assert [job.source for job in found] == expected

    def test_leaderboard(self, tmp_path: Path) -> None:
        self.fill(tmp_path / "board" / "mine", "x")
        (tmp_path / "board" / "newest").symlink_to("mine")
        board = measure(tmp_path / "board", Choices(metrics=("snr",)))
        assert [(system.name, system.clips) for system in board.systems] == [("mine", 2)]
