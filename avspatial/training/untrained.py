"""A spatializer that has nothing to learn: kept as it was built, in the form of every trained one."""

from __future__ import annotations

from collections.abc import Mapping

from avspatial.interfaces import Trainer
from avspatial.runs.directory import Run
from avspatial.training import checkpoints
from avspatial.training.checkpoints import Mark


def keep_as_built(trainer: Trainer, run: Run, components: Mapping[str, str]) -> None:
    """Leave the checkpoint of step 0 in `run`, unless it is there; errors as of `checkpoints.save`."""
    checkpoints.refuse_tied(trainer)
    checkpoints.recover(run, keep=1)
    if checkpoints.pointed(run) is None:
        checkpoints.save(run, trainer, {}, Mark(components=dict(components)), keep=1)
