"""Checkpoints: folders of safetensors and JSON from which training resumes bit for bit.

`step-000123/` holds `model.safetensors` (the spatializer's state alone), `optimizer.safetensors` (all other tensors:
the trainer's own weights, each phase's optimizer state, the random number generators) and `state.json`. `LATEST` and
`BEST` are text files that name a folder; they are written after the folder is complete. No pickle.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from pydantic import FiniteFloat, NonNegativeInt, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from avspatial.atomic import atomic_directory, remove_unfinished
from avspatial.contents import foreign_contents
from avspatial.errors import PluginError, RunError, reason
from avspatial.interfaces import Spatializer, Trainer
from avspatial.runs.directory import Run
from avspatial.text import counted, listed
from avspatial.training.random_state import set_torch_random_state, torch_random_state

MODEL, REST, STATE = "model.safetensors", "optimizer.safetensors", "state.json"
LATEST, BEST = "LATEST", "BEST"
_SPATIALIZER = "spatializer."
_ADAM = {"step", "exp_avg", "exp_avg_sq"}
"""What the loop's optimizer keeps of a parameter."""
_OTHER = "Write the name of another checkpoint into LATEST in the folder of the checkpoints."


@dataclass(frozen=True)
class TrainingState:
    """Progress of a training: the steps done, the best validated step and its total, the components in use."""

    step: NonNegativeInt = 0
    epoch: NonNegativeInt = 0
    best_step: NonNegativeInt | None = None
    best_total: FiniteFloat | None = None
    components: Mapping[str, str] = field(default_factory=dict)


def folder_name(step: int) -> str:
    return f"step-{step:06d}"


def resolve_pointer(run: Run, pointer: str = LATEST) -> Path | None:
    """The folder that LATEST or BEST names, None if there is no such pointer yet; RunError if the folder is missing."""
    return run.checkpoint(pointer) if (run.checkpoints / pointer).is_file() else None


def save(
    run: Run, trainer: Trainer, optimizers: Mapping[str, torch.optim.Optimizer], state: TrainingState, keep: int
) -> None:
    """Write the checkpoint of `state.step`, point LATEST (and BEST) at it, and remove all but the newest `keep`.

    RunError if it cannot be written; earlier checkpoints are then untouched.
    """
    rest = {f"trainer/{name}": value for name, value in _own_state(trainer).items()}
    rest |= _optimizer_state(trainer, optimizers) | torch_random_state()
    folder = run.checkpoints / folder_name(state.step)
    try:
        with atomic_directory(folder) as temporary_path:
            save_file(_on_cpu(trainer.spatializer.state_dict()), temporary_path / MODEL)
            save_file(_on_cpu(rest), temporary_path / REST)
            (temporary_path / STATE).write_text(
                json.dumps(asdict(state), indent=2, allow_nan=False) + "\n", encoding="utf-8"
            )
        run.point(LATEST, folder)
        if state.best_step == state.step:
            run.point(BEST, folder)
    except (OSError, SafetensorError) as error:
        again = run.resume_command
        fix = f"The earlier checkpoints are complete. Make room or allow writing, then resume: {again}"
        raise RunError(f"cannot write a checkpoint: {error}", where=run.checkpoints, fix=fix) from error
    _prune(run, keep)


def _prune(run: Run, keep: int) -> None:
    pinned = [resolve_pointer(run, LATEST), resolve_pointer(run, BEST)]
    for folder in sorted(run.checkpoints.glob("step-[0-9]*"), key=_step_of)[:-keep]:
        if folder not in pinned:
            shutil.rmtree(folder)


def _step_of(folder: Path) -> int:
    return int(folder.name.removeprefix("step-"))


def recover(run: Run, keep: int) -> tuple[Path | None, TrainingState]:
    """The newest checkpoint and its state, after removing what a killed process left.

    Removed: unfinished folders; complete ones that LATEST did not yet name, and the log's records of their steps,
    which are run again with the same result; all but the newest `keep`. BEST is set to the best step that the newest
    checkpoint records.
    """
    folder = resolve_pointer(run)
    folders = sorted(run.checkpoints.glob("step-[0-9]*"), key=_step_of)
    if folder is None and len(folders) > 1:
        fix = f"Write the name of the newest complete one into it, such as {folders[-1].name}."
        what = f"it holds {counted(len(folders), 'checkpoint')}, but no {LATEST} that names one"
        raise RunError(what, where=run.checkpoints, fix=fix)
    state = read_state(folder) if folder else TrainingState()
    best = None if state.best_step is None else run.checkpoints / folder_name(state.best_step)
    if best is not None and not best.is_dir():
        raise RunError(f"its state.json names {best.name} as the best, which is not there", where=folder, fix=_OTHER)
    remove_unfinished(run.checkpoints / "*")
    for later in folders:
        if _step_of(later) > state.step:
            shutil.rmtree(later)
    if best is not None:
        run.point(BEST, best)
    else:
        (run.checkpoints / BEST).unlink(missing_ok=True)
    _prune(run, keep)
    run.rewind(state.step)
    return folder, state


def read_state(folder: Path) -> TrainingState:
    """The `state.json` of a checkpoint; RunError if it cannot be read."""
    try:
        state = TypeAdapter(TrainingState).validate_json((folder / STATE).read_bytes())
    except (OSError, ValidationError) as error:
        why = reason(error) if isinstance(error, OSError) else error.errors()[0]["msg"]
        why = foreign_contents(folder / STATE) or why
        raise RunError(f"the checkpoint's state.json cannot be read: {why}", where=folder, fix=_OTHER) from error
    if folder.name != folder_name(state.step):
        raise RunError(f"its state.json says step {state.step}", where=folder, fix=_OTHER)
    return state


