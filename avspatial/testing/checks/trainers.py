"""Conformance checks of trainers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from avspatial.interfaces import Batch
from avspatial.testing.checks.harness import BATCH, state, training_batch
from avspatial.testing.component import ComponentUnderTest
from avspatial.testing.results import require
from avspatial.training.settings import TrainerSettings

STEPS = 12
"""Steps on one batch after which the loss must be lower."""


def construct(component: ComponentUnderTest) -> None:
    """It is built from its example settings, a subclass of `TrainerSettings`, which the training loop needs."""
    settings = type(component.settings)
    require(issubclass(settings, TrainerSettings), f"{settings.__name__} is not a subclass of TrainerSettings")
    _built(component)


def terms_scalar(component: ComponentUnderTest) -> str:
    """Every phase, and validation, returns finite scalar terms with `total`; a phase's total has a gradient."""
    trainer, batch = _built(component), _batch(component)
    require(trainer.phases, "`phases` is empty")
    for phase in dict.fromkeys(trainer.phases):
        terms = trainer(batch, phase)
        _scalar(terms, phase)
        require(terms["total"].requires_grad, f"{phase}: `total` has no gradient")
    with torch.no_grad():
        _scalar(trainer.eval().validate(batch), "validate")
    return f"phases {', '.join(trainer.phases)}"


def _scalar(terms: Mapping[str, Tensor], phase: str) -> None:
    require("total" in terms, f"{phase}: there is no `total` among {', '.join(terms)}")
    for name, value in terms.items():
        require(value.ndim == 0, f"{phase}: {name} has shape {tuple(value.shape)}, a scalar is needed")
        require(value.isfinite(), f"{phase}: {name} is {value.item()}")


def stages_complete(component: ComponentUnderTest) -> str:
    """Stages run declared phases, each phase in some stage; the last one has the timetable of the settings."""
    trainer, batch = _built(component), _batch(component)
    stages = trainer.stages()
    require(stages, "`stages` is empty")
    run = [phase for stage in stages for phase in stage.phases]
    require(set(run) == set(trainer.phases), f"stages run {', '.join(run)}; phases are {', '.join(trainer.phases)}")
    require(all(stage.phases for stage in stages), "a stage runs no phase")
    unknown = [stage.epochs_of for stage in stages if stage.epochs_of not in ("", *batch.auxiliary)]
    require(not unknown, f"no setting names the data set {unknown[0] if unknown else ''}")
    require(stages[-1].timetable is trainer.settings, "the last stage's timetable is not `settings`")
    return f"{len(stages)} stages"


def groups_complete(component: ComponentUnderTest) -> None:
    """Groups have a learning rate and parameters of the trainer, none twice; all the spatializer's are in a group."""
    trainer = _built(component)
    names = {id(parameter): name for name, parameter in trainer.named_parameters()}
    all_updated: set[int] = set()
    for phase in dict.fromkeys(trainer.phases):
        groups = trainer.parameter_groups(phase)
        require(all("lr" in group for group in groups), f"{phase}: a group has no `lr`")
        updated = [id(parameter) for group in groups for parameter in group["params"]]
        require(updated, f"{phase}: updates nothing")
        require(len(set(updated)) == len(updated), f"{phase}: a parameter is in two groups")
        require(set(updated) <= set(names), f"{phase}: a parameter is no part of the trainer, so it is not saved")
        all_updated |= set(updated)
    for name, parameter in trainer.spatializer.named_parameters():
        require(id(parameter) in all_updated or not parameter.requires_grad, f"no phase updates spatializer.{name}")


def phases_apart(component: ComponentUnderTest) -> None:
    """A phase's step changes only parameters of its own groups."""
    trainer, batch = _built(component), _batch(component)
    for phase, optimizer in _optimizers(trainer).items():
        own = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        before = {name: parameter.detach().clone() for name, parameter in trainer.named_parameters()}
        _step(trainer, batch, phase, optimizer)
        changed = {n: p for n, p in trainer.named_parameters() if not torch.equal(p, before[n])}
        foreign = [name for name, parameter in changed.items() if id(parameter) not in own]
        require(changed, f"{phase}: a step changes nothing")
        require(not foreign, f"{phase}: a step changes {', '.join(foreign[:3])}, in none of its groups")


def improves(component: ComponentUnderTest) -> str:
    """The validation loss of one batch falls while training on it."""
    trainer, batch = _built(component), _batch(component)
    optimizers = _optimizers(trainer)
    before = _validated(trainer, batch)
    for _ in range(STEPS):
        for phase in trainer.phases:
            _step(trainer, batch, phase, optimizers[phase])
    after = _validated(trainer, batch)
    require(after < before, f"after {STEPS} steps on one batch its total is {after:g}; it was {before:g}")
    return f"{before:.4g} to {after:.4g} in {STEPS} steps"


