"""The loop learns, records, validates, keeps checkpoints, and stops as it says."""

from pathlib import Path

import pytest
from rich.console import Console
from tiny_training import Folder, Scenes, gan_settings, supervised_settings, trainer

from avspatial.training.loop import Outcome, train

SILENT = Console(quiet=True)


def learn(path: Path, settings, *, windows=None, held_out=None, console=SILENT, **more) -> tuple[Outcome, Folder]:
    path.mkdir(exist_ok=True)
    run = Folder(path)
    windows = windows or Scenes()
    return train(
        trainer(settings), windows, held_out, settings, run, seed=0, device="cpu", console=console, **more
    ), run


@pytest.mark.parametrize(
    ("settings", "term"),
    [(supervised_settings(steps=60, lr=1e-2), "model/total"), (gan_settings(steps=60, lr=1e-2), "generator/l1")],
)
def test_learning_lowers_the_loss(tmp_path: Path, settings, term: str) -> None:
    _, run = learn(tmp_path, settings)
    losses = [record["terms"][term] for record in run.records("train")]
    assert len(losses) == 60
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