def load_weights(folder: Path, spatializer: Spatializer, components: Mapping[str, str] | None = None) -> None:
    """Load `model.safetensors` into the spatializer; RunError if it belongs to another architecture.

    `components`: id@version of each of the model's components in use, compared with those of the checkpoint.
    """
    if components is not None:
        _same_components(folder, components, "model.")
    tensors = _read(folder / MODEL)
    _refuse_differing(spatializer.state_dict(), tensors, folder)
    spatializer.load_state_dict(tensors)


def load_all(
    folder: Path,
    trainer: Trainer,
    optimizers: Mapping[str, torch.optim.Optimizer],
    components: Mapping[str, str] | None = None,
) -> None:
    """Load weights and optimizer states, not the random state. RunError for another architecture.

    `components`: id@version of each component in use, compared with those of the checkpoint.
    """
    if components is not None:
        _same_components(folder, components)
    load_weights(folder, trainer.spatializer)
    rest = _read(folder / REST)
    own = {name.removeprefix("trainer/"): value for name, value in rest.items() if name.startswith("trainer/")}
    _refuse_differing(_own_state(trainer), own, folder)
    trainer.load_state_dict(own, strict=False)
    names = _names(trainer)
    for phase, optimizer in optimizers.items():
        _load_optimizer(phase, optimizer, names, rest, folder)


def restore_random_state(folder: Path) -> None:
    """Set torch's random number generators to the checkpoint's: the last thing before the loop."""
    set_torch_random_state(_read(folder / REST))


def refuse_tied(module: nn.Module) -> None:
    """PluginError if two names mean one tensor, which safetensors cannot hold: raised before training, not after."""
    first_names: dict[int, str] = {}
    for name, value in module.state_dict(keep_vars=True).items():
        other = first_names.setdefault(id(value), name)
        if other != name:
            fix = "Let the module use one of them under one name."
            raise PluginError(f"{other} and {name} are one tensor, which a checkpoint cannot hold", fix=fix)


def _names(trainer: Trainer) -> dict[int, str]:
    return {id(parameter): name for name, parameter in trainer.named_parameters()}


def _own_state(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value for name, value in trainer.state_dict().items() if not name.startswith(_SPATIALIZER)}


def _optimizer_state(trainer: Trainer, optimizers: Mapping[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
    names = _names(trainer)
    return {
        f"optimizer/{phase}/{names[id(parameter)]}/{key}": torch.as_tensor(value)
        for phase, optimizer in optimizers.items()
        for parameter, state in optimizer.state.items()
        for key, value in state.items()
    }


def _load_optimizer(
    phase: str, optimizer: torch.optim.Optimizer, names: Mapping[int, str], rest: Mapping[str, Tensor], folder: Path
) -> None:
    index_of = {
        names[id(parameter)]: index
        for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"])
    }
    state: dict[int, dict[str, Tensor]] = {}
    prefix = f"optimizer/{phase}/"
    for key, value in rest.items():
        if key.startswith(prefix):
            name, _, slot = key.removeprefix(prefix).rpartition("/")
            if name not in index_of:
                raise _mismatch([f"the phase {phase} updated {name}, which it does not in the recipe"], folder)
            state.setdefault(index_of[name], {})[slot] = value
    incomplete = [name for name, index in index_of.items() if index in state and state[index].keys() != _ADAM]
    if incomplete:
        raise _mismatch([f"{name} has no complete state of Adam" for name in incomplete], folder)
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _on_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise RunError(f"cannot be read: {foreign_contents(path) or error}", where=path, fix=_OTHER) from error


def _same_components(folder: Path, components: Mapping[str, str], part: str = "") -> None:
    """RunError naming the components, of those whose key begins with `part`, that differ."""
    saved = read_state(folder).components
    differing = [
        f"{key} is {saved.get(key, 'absent')} in the checkpoint, {components.get(key, 'absent')} in the recipe"
        for key in sorted({*saved, *components})
        if f"{key}.".startswith(part) and saved.get(key) != components.get(key)
    ]
    if differing:
        raise _mismatch(differing, folder, "other components, or other versions of them")


def _refuse_differing(needed: Mapping[str, Tensor], saved: Mapping[str, Tensor], folder: Path) -> None:
    """RunError naming the tensors that differ in name or shape."""
    differing = [f"{name} is missing in the checkpoint" for name in needed if name not in saved]
    differing += [f"{name} is unknown to the model" for name in saved if name not in needed]
    differing += [
        f"{name} is {tuple(saved[name].shape)} in the checkpoint, {tuple(value.shape)} in the model"
        for name, value in needed.items()
        if name in saved and saved[name].shape != value.shape
    ]
    if differing:
        raise _mismatch(differing, folder)


def _mismatch(differing: list[str], folder: Path, belongs: str = "another architecture") -> RunError:
    what = f"a checkpoint of {belongs}: {listed(differing, most=5, separator='; ')}"
    return RunError(what, where=folder, fix="Load it with the recipe that made it: recipe.resolved.yaml of its run.")


def keep_as_built(trainer: Trainer, run: Run, components: Mapping[str, str]) -> None:
    """Write the checkpoint of step 0 into `run` unless it exists; errors as of `save`."""
    refuse_tied(trainer)
    recover(run, keep=1)
    if resolve_pointer(run) is None:
        save(run, trainer, {}, TrainingState(components=dict(components)), keep=1)
