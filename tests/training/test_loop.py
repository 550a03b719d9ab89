"""The loop learns, records, validates, keeps checkpoints, and stops as it says."""

import io
import random
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file
from support.tiny_training import (
    FRAMING,
    BuiltIn,
    Scenes,
    gan_settings,
    records,
    run_in,
    spatializer,
    supervised_settings,
    trainer,
)
from torch import nn

from avspatial.errors import Interrupted, RunError, TrainingError
from avspatial.interfaces import Batch, Spatializer
from avspatial.runs.directory import Run
from avspatial.training.checkpoints import folder_name, load_weights, resolve_pointer
from avspatial.training.devices import Devices
from avspatial.training.loop import Outcome, train
from avspatial.training.supervised import SupervisedTrainer

SILENT = Console(quiet=True)


def learn(path: Path, settings, *, windows=None, held_out=None, console=SILENT, **more) -> tuple[Outcome, Run]:
    run = run_in(path)
    more = {"seed": 0, "devices": Devices("cpu"), "console": console, **more}
    return train(trainer(settings), windows or Scenes(), held_out, run, **more), run


@pytest.mark.parametrize(
    ("settings", "term"),
    [
        (supervised_settings(steps=60, lr=1e-2, checkpoint_every=60), "model/total"),
        (gan_settings(steps=60, lr=1e-2, checkpoint_every=60), "generator/l1"),
    ],
)
def test_learning_lowers_the_loss(tmp_path: Path, settings, term: str) -> None:
    _, run = learn(tmp_path, settings)
    losses = [record["terms"][term] for record in records(run, "train")]
    assert len(losses) == 60
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


def test_the_log_tells_every_step_validation_and_checkpoint(tmp_path: Path) -> None:
    settings = gan_settings(steps=4, validate_every=2, checkpoint_every=4, schedule="cosine")
    _, run = learn(tmp_path, settings, held_out=Scenes(3, seed=1))
    steps = records(run, "train")
    assert [(record["step"], record["epoch"]) for record in steps] == [(1, 0), (2, 1), (3, 1), (4, 2)]
    assert set(steps[0]["terms"]) == {
        *(f"discriminator/{name}" for name in ("real", "fake", "accuracy", "total", "gradient")),
        *(f"generator/{name}" for name in ("l1", "adversarial", "total", "gradient")),
    }
    assert all(record["clips_per_second"] > 0 and 0 <= record["waiting"] <= 1 for record in steps)
    assert steps[0]["learning_rate"] == settings.lr
    validations = records(run, "validate")
    assert [record["step"] for record in validations] == [2, 4]
    assert set(validations[0]["terms"]) == {"l1", "total"}
    assert records(run, "checkpoint")[-1] == {"event": "checkpoint", "step": 4}


def test_validation_is_the_mean_over_all_held_out_windows(tmp_path: Path) -> None:
    settings = supervised_settings(steps=1, batch_size=2)
    held_out = Scenes(5, seed=1)  # the last batch is smaller
    outcome, run = learn(tmp_path, settings, held_out=held_out)
    model = trainer(settings).eval()
    load_weights(resolve_pointer(run), model.spatializer)
    with torch.no_grad():
        expected = model.validate(held_out.batch(0, range(5)))["total"].item()
    assert outcome.best_total == pytest.approx(expected, rel=1e-5)
    assert outcome.best_step == 1


def test_the_best_checkpoint_is_that_of_the_lowest_validation(tmp_path: Path) -> None:
    settings = supervised_settings(steps=12, validate_every=1, checkpoint_every=12, lr=0.05)
    outcome, run = learn(tmp_path, settings, held_out=Scenes(3, seed=1))
    totals = {record["step"]: record["terms"]["total"] for record in records(run, "validate")}
    best = min(totals, key=totals.get)
    assert (outcome.best_step, outcome.best_total) == (best, totals[best])
    assert resolve_pointer(run, "BEST").name == folder_name(best)
    assert resolve_pointer(run).name == "step-000012"


class Slow(Scenes):
    """Windows that take their time."""

    def batch(self, epoch, indices) -> Batch:
        time.sleep(0.5)
        return super().batch(epoch, indices)


def test_waiting_for_held_out_windows_is_waiting_too(tmp_path: Path) -> None:
    outcome, _ = learn(tmp_path, supervised_settings(steps=1), held_out=Slow(3, seed=1))
    assert outcome.waiting * outcome.seconds > 0.4


