"""Documents that users bring or keep, each with what reads it: intact files are made once and copied for every use."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from rich.console import Console

import avspatial
from avspatial.api import leaderboard
from avspatial.api.load import Trained, load_trained
from avspatial.data.fairplay import FairPlay
from avspatial.data.settings import FairPlaySettings
from avspatial.errors import AvspatialError
from avspatial.evaluation.comparison.load import read_scored
from avspatial.evaluation.scoring.file_pairs import find_pairs
from avspatial.interfaces import Spatializer
from avspatial.models import load_exactly, read_weights
from avspatial.registry import Registry
from avspatial.report.run.page import write_report
from avspatial.runs.directory import Run, create_run
from avspatial.runs.model_file import write_model_file
from avspatial.signal import MeasuredHead
from avspatial.training import checkpoints
from avspatial.training.devices import Devices
from avspatial.training.loop import train
from support import films
from support.damage import Damage
from support.saved_sounds import evaluate, save_official
from support.scored_runs import write_scored_run
from support.tiny_training import Scenes, run_in, supervised_settings, trainer

OLD = Path(__file__).parents[1] / "evaluation" / "scoring" / "schema1"
"""Files of version 0.1.0."""
DONE, PLANNED = 2, 3
"""Steps of the training that is resumed, before and in all."""


@dataclass(frozen=True)
class Document:
    """A file to damage in a folder, and what reads it there."""

    file: str
    make: Callable[[Path, Any], object]
    read: Callable[[Path], object]


def _track(folder: Path, model: Trained) -> None:
    folder.mkdir()
    (folder / "track.csv").write_text("time,azimuth\n0,30\n0.5,-12.5\n1.25,0\n2,45.75\n")
    cues = "".join(f"00:0{n}.000 --> 00:0{n + 1}.000\nazimuth: {10 * n}\n\n" for n in range(4))
    (folder / "track.vtt").write_text(f"WEBVTT\n\n{cues}")


def _spatializer_of_track(name: str) -> Callable[[Path], Spatializer]:
    return lambda folder: load_trained("panner_demo", "cpu", {"model.track": str(folder / name)}).spatializer


def _data(folder: Path, model: Trained) -> None:
    """Clips in FAIR-Play's layout, with both kinds of lists, and SOFA responses."""
    from avspatial.data.simulated.dataset import SimulatedScenes
    from avspatial.data.simulated.settings import SimulatedSettings
    from avspatial.progress import silent

    settings = SimulatedSettings(root=folder, clips=6, seconds=0.5, picture=(32, 64))
    SimulatedScenes(settings, progress=silent).prepare()
    texts = folder / "splits" / "texts"
    texts.mkdir()
    for number, part in enumerate(("train", "val", "test")):
        (texts / f"{part}.txt").write_text("".join(f"{2 * number + n + 1:06}.wav\n" for n in range(2)))
    with h5py.File(folder / "head.sofa", "w") as file:
        azimuths = np.arange(0, 360, 30.0)
        file["Data.IR"] = np.random.default_rng(0).standard_normal((12, 2, 32))
        file["Data.SamplingRate"] = np.array([48000.0])
        file["SourcePosition"] = np.stack([azimuths, 0 * azimuths, 0 * azimuths + 1], -1)


def _clips(split: str) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        settings = FairPlaySettings(root=str(folder), split=split)
        return FairPlay(settings, progress=lambda items, title: items).clips("train")

    return read


def _simulated(folder: Path) -> object:
    from avspatial.data.simulated.dataset import SimulatedScenes
    from avspatial.data.simulated.settings import SimulatedSettings
    from avspatial.progress import silent

    settings = SimulatedSettings(root=folder, clips=6, seconds=0.5, picture=(32, 64))
    return SimulatedScenes(settings, progress=silent).clips("train")


