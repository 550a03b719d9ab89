"""Files that are not what their name says: each is named for what it holds."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.permissions import open_folder, without_rights

from avspatial.cli.main import main
from avspatial.errors import AvspatialError, RunError
from avspatial.evaluation.scoring.score_schema import read_scores, read_summary
from avspatial.recipe import load_recipe
from avspatial.registry import discover
from avspatial.runs import Run, create_run
from avspatial.runs.model_file import ModelFile, read_model_file, write_model_file
from avspatial.runs.outputs import read_truth
from avspatial.training.checkpoints import read_state

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0badcafe\nsize 12345\n"
LFS = "a Git LFS pointer, not the file itself: `git lfs pull` fetches it"
PAGE = "a web page, perhaps of a download that needs a click or a login"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_model_file(path, ModelFile("name: mine\n", {"model": "a.b@1"}, {"weight": torch.zeros(1000)}))
    return path


FETCH = "Fetch it again, or export it again: avspatial export RUN -o FILE.safetensors."


def refusal(path: Path, fix: str = FETCH) -> str:
    with pytest.raises(RunError) as caught:
        read_model_file(path)
    assert caught.value.fix == fix
    return caught.value.what


@pytest.mark.parametrize(
    ("contents", "meaning"),
    [
        (POINTER, LFS),
        (b"<!DOCTYPE html>\n<html><body>Sign in", PAGE),
        (b"\xef\xbb\xbf\r\n <HTML lang=en>", PAGE),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied", "an XML file, perhaps the error message of a download"),
        (b"PK\x03\x04" + bytes(60), "a zip file, as torch.save writes; weights are read from safetensors only"),
        (b"\x1f\x8b\x08" + bytes(60), "a gzip file, which must be unpacked first"),
        (b"", "an empty file"),
    ],
)
def test_what_it_holds_instead_is_named(tmp_path: Path, contents: bytes, meaning: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(contents)
    assert refusal(path) == meaning


@pytest.mark.parametrize("kept", [100, 1000])  # within the header, within the weights
def test_half_a_file_is_incomplete(model: Path, kept: int) -> None:
    size = model.stat().st_size
    model.write_bytes(model.read_bytes()[:kept])
    message = refusal(model)
    assert message.startswith(f"incomplete: {kept} bytes of at least ")
    assert kept < int(message.rpartition(" ")[2]) <= size


def test_the_command_line_says_it_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(POINTER)
    video = tmp_path / "video.mp4"
    video.touch()
    assert main(["spatialize", str(video), "--run", str(path), "--device", "cpu"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}: {LFS}\n")


def test_metadata_and_recipe_of_a_run_that_are_pointers(tmp_path: Path) -> None:
    run = create_run(tmp_path, "demo", "seed: 0\n", "seed: 0\n")
    run.metadata_file.write_bytes(POINTER)
    run.resolved.write_bytes(POINTER)
    with pytest.raises(RunError, match=r"run\.json cannot be read: a Git LFS pointer"):
        _ = run.metadata
    with pytest.raises(RunError, match="cannot be read as a recipe: a Git LFS pointer"):
        _ = Run(run.path).resolved_recipe


@pytest.mark.parametrize("contents", [POINTER, b"<!DOCTYPE html>\n<html>"])
def test_every_file_of_a_run_that_is_something_else_is_named(tmp_path: Path, contents: bytes) -> None:
    meaning = LFS if contents == POINTER else PAGE
    run = create_run(tmp_path, "demo", "seed: 0\n", "seed: 0\n")
    step = run.checkpoints / "step-000001"
    step.mkdir(parents=True)
    readers: dict[Path, Callable[[], object]] = {
        run.summary: lambda: read_summary(run.summary),
        run.scores: lambda: list(read_scores(run.scores)),
        run.log: lambda: list(run.records()),
        step / "state.json": lambda: read_state(step),
        run.path / "truth.json": lambda: read_truth(run.path / "truth.json"),
        run.resolved: lambda: load_recipe(run.resolved, discover([])),
    }
    for file, read in readers.items():
        file.write_bytes(contents)
        with pytest.raises(AvspatialError) as error:
            read()
        assert meaning in error.value.what


def test_ordinary_damage_is_still_reported_as_such(tmp_path: Path) -> None:
    run = create_run(tmp_path, "demo", "seed: 0\n", "seed: 0\n")
    run.metadata_file.write_text(json.dumps({"state": "running"})[:-4])
    with pytest.raises(RunError, match=r"run\.json cannot be read: Unterminated string"):
        _ = run.metadata


def test_a_file_without_permission_is_not_called_missing(model: Path) -> None:
    contents = model.read_bytes()
    with open_folder() as folder:
        path = folder / "model.safetensors"
        path.write_bytes(contents)
        path.chmod(0)
        with without_rights():
            assert refusal(path, "Allow reading it, or copy it.") == "cannot be opened: Permission denied"