def test_without_held_out_windows_there_is_no_best(tmp_path: Path) -> None:
    outcome, run = learn(tmp_path, supervised_settings(steps=2))
    assert (outcome.best_step, outcome.best_total) == (None, None)
    assert resolve_pointer(run, "BEST") is None


def test_the_model_keeps_the_training_sets_mixture_level(tmp_path: Path) -> None:
    _, run = learn(tmp_path, supervised_settings(steps=1))
    assert load_file(resolve_pointer(run) / "model.safetensors")["mixture_rms"].item() == pytest.approx(0.17)


def test_learning_rates_follow_the_schedule(tmp_path: Path) -> None:
    still = supervised_settings(steps=3, lr=1e-12, schedule="step", decay=0.5, decay_every=1)
    _, run = learn(tmp_path, still)
    rates = [record["learning_rate"] for record in records(run, "train")]
    assert rates == pytest.approx([1e-12, 1e-12, 0.5e-12])
    start, end = spatializer().state_dict(), load_file(resolve_pointer(run) / "model.safetensors")
    assert all(torch.allclose(end[name], value, atol=1e-10) for name, value in start.items() if "weight" in name)


def test_a_limited_gradient_is_scaled_down_to_the_limit(tmp_path: Path) -> None:
    _, run = learn(tmp_path, supervised_settings(steps=1, clip=1e-3))
    assert records(run, "train")[0]["terms"]["model/gradient"] > 1e-2  # the log has it as it was
    state = load_file(resolve_pointer(run) / "optimizer.safetensors")
    moments = [value for name, value in state.items() if name.endswith("/exp_avg")]
    norm = torch.cat([value.flatten() for value in moments]).norm().item()
    assert norm == pytest.approx(
        0.1 * 1e-3, rel=1e-3
    )  # Adam's first moment after one step: (1 - 0.9) times the gradient


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_gpu_learns_and_keeps_weights_in_fp32(tmp_path: Path, precision: str) -> None:
    settings = gan_settings(steps=60, lr=1e-2, precision=precision)
    _, run = learn(tmp_path, settings, held_out=Scenes(3, seed=1), devices=Devices("cuda"))
    losses = [record["terms"]["generator/l1"] for record in records(run, "train")]
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    state = load_file(resolve_pointer(run) / "optimizer.safetensors")
    assert "random/cuda" in state
    weights = load_file(resolve_pointer(run) / "model.safetensors")
    assert {value.dtype for name, value in weights.items() if name.endswith("weight")} == {torch.float32}


def test_bf16_is_refused_on_a_cpu(tmp_path: Path) -> None:
    with pytest.raises(RunError) as problem:
        learn(tmp_path, supervised_settings(steps=1, precision="bf16"))
    assert str(problem.value) == (
        "trainer.precision: bf16 cannot be trusted on a CPU\n  Set trainer.precision=fp32, or train on a GPU."
    )


class Poisoned(Scenes):
    """From the second epoch on, one window is not a number."""

    def batch(self, epoch, indices):
        batch = super().batch(epoch, indices)
        return batch if epoch == 0 else Batch(batch.mixture * float("nan"), batch.reference, batch.images)


def test_a_loss_that_is_not_a_number_stops_with_step_and_term_and_overwrites_nothing(tmp_path: Path) -> None:
    settings = supervised_settings(steps=9, batch_size=2, checkpoint_every=2)
    with pytest.raises(TrainingError) as problem:
        learn(tmp_path, settings, windows=Poisoned(6))
    assert str(problem.value) == (
        f"{tmp_path}: model/difference is nan at step 4"
        "\n  Checkpoint step-000002 is complete. Try a lower trainer.lr, or limit the gradient with trainer.clip=1.0."
    )
    assert problem.value.exit_code == 1
    weights = load_file(resolve_pointer(run_in(tmp_path)) / "model.safetensors")
    assert all(value.isfinite().all() for value in weights.values() if value.is_floating_point())
    assert {path.name for path in (tmp_path / "checkpoints").iterdir()} == {"LATEST", "step-000002"}


class Steep(Spatializer):
    """A finite loss whose gradient is infinite."""

    def __init__(self) -> None:
        super().__init__(None, framing=FRAMING, builder=BuiltIn())
        self.weight = nn.Parameter(torch.zeros(()))

    def spatialize(self, mixture, visual):
        return torch.stack([mixture, mixture], 1) * self.weight.sqrt()