def _validated(trainer: Any, batch: Batch) -> float:
    """Validate with the batch's own statistics: running statistics would lag after so few steps."""
    with torch.no_grad(), _state_restored(trainer):
        return float(trainer.train().validate(batch)["total"])


@contextmanager
def _state_restored(trainer: Any) -> Iterator[None]:
    before = state(trainer)
    yield
    trainer.load_state_dict(before)


def validation_changes_nothing(component: ComponentUnderTest) -> None:
    """Validation changes neither weights nor statistics, and gives the same result again."""
    trainer, batch = _built(component), _batch(component)
    trainer.eval()
    before = state(trainer)
    with torch.no_grad():
        first, second = trainer.validate(batch)["total"], trainer.validate(batch)["total"]
    for name, value in state(trainer).items():
        require(torch.equal(value, before[name]), f"validation changes {name}")
    require(torch.equal(first, second), f"validating one batch twice gave {first.item()}, then {second.item()}")


def batch_untouched(component: ComponentUnderTest) -> None:
    """It modifies no batch."""
    trainer, batch, before = _built(component), _batch(component), _batch(component)
    for phase in dict.fromkeys(trainer.phases):
        trainer(batch, phase)
    with torch.no_grad():
        trainer.validate(batch)
    for name, now, was in _pairs(batch, before):
        require(torch.equal(now, was), f"{name} was modified")


def _pairs(batch: Batch, other: Batch, title: str = "batch") -> Iterator[tuple[str, Tensor, Tensor]]:
    """Every tensor of two batches, and its name."""
    for name in ("mixture", "reference", "images"):
        yield f"{title}.{name}", getattr(batch, name), getattr(other, name)
    for name, auxiliary in batch.auxiliary.items():
        yield from _pairs(auxiliary, other.auxiliary[name], f'{title}.auxiliary["{name}"]')


def state_survives(component: ComponentUnderTest) -> None:
    """A new trainer with the state that safetensors saved after a step gives the same losses."""
    trainer, batch = _built(component), _batch(component)
    for phase, optimizer in _optimizers(trainer).items():
        _step(trainer, batch, phase, optimizer)
    saved = safetensors.torch.save(state(trainer))
    again = _built(component, seed=9)
    again.load_state_dict(safetensors.torch.load(saved))
    for phase in dict.fromkeys(trainer.phases):
        torch.manual_seed(1)
        first = trainer(batch, phase)["total"]
        torch.manual_seed(1)
        second = again(batch, phase)["total"]
        require(torch.equal(first, second), f"{phase}: after saving and loading, total is {second}, not {first}")


def _built(component: ComponentUnderTest, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    trainer = component.build(seed, spatializer=component.example_spatializer(), builder=component.registry)
    return trainer.train()


def _batch(component: ComponentUnderTest) -> Batch:
    """A batch, with windows of the auxiliary data sets that the settings name."""
    counts = component.entry.target_class().auxiliary_windows
    named = [name for name, value in component.settings if getattr(value, "kind", "") == "dataset"]
    auxiliary = {name: _windows(component, BATCH * counts.get(name, 1), seed) for seed, name in enumerate(named, 2)}
    return replace(_windows(component, BATCH, 1), auxiliary=auxiliary)


def _windows(component: ComponentUnderTest, count: int, seed: int) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    window = component.framing.window
    mixture = 0.1 * torch.randn(count, component.framing.samples, generator=generator)
    images = torch.rand(count, window.pictures, 3, *window.picture, generator=generator)
    return training_batch({"mixture": mixture, "images": images})


def _optimizers(trainer: Any) -> dict[str, torch.optim.Optimizer]:
    settings = trainer.settings
    return {
        phase: torch.optim.Adam(trainer.parameter_groups(phase), betas=settings.betas)
        for phase in dict.fromkeys(trainer.phases)
    }


def _step(trainer: Any, batch: Batch, phase: str, optimizer: torch.optim.Optimizer) -> None:
    """One update, as in the training loop."""
    trainer.zero_grad(set_to_none=True)
    trainer(batch, phase)["total"].backward()
    optimizer.step()


CHECKS = {
    "trainer": (
        construct,
        terms_scalar,
        stages_complete,
        groups_complete,
        phases_apart,
        improves,
        validation_changes_nothing,
        batch_untouched,
        state_survives,
    )
}
