"""Checkpoints are complete, hold everything in tensors and JSON, and refuse what does not belong to them."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.full_disk import room
from support.tiny_training import Scenes, gan_settings, run_in, spatializer, supervised_settings, trainer

from avspatial.errors import PluginError, RunError
from avspatial.training import checkpoints
from avspatial.training.checkpoints import TrainingState


def learned(model) -> dict[str, torch.optim.Optimizer]:
    """One step of each phase, and the optimizers."""
    optimizers = {phase: torch.optim.Adam(model.parameter_groups(phase)) for phase in model.phases}
    for phase, optimizer in optimizers.items():
        model.zero_grad(set_to_none=True)
        model(Scenes().batch(0, [0, 1, 2, 3]), phase)["total"].backward()
        optimizer.step()
    return optimizers


def saved(folder: Path, *steps: int, keep: int = 9, best: int | None = None, **mark) -> Path:
    model = trainer(gan_settings())
    optimizers = learned(model)
    for step in steps:
        best_step = best if best is not None and step >= best else None
        checkpoints.save(run_in(folder), model, optimizers, TrainingState(step=step, best_step=best_step, **mark), keep)
    return folder / "checkpoints" / checkpoints.folder_name(steps[-1])


def test_a_checkpoint_is_three_files_and_the_model_file_is_the_spatializer_alone(tmp_path: Path) -> None:
    folder = saved(tmp_path, 12)
    assert folder.name == "step-000012"
    assert {path.name for path in folder.iterdir()} == {"model.safetensors", "optimizer.safetensors", "state.json"}
    assert load_file(folder / "model.safetensors").keys() == spatializer().state_dict().keys()
    assert json.loads((folder / "state.json").read_text())["step"] == 12
    assert (tmp_path / "checkpoints/LATEST").read_text().strip() == "step-000012"


def test_what_is_saved_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    model = trainer(gan_settings())
    optimizers = learned(model)
    random = torch.get_rng_state()
    checkpoints.save(run_in(tmp_path), model, optimizers, TrainingState(step=1), keep=1)
    other = trainer(gan_settings(), seed=1)
    fresh = {phase: torch.optim.Adam(other.parameter_groups(phase)) for phase in other.phases}
    checkpoints.load_all(tmp_path / "checkpoints/step-000001", other, fresh)
    checkpoints.restore_random_state(tmp_path / "checkpoints/step-000001")
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=0, atol=0)
    for phase, optimizer in optimizers.items():
        torch.testing.assert_close(fresh[phase].state_dict(), optimizer.state_dict(), rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), random)


def test_the_newest_and_the_best_stay(tmp_path: Path) -> None:
    saved(tmp_path, 1, 2, 3, 4, 5, keep=2, best=2)
    assert sorted(path.name for path in (tmp_path / "checkpoints").glob("step-*")) == [
        "step-000002",
        "step-000004",
        "step-000005",
    ]
    assert (tmp_path / "checkpoints/BEST").read_text().strip() == "step-000002"


def test_more_than_a_million_steps_are_still_in_order(tmp_path: Path) -> None:
    saved(tmp_path, 999_999, 1_000_000, keep=1)
    assert [path.name for path in (tmp_path / "checkpoints").glob("step-*")] == ["step-1000000"]


def test_recovering_clears_away_what_a_killed_process_left(tmp_path: Path) -> None:
    saved(tmp_path, 3, 6, best=3)
    (tmp_path / "checkpoints/LATEST").write_text("step-000003")  # killed before it pointed at 6
    (tmp_path / "checkpoints/.step-000009.abc.part").mkdir()
    (tmp_path / "checkpoints/BEST").unlink()
    folder, mark = checkpoints.recover(run_in(tmp_path), keep=1)
    assert folder == tmp_path / "checkpoints/step-000003"
    assert (mark.step, mark.best_step) == (3, 3)
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"LATEST", "BEST", "step-000003"}
    assert (tmp_path / "checkpoints/BEST").read_text().strip() == "step-000003"


def test_recovering_removes_nothing_where_a_file_is_damaged(tmp_path: Path) -> None:
    """A lost pointer or a changed state must not cost the checkpoints."""
    saved(tmp_path, 3, 6, best=3)
    folder = tmp_path / "checkpoints"
    names = {"step-000003", "step-000006", "BEST"}
    (folder / "LATEST").unlink()
    with pytest.raises(RunError, match="it holds 2 checkpoints, but no LATEST that names one"):
        checkpoints.recover(run_in(tmp_path), keep=1)
    (folder / "LATEST").write_text("step-000006")
    state = (folder / "step-000006/state.json").read_text()
    for old, new, why in (
        ('"step": 6', '"step": 2', "says step 2"),
        ('"best_step": 3', '"best_step": 5', "step-000005"),
    ):
        (folder / "step-000006/state.json").write_text(state.replace(old, new))
        with pytest.raises(RunError, match=why):
            checkpoints.recover(run_in(tmp_path), keep=1)
        assert {path.name for path in folder.iterdir()} == {*names, "LATEST"}


def test_recovering_where_there_is_no_checkpoint_starts_from_the_beginning(tmp_path: Path) -> None:
    assert checkpoints.recover(run_in(tmp_path), keep=1) == (None, TrainingState())


def message(problem: pytest.ExceptionInfo[RunError], folder: Path) -> str:
    return str(problem.value).replace(str(folder), "FOLDER")


OTHER_RECIPE = "\n  Load it with the recipe that made it: recipe.resolved.yaml of its run."


def test_another_width_is_another_architecture(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    with pytest.raises(RunError) as problem:
        checkpoints.load_weights(folder, spatializer(width=1 / 16))
    lines = message(problem, folder)
    assert lines.startswith("FOLDER: a checkpoint of another architecture: ")
    assert "visual_encoder.conv1.weight is (2, 3, 3, 3, 3) in the checkpoint, (4, 3, 3, 3, 3) in the model" in lines
    assert " more" in lines
    assert lines.endswith(OTHER_RECIPE)


def test_missing_and_unknown_tensors_are_named(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    model = spatializer()
    model.register_buffer("extra", torch.zeros(1))
    del model.mixture_rms
    with pytest.raises(RunError) as problem:
        checkpoints.load_weights(folder, model)
    assert message(problem, folder) == (
        "FOLDER: a checkpoint of another architecture: extra is missing in the checkpoint; "
        "mixture_rms is unknown to the model" + OTHER_RECIPE
    )


def test_another_component_or_version_is_named(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1, components={"model": "avspatial.masking@1"})
    checkpoints.load_weights(folder, spatializer(), {"model": "avspatial.masking@1"})
    with pytest.raises(RunError) as problem:
        checkpoints.load_weights(folder, spatializer(), {"model": "avspatial.masking@2"})
    assert message(problem, folder) == (
        "FOLDER: a checkpoint of other components, or other versions of them: "
        "model is avspatial.masking@1 in the checkpoint, avspatial.masking@2 in the recipe" + OTHER_RECIPE
    )


def test_a_model_is_used_whatever_trained_it_and_a_training_goes_on_with_its_own_trainer(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1, components={"model": "avspatial.masking@1", "trainer": "x.y@1"})
    checkpoints.load_weights(folder, spatializer(), {"model": "avspatial.masking@1"})
    model = trainer(gan_settings())
    optimizers = {phase: torch.optim.Adam(model.parameter_groups(phase)) for phase in model.phases}
    checkpoints.load_all(folder, model, optimizers, {"model": "avspatial.masking@1", "trainer": "x.y@1"})
    with pytest.raises(RunError, match=r"versions of them: trainer is x\.y@1 in the checkpoint, x\.y@2 in the recipe"):
        checkpoints.load_all(folder, model, optimizers, {"model": "avspatial.masking@1", "trainer": "x.y@2"})


def test_another_trainer_cannot_go_on_from_it(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    model = trainer(supervised_settings())
    optimizers = {"model": torch.optim.Adam(model.parameter_groups("model"))}
    with pytest.raises(RunError, match=r"discriminator\.encoder\.\S+ is unknown to the model"):
        checkpoints.load_all(folder, model, optimizers)


def test_a_damaged_file_is_reported(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RunError) as problem:
        checkpoints.load_weights(folder, spatializer())
    lines = message(problem, folder)
    assert lines.startswith("FOLDER/model.safetensors: cannot be read: ")
    assert lines.endswith("\n  Write the name of another checkpoint into LATEST in the folder of the checkpoints.")


def test_a_state_of_version_0_1_0_is_read(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    state = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**state, "schedule": {"steps": 7}}))
    assert checkpoints.read_state(folder) == TrainingState(step=1)


def test_a_damaged_state_is_reported(tmp_path: Path) -> None:
    folder = saved(tmp_path, 1)
    (folder / "state.json").write_text("{}{")
    with pytest.raises(RunError) as problem:
        checkpoints.read_state(folder)
    assert message(problem, folder) == (
        "FOLDER: the checkpoint's state.json cannot be read: Invalid JSON: trailing characters at line 1 column 3"
        "\n  Write the name of another checkpoint into LATEST in the folder of the checkpoints."
    )


def test_a_full_disk_leaves_the_checkpoints_before_it(tmp_path: Path) -> None:
    model = trainer(gan_settings())
    optimizers = learned(model)
    checkpoints.save(run_in(tmp_path), model, optimizers, TrainingState(step=1), keep=1)
    with room(5000), pytest.raises(RunError) as problem:
        checkpoints.save(run_in(tmp_path), model, optimizers, TrainingState(step=2), keep=1)
    lines = message(problem, tmp_path)
    assert lines.startswith("FOLDER/checkpoints: cannot write a checkpoint: ")
    assert "File too large" in lines
    assert lines.endswith(
        "\n  The earlier checkpoints are complete. Make room or allow writing, then resume: "
        "avspatial run --resume FOLDER"
    )
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"LATEST", "step-000001"}


def test_one_tensor_under_two_names_is_refused_before_training() -> None:
    model = spatializer()
    model.twice = model.audio_encoder
    with pytest.raises(PluginError) as problem:
        checkpoints.refuse_tied(model)
    first, second = "audio_encoder", "twice"
    name = next(name for name in model.state_dict() if name.startswith(first)).removeprefix(first)
    assert str(problem.value) == (
        f"{first}{name} and {second}{name} are one tensor, which a checkpoint cannot hold"
        "\n  Let the module use one of them under one name."
    )
