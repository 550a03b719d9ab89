"""A program for `accelerate launch`: a short training whose processes compare what they ended with.

accelerate launch ... shared_training.py FOLDER TRAINER PRECISION_OF_EQUALITY
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import PartialState
from accelerate.utils import gather
from rich.console import Console
from support.tiny_training import Scenes, gan_settings, run_in, supervised_settings, trainer

from avspatial.training.devices import Devices
from avspatial.training.loop import train


def main() -> None:
    folder, kind = Path(sys.argv[1]), sys.argv[2]
    torch.set_num_threads(1)
    plan = {"steps": 4, "batch_size": 8, "validate_every": 2, "lr": 1e-2}
    settings = gan_settings(**plan) if kind == "gan" else supervised_settings(**plan)
    model, run = trainer(settings), run_in(folder)
    train(model, Scenes(), Scenes(3, seed=1), run, seed=0, devices=Devices("cpu"), console=Console(quiet=True))
    state = PartialState()
    weights = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    everyone = gather(weights[None])
    if state.is_main_process:
        print(f"processes {state.num_processes} equal {torch.equal(everyone, weights.expand_as(everyone))}")


if __name__ == "__main__":
    main()
