"""Files and folders appear complete or not at all; run.json records the provenance."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from support.permissions import open_folder, without_rights

import avspatial
from avspatial.atomic import (
    atomic_directory,
    atomic_write,
    refuse_existing,
    remove_stale,
    remove_unfinished,
    write_text,
)
from avspatial.errors import AvspatialError
from avspatial.registry import discover
from avspatial.runs.provenance import git_commit, hardware, provenance, versions


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_file_appears_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    with atomic_write(path) as temporary_path:
        temporary_path.write_text("new")
        assert not path.exists()
        assert temporary_path.suffix == ".json"
    assert path.read_text() == "new"
    assert left_in(path.parent) == ["a.json"]


def test_a_file_stays_as_it_was_when_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_write(path) as temporary_path:
        temporary_path.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert left_in(tmp_path) == ["a.json"]


def test_an_error_names_the_file_that_is_meant_not_the_temporary_one() -> None:
    with open_folder() as folder:
        folder.chmod(0o555)
        for write in (atomic_write, atomic_directory):
            with without_rights(), pytest.raises(PermissionError) as error, write(folder / "a.json"):
                pytest.fail("nothing can be written")
            assert error.value.filename == str(folder / "a.json")
        folder.chmod(0o755)


def test_a_folder_appears_when_the_block_ends_well_and_not_otherwise(tmp_path: Path) -> None:
    with atomic_directory(tmp_path / "good") as temporary_path:
        (temporary_path / "x").write_text("1")
        assert not (tmp_path / "good").exists()
    with pytest.raises(RuntimeError), atomic_directory(tmp_path / "bad") as temporary_path:
        (temporary_path / "x").write_text("1")
        raise RuntimeError
    assert left_in(tmp_path) == ["good", "x"]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o007, 0o660), (0o077, 0o600)])
def test_weights_have_the_permissions_of_any_new_file(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        with atomic_write(tmp_path / "a.safetensors") as temporary_path:
            save_file({"x": torch.zeros(1)}, temporary_path)
        with atomic_directory(tmp_path / "step") as temporary_path:
            save_file({"x": torch.zeros(1)}, temporary_path / "b.safetensors")
    finally:
        os.umask(before)
    written = (tmp_path / "a.safetensors", tmp_path / "step" / "b.safetensors")
    assert [stat.S_IMODE(path.stat().st_mode) for path in written] == [mode, mode]
    assert left_in(tmp_path) == ["a.safetensors", "b.safetensors", "step"]


def test_only_what_a_dead_process_of_this_machine_left_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "film [1].mp4"
    with subprocess.Popen(["true"]) as process:
        pass
    with atomic_write(path) as living:
        living.write_text("half")
        dead = living.with_name(living.name.replace(f"-{os.getpid()}-", f"-{process.pid}-"))
        here = dead.name.split(".")[2].split("-")[0]
        elsewhere = dead.with_name(dead.name.replace(here, "00000000"))
        others = [
            dead.with_name(dead.name.replace("film [1].", other))
            for other in ("film 1.", "film [1].b.", "film [1].mp4.")
        ]
        for file in (dead, elsewhere, *others):
            file.write_text("half")
        remove_stale(path)
        assert left_in(tmp_path) == sorted(file.name for file in (living, elsewhere, *others))


def test_what_is_unfinished_of_one_path_or_of_all_in_a_folder_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "scenes [1]"
    own, others = [".scenes [1].00000000-1-abc.part", ".scenes [1].0badcafe.part"], [
        ".scenes 1.00000000-1-abc.part", ".scenes [1].b.00000000-1-abc.part", ".scenes [1].00000000-1-abc.part.b",
    ]  # fmt: skip
    for name in (*own, *others):
        (tmp_path / name / "deep").mkdir(parents=True)
    (tmp_path / own[1] / "deep" / "half").write_text("half")
    path.mkdir()
    remove_unfinished(path)
    assert left_in(tmp_path) == sorted([*others, *["deep"] * len(others), path.name])
    (tmp_path / ".LATEST.0badcafe.part").write_text("half")
    (tmp_path / ".hidden").write_text("kept")
    remove_unfinished(tmp_path / "*")
    assert left_in(tmp_path) == [".hidden", path.name]
    remove_unfinished(tmp_path / "nothing" / "here")


def test_provenance_names_versions_plugins_machine_and_data() -> None:
    facts = provenance(discover([]).plugins, data="f00d")
    assert json.loads(json.dumps(facts)) == facts
    assert facts["versions"]["avspatial"] == avspatial.__version__
    assert facts["plugins"][0] == {"name": "avspatial", "version": avspatial.__version__, "origin": "built in"}
    assert facts["data"] == "f00d"
    assert facts["hardware"]["device"] == "cpu"


def test_versions_are_those_installed() -> None:
    import numpy
    import torch

    assert versions()["numpy"] == numpy.__version__
    assert torch.__version__.startswith(versions()["torch"])


def test_hardware_counts_cores_and_memory() -> None:
    facts = hardware()
    assert facts["cores"] >= 1
    assert facts["memory_gib"] > 0.1
    assert facts["processor"]


def test_the_commit_is_the_one_checked_out() -> None:
    package = Path(avspatial.__file__).parent
    done = subprocess.run(["git", "-C", package, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("avspatial does not run from a git checkout")
    commit = git_commit()
    assert commit is not None
    assert commit["commit"] == done.stdout.strip()


def test_an_existing_file_is_refused_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "mine.wav"
    refuse_existing(path)
    path.touch()
    refuse_existing(path, force=True)
    with pytest.raises(AvspatialError) as caught:
        refuse_existing(path)
    assert str(caught.value) == f"{path}: already exists\n  Give another name with -o, or --force."