def _pairs(folder: Path, model: Trained) -> None:
    save_official(folder / "outputs", clips=2)
    names = "".join(
        f"outputs/clip{n}/predicted_binaural.wav,outputs/clip{n}/input_binaural.wav,clip {n},take {n}\n" for n in (0, 1)
    )
    (folder / "pairs.csv").write_text(f"prediction,reference,clip,recording\n{names}")
    truth = '{"rate": 20.0, "azimuth": [[30.0, 20.5]], "energy": [[0.5, 0.4]]}'
    (folder / "outputs/clip0/truth.json").write_text(truth)


def _kept(folder: Path, model: Trained) -> None:
    evaluate(save_official(folder / "outputs", clips=2), controls=["mono"], save=folder / "kept")


def _resumed(folder: Path) -> object:
    return evaluate(folder / "outputs", controls=["mono"], save=folder / "kept")


def _scored(folder: Path, model: Trained) -> None:
    values = np.random.default_rng(0).gamma(4, 0.2, 4)
    run = write_scored_run(folder / "made", "one", {"stft_distance": values, "snr": values})
    shutil.copytree(run, folder / "run")
    record = '{"event": "train", "step": 1, "epoch": 0, "terms": {"model/total": 1.5}, "waiting": 0.25}'
    (folder / "run" / "log.jsonl").write_text(f"{record}\n")


def _reported(folder: Path) -> object:
    read_scored(folder / "run")
    return write_report(Run(folder / "run"))


def _old(kind: str) -> Callable[[Path, Trained], object]:
    return lambda folder, model: shutil.copytree(OLD / kind, folder)


def _board(folder: Path, model: Trained) -> None:
    for name in ("first", "second"):
        save_official(folder / name, clips=2)
    leaderboard.build(folder, leaderboard.Choices(metrics=["snr"]), progress=lambda items, title: items)


def _verified(folder: Path) -> object:
    return leaderboard.verify(folder, progress=lambda items, title: items)


def _model_file(folder: Path, model: Trained) -> None:
    folder.mkdir()
    write_model_file(folder / "model.safetensors", model.to_model_file())


def _weights(folder: Path, model: Trained) -> None:
    folder.mkdir()
    torch.save(torch.nn.Linear(3, 4).state_dict(), folder / "weights.pth")


def _loaded_weights(folder: Path) -> None:
    path = folder / "weights.pth"
    load_exactly(torch.nn.Linear(3, 4), read_weights(path), where=path)


def _run(folder: Path, model: Trained) -> None:
    """A run that was trained: weights and pointers alone, which `load` reads."""
    from avspatial.recipe import components

    run = create_run(folder / "made", "tiny", model.resolved, model.resolved)
    used = components.components(model.recipe)
    state = checkpoints.TrainingState(step=1, best_step=1, best_total=0.5, components=used)
    checkpoints.save(run, _Holder(model.spatializer), {}, state, keep=1)
    run.path.rename(folder / "run")


class _Holder(torch.nn.Module):
    """As a trainer, as far as checkpoints are concerned."""

    def __init__(self, spatializer: Spatializer) -> None:
        super().__init__()
        self.spatializer = spatializer


def _begun(folder: Path, model: Trained) -> None:
    _train(folder, DONE)


def _continued(folder: Path) -> object:
    return _train(folder, PLANNED, resume=True)


def _train(folder: Path, steps: int, resume: bool = False) -> object:
    settings = supervised_settings(steps=steps, checkpoint_every=1)
    run, console = run_in(folder), Console(quiet=True)
    return train(trainer(settings), Scenes(), None, run, seed=0, resume=resume, devices=Devices("cpu"), console=console)


def _load(name: str) -> Callable[[Path], Spatializer]:
    return lambda folder: avspatial.load(folder / name, "cpu")