def test_a_gradient_that_is_not_finite_stops_before_the_weights_are_touched(tmp_path: Path) -> None:
    settings = supervised_settings(steps=2)
    model = SupervisedTrainer(settings, spatializer=Steep(), builder=BuiltIn())
    with pytest.raises(TrainingError) as problem:
        train(model, Scenes(), None, run_in(tmp_path), seed=0, devices=Devices("cpu"), console=SILENT)
    assert str(problem.value) == (
        f"{tmp_path}: model/gradient is inf at step 1"
        "\n  Try a lower trainer.lr, or limit the gradient with trainer.clip=1.0."
    )
    assert model.spatializer.weight.item() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_finishes_the_step_saves_and_says_how_to_go_on(tmp_path: Path, number: signal.Signals) -> None:
    settings = supervised_settings(steps=5, checkpoint_every=100)
    before = signal.getsignal(number)

    def press(record) -> None:
        if record["event"] == "train" and record["step"] == 3:
            for _ in range(1 if number == signal.SIGINT else 2):  # a terminal that closes sends SIGHUP twice
                signal.raise_signal(number)

    with pytest.raises(Interrupted) as problem:
        learn(tmp_path / "stopped", settings, observe=press)
    stopped = tmp_path / "stopped"
    assert str(problem.value) == (
        f"{stopped}: interrupted after step 3 of 5; everything is saved\n  Go on with: avspatial run --resume {stopped}"
    )
    assert problem.value.exit_code == 128 + number
    assert resolve_pointer(run_in(stopped)).name == "step-000003"
    assert signal.getsignal(number) is before
    learn(stopped, settings, resume=True)
    learn(tmp_path / "uninterrupted", settings)
    ends = [path / "checkpoints/step-000005/model.safetensors" for path in (stopped, tmp_path / "uninterrupted")]
    assert ends[0].read_bytes() == ends[1].read_bytes()


def test_resuming_a_finished_training_changes_nothing(tmp_path: Path) -> None:
    settings = supervised_settings(steps=2)
    first, run = learn(tmp_path, settings, held_out=Scenes(2))
    before = run.log.read_bytes()
    second, _ = learn(tmp_path, settings, held_out=Scenes(2), resume=True)
    assert (second.steps, second.best_step, second.best_total) == (2, first.best_step, first.best_total)
    assert run.log.read_bytes() == before


def test_an_observer_cannot_change_a_number(tmp_path: Path) -> None:
    seen = []

    def draw(record) -> None:
        seen.append(record)
        torch.rand(3), np.random.rand(3), random.random()
        torch.manual_seed(0)

    settings = supervised_settings(steps=3)
    torch.manual_seed(5)
    _, watched = learn(tmp_path / "watched", settings, observe=draw)
    after = torch.rand(1)
    torch.manual_seed(6)
    _, alone = learn(tmp_path / "alone", settings)
    assert torch.equal(after, torch.rand(1))
    assert seen == list(watched.records())
    ends = [resolve_pointer(run) / "optimizer.safetensors" for run in (watched, alone)]
    assert ends[0].read_bytes() == ends[1].read_bytes()


def test_away_from_a_terminal_plain_lines_tell_the_progress(tmp_path: Path) -> None:
    lines = io.StringIO()
    settings = supervised_settings(steps=2, validate_every=2)
    learn(tmp_path, settings, held_out=Scenes(2), console=Console(file=lines, width=200))
    first, second = lines.getvalue().splitlines()
    number = r"[\d.e+-]+"
    assert re.fullmatch(rf"step 2/2  model/total {number}  {number} (clips/s|s/clip)  waiting \d+%  0 s left", first)
    assert re.fullmatch(rf"step 2/2  held out {number} \(best\)", second)


def test_on_a_terminal_a_bar_shows_losses_speed_and_time_left(tmp_path: Path) -> None:
    screen = io.StringIO()
    learn(tmp_path, supervised_settings(steps=3), console=Console(file=screen, force_terminal=True, width=160))
    assert re.search(r"3/3.*model/total .* (clips/s|s/clip) .*waiting", screen.getvalue())


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has such a device")
def test_a_device_that_torch_was_built_without() -> None:
    with pytest.raises(RunError) as problem:
        Devices("mps")
    assert str(problem.value) == (
        "mps: no such device: this machine, or this build of torch, has no mps\n"
        "  Name a device that this machine has, such as cpu or cuda:0, or leave --device away."
    )


def test_a_device_that_is_not_there() -> None:
    with pytest.raises(RunError) as problem:
        Devices("cuda:77")
    lines = str(problem.value)
    assert lines.startswith("cuda:77: no such device: ")
    assert lines.endswith("\n  Name a device that this machine has, such as cpu or cuda:0, or leave --device away.")
    with pytest.raises(RunError, match=r"toaster: no such device: "):
        Devices("toaster")
