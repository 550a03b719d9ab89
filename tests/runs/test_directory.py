"""A run directory: created once and atomically, opened with clear errors, its log never torn."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from avspatial.errors import RunError
from avspatial.runs import Run, create_run, open_run
from avspatial.runs.directory import ResolvedRecipe

AT = datetime(2026, 11, 23, 12, 0, 5, tzinfo=UTC)
DIGEST = "6a5a163c"


def make(runs: Path, name: str = "demo") -> Run:
    return create_run(runs, name, "seed: 0\n", "# mine\nseed: 0\n", {"data": "abc"}, at=AT)


def test_a_run_is_named_by_time_and_digest_and_holds_both_recipes(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert run.path == tmp_path / "demo" / f"20261123T120005Z-{DIGEST}"
    assert sorted(path.name for path in run.path.iterdir()) == ["recipe.resolved.yaml", "recipe.yaml", "run.json"]
    assert (run.recipe.read_text(), run.resolved.read_text()) == ("# mine\nseed: 0\n", "seed: 0\n")
    assert run.metadata == {
        "state": "running",
        "name": "demo",
        "digest": DIGEST,
        "started": "2026-11-23T12:00:05+00:00",
        "data": "abc",
    }


def test_without_a_time_it_is_now(tmp_path: Path) -> None:
    run = create_run(tmp_path, "demo", "a", "b")
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", run.path.name)


def test_the_command_that_resumes_a_run_can_be_typed_as_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AVSPATIAL_PLUGINS", raising=False)
    run = make(tmp_path / "it's mine")
    assert shlex.split(run.resume_command) == ["avspatial", "run", "--resume", str(run.path)]
    monkeypatch.setenv("AVSPATIAL_PLUGINS", os.pathsep.join(["/my plugins", "/b"]))
    words = ["avspatial", "run", "--plugins", "/my plugins", "--plugins", "/b", "--resume", str(run.path)]
    assert shlex.split(run.resume_command) == words


def test_places_in_a_run(tmp_path: Path) -> None:
    run = Run(tmp_path)
    places = (run.log, run.checkpoints, run.outputs, run.controls, run.scores, run.summary, run.report)
    assert [path.name for path in places] == [
        "log.jsonl",
        "checkpoints",
        "outputs",
        "controls",
        "scores.jsonl",
        "summary.json",
        "report.html",
    ]


def test_a_run_is_never_written_over_by_one_of_the_same_second(tmp_path: Path) -> None:
    run = make(tmp_path)
    before = run.metadata_file.read_text()
    again = make(tmp_path)
    assert (run.path.name, again.path.name) == (f"20261123T120005Z-{DIGEST}", f"20261123T120006Z-{DIGEST}")
    assert run.metadata_file.read_text() == before == again.metadata_file.read_text()
    assert sorted(path.name for path in run.path.parent.iterdir()) == [run.path.name, again.path.name]


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        make(tmp_path / "file")
    assert str(caught.value) == (
        f"{tmp_path / 'file/demo/20261123T120005Z'}-{DIGEST}: the run's folder cannot "
        "be made: Not a directory\n  Give a folder that can be written with `--runs DIR`."
    )


def test_an_existing_run_opens(tmp_path: Path) -> None:
    assert open_run(str(make(tmp_path).path)) == make_again(tmp_path)


def make_again(tmp_path: Path) -> Run:
    return Run(next((tmp_path / "demo").iterdir()))


def test_a_path_that_is_not_there_names_the_runs_next_to_it(tmp_path: Path) -> None:
    run = make(tmp_path)
    with pytest.raises(RunError) as caught:
        open_run(tmp_path / "demo" / "gone")
    assert (
        str(caught.value)
        == f"{tmp_path / 'demo' / 'gone'}: no such run directory\n  The newest runs there: {run.path}."
    )


def test_a_folder_of_runs_is_no_run(tmp_path: Path) -> None:
    run = make(tmp_path)
    for folder in (tmp_path, tmp_path / "demo"):
        with pytest.raises(RunError) as caught:
            open_run(folder)
        assert str(caught.value) == (
            f"{folder}: not a run directory: it has no run.json and no recipe.resolved.yaml\n"
            f"  The newest runs there: {run.path}."
        )


def test_an_empty_folder_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        open_run(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: not a run directory: it has no run.json and no recipe.resolved.yaml\n"
        "  Give the directory that `avspatial run` printed: runs/NAME/TIME-DIGEST."
    )


def test_a_torn_run_json_is_reported(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.metadata_file.write_text("{")
    with pytest.raises(RunError) as caught:
        _ = run.finished
    assert str(caught.value) == (
        f"{run.path}: run.json cannot be read: Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1)\n  Restore it, or run again."
    )


def test_a_run_is_finished_when_it_says_so(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.update_metadata(clips=3)
    assert not run.finished
    run.finish()
    assert open_run(run.path).finished
    assert run.metadata["clips"] == 3


def test_records_are_lines_of_json(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert list(run.records()) == []
    run.record({"event": "run", "clip": "straße"})
    run.record({"event": "train", "step": 1, "terms": {"model/total": 0.5}})
    assert [json.loads(line) for line in run.log.read_text(encoding="utf-8").splitlines()] == list(run.records())
    assert [record["event"] for record in run.records()] == ["run", "train"]


@pytest.mark.parametrize("torn", ['{"event": "tr', "{"])
def test_a_line_that_a_killed_process_left_is_cut_off(tmp_path: Path, torn: str) -> None:
    run = make(tmp_path)
    run.record({"step": 1})
    with run.log.open("a") as handle:
        handle.write(torn)
    assert list(run.records()) == [{"step": 1}]
    run.record({"step": 2})
    assert run.log.read_text() == '{"step": 1}\n{"step": 2}\n'


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"x\n", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        (b'{"step": null}\n', "not a record of a run"),
        (b'{"event": "train", "terms": {"model/total": ""}}\n', "not a record of a run"),
        (b"[]\n", "not a record of a run"),
    ],
)
def test_a_damaged_line_is_refused(tmp_path: Path, line: bytes, why: str) -> None:
    run = make(tmp_path)
    run.record({"step": 1})
    with run.log.open("ab") as handle:
        handle.write(line)
    for read in (lambda: list(run.records()), lambda: run.rewind(1)):
        with pytest.raises(RunError) as problem:
            read()
        assert str(problem.value).splitlines()[0] == f"{run.log}:2: {why}"


@pytest.mark.parametrize(("content", "why"), [(b"\xff", "does not name a checkpoint"), (b"\n", "LATEST names nothing")])
def test_a_damaged_pointer_is_refused(tmp_path: Path, content: bytes, why: str) -> None:
    run = make(tmp_path)
    run.checkpoints.mkdir()
    (run.checkpoints / "LATEST").write_bytes(content)
    with pytest.raises(RunError, match=why):
        run.checkpoint()


def test_a_log_of_only_a_torn_line_starts_anew(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log.write_text('{"event"')
    run.record({"step": 1})
    assert run.log.read_text() == '{"step": 1}\n'


def test_pointers_name_checkpoints(tmp_path: Path) -> None:
    run = make(tmp_path)
    folder = run.checkpoints / "step-000010"
    folder.mkdir(parents=True)
    run.point("LATEST", folder)
    assert run.checkpoint() == folder
    assert (run.checkpoints / "LATEST").read_text() == "step-000010\n"


def test_a_checkpoint_that_is_not_there_is_reported(tmp_path: Path) -> None:
    run = make(tmp_path)
    with pytest.raises(RunError) as caught:
        run.checkpoint("BEST")
    assert str(caught.value) == (
        f"{run.path}: there is no checkpoint BEST yet\n"
        "  The run stopped before its first checkpoint: run the recipe again."
    )
    run.point("LATEST", run.checkpoints / "step-000010")
    with pytest.raises(RunError) as caught:
        run.checkpoint()
    assert str(caught.value) == (
        f"{run.path}: LATEST names step-000010, which is not there\n"
        f"  Restore that folder, or write the name of another one into {run.checkpoints / 'LATEST'}."
    )


def test_a_full_disk_leaves_no_half_run(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full on this system")
    run = make(tmp_path)
    run.log.symlink_to(full)
    with pytest.raises(OSError) as caught:
        run.record({"step": 1})
    assert caught.value.errno == errno.ENOSPC


def test_a_run_has_both_its_json_and_its_resolved_recipe(tmp_path: Path) -> None:
    run = create_run(tmp_path, "mine", "name: mine\nseed: 3\ndata: {use: avspatial.fairplay@1, split: 2}\n", "")
    found = Run.at(run.path)
    assert found == run
    recipe = run.resolved_recipe
    assert (recipe.name, recipe.seed, recipe.split, recipe.component("data")) == ("mine", 3, "2", "fairplay")
    assert ResolvedRecipe("", {"data": {"use": "foa360", "splits": "ytmusic/2"}}).split == "ytmusic/2"
    # A csv is a part of the data, which its fingerprint tells apart, wherever it lies.
    assert ResolvedRecipe("", {"data": {"use": "foa360", "splits": "mine.csv"}}).split is None
    assert recipe.component("model") == "" and run.resolved_recipe is recipe
    run.resolved.unlink()
    assert Run.at(run.path) is None


def test_a_damaged_resolved_recipe_is_an_error_of_the_run(tmp_path: Path) -> None:
    run = create_run(tmp_path, "mine", "[", "")
    with pytest.raises(RunError, match="cannot be read as a recipe"):
        _ = run.resolved_recipe