_CHECKPOINT = "checkpoints/step-000001"
_TRAINED = f"checkpoints/step-{DONE:06}"
DOCUMENTS = {
    "angle track, csv": Document("track.csv", _track, _spatializer_of_track("track.csv")),
    "angle track, WebVTT": Document("track.vtt", _track, _spatializer_of_track("track.vtt")),
    "split, text": Document("splits/texts/train.txt", _data, _clips("texts")),
    "split, HDF5": Document("splits/split1/train.h5", _data, _clips("split1")),
    "true angles of scenes": Document("scenes.jsonl", _data, _simulated),
    "settings of scenes": Document("simulated.json", _data, _simulated),
    "head responses": Document("head.sofa", _data, lambda folder: MeasuredHead(folder / "head.sofa")),
    "pairs, csv": Document("pairs.csv", _pairs, lambda folder: find_pairs(folder / "pairs.csv")),
    "true angles of a clip": Document("outputs/clip0/truth.json", _pairs, lambda folder: evaluate(folder / "outputs")),
    "model file": Document("model.safetensors", _model_file, _load("model.safetensors")),
    "published weights": Document("weights.pth", _weights, _loaded_weights),
    "weights of a run": Document(f"run/{_CHECKPOINT}/model.safetensors", _run, _load("run")),
    "state of a run": Document(f"run/{_CHECKPOINT}/state.json", _run, _load("run")),
    "pointer of a run": Document("run/checkpoints/BEST", _run, _load("run")),
    "resolved recipe of a run": Document("run/recipe.resolved.yaml", _run, _load("run")),
    "optimizer of a training": Document(f"{_TRAINED}/optimizer.safetensors", _begun, _continued),
    "state of a training": Document(f"{_TRAINED}/state.json", _begun, _continued),
    "pointer of a training": Document("checkpoints/LATEST", _begun, _continued),
    "log of a training": Document("log.jsonl", _begun, _continued),
    "scores of a run": Document("run/scores.jsonl", _scored, _reported),
    "summary of a run": Document("run/summary.json", _scored, _reported),
    "log of a run": Document("run/log.jsonl", _scored, _reported),
    "metadata of a run": Document("run/run.json", _scored, _reported),
    "resolved recipe of a scored run": Document("run/recipe.resolved.yaml", _scored, _reported),
    "scores of 0.1.0": Document("scores.jsonl", _old("run"), read_scored),
    "summary of 0.1.0": Document("summary.json", _old("run"), read_scored),
    "clips of 0.1.0": Document("clips.jsonl", _old("evaluation"), read_scored),
    "summary of an evaluation of 0.1.0": Document("summary.json", _old("evaluation"), read_scored),
    "settings of an evaluation": Document("kept/evaluation.json", _kept, _resumed),
    "scores of an evaluation": Document("kept/scores.jsonl", _kept, _resumed),
    "clips of an evaluation": Document("kept/clips.jsonl", _kept, _resumed),
    "summary of an evaluation": Document("kept/summary.json", _kept, lambda folder: read_scored(folder / "kept")),
    "leaderboard": Document("leaderboard.json", _board, _verified),
    "leaderboard of 0.1.0": Document("leaderboard.json", _old("leaderboard"), leaderboard.read),
}


def model(folder: Path, registry: Registry) -> Trained:
    return films.tiny(folder, registry)


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below a folder by its path; None for a folder."""
    paths = sorted(folder.rglob("*"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None for path in paths}


def faults(name: str, intact: Path, folder: Path, damage: Damage) -> str:
    """Read a damaged document in a copy of its folder -> what is wrong with how that went, "" if nothing."""
    document = DOCUMENTS[name]
    shutil.copytree(intact, folder, symlinks=True)
    file = folder / document.file
    content = file.read_bytes()
    file.unlink()
    damage.write(content, file)
    before = contents(folder)
    try:
        document.read(folder)
    except AvspatialError as error:
        return _faults_of_error(str(error), file, before, contents(folder))
    finally:
        shutil.rmtree(folder)
    return ""


def _faults_of_error(message: str, file: Path, before: dict[str, Any], after: dict[str, Any]) -> str:
    faults = []
    if str(file) not in message and str(file.parent) not in message:
        faults.append(f"does not name {file.name} or its folder")
    if after != before:
        changed = sorted(path for path in {*before, *after} if before.get(path, 0) != after.get(path, 0))
        faults.append(f"changed {changed}")
    return f"{' and '.join(faults)}: {message}" if faults else ""
