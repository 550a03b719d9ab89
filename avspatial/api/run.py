"""One execution of a recipe, from data to report: `avspatial.run`.

The stages of a run, in this order: check and build what the recipe names; make the data ready; make the run
directory; train; spatialize the test clips as seen, blank and mirrored; score the saved sounds; write the report.
A run directory appears when training can begin, so no mistake in a recipe or in the data leaves one behind. Each
stage keeps what it finished: a run that was killed goes on where it was (`resume`).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from avspatial.api.load import load_best
from avspatial.data.clip_cache import ClipStore, Recording
from avspatial.data.windows import TrainingWindows
from avspatial.errors import DataError, Interrupted, RunError
from avspatial.evaluation.scoring.clip_scores import NamedMetric, build_metrics
from avspatial.evaluation.scoring.summary import evaluate_run
from avspatial.inference.overlap_add import VisualCondition, spatialize
from avspatial.interfaces import Clip, Convention, Dataset, Progress, Trainer
from avspatial.media.video import frame_aspect
from avspatial.metrics import conventions
from avspatial.progress import show_on_stderr, silent
from avspatial.recipe import Loaded, components, load_recipe
from avspatial.recipe.catalogue import locate
from avspatial.recipe.layers import Override, Overrides, override_list
from avspatial.recipe.schema import Recipe
from avspatial.registry import Registry, discover
from avspatial.report.run.page import write_report
from avspatial.runs import Run, create_run, digest8, open_run
from avspatial.runs.outputs import save_outputs, save_prediction
from avspatial.runs.provenance import provenance
from avspatial.training.checkpoints import keep_as_built
from avspatial.training.devices import Devices
from avspatial.training.loop import train

PARTS = ("train", "val", "test")
_NOTHING = (
    "Give a recipe, such as sagm_demo (`avspatial recipes list` lists the shipped ones), or a run to go on with "
    "(--resume RUN)."
)
CONTROLS: Mapping[str, VisualCondition] = {"blank_picture": "blank", "mirrored_picture": "mirrored"}
"""The control rows that the model makes, and what it is shown for them."""
_HELD_OUT_WINDOWS = 4
"""Fixed windows of each val clip: enough that the best checkpoint is no accident of where a window fell."""


@dataclass(frozen=True)
class Finished:
    """A finished run: its directory, and what its summary.json says (empty in all processes but the first).

    `was_finished`: it was asked to be resumed, and there was nothing left to do.
    """

    run: Run
    summary: Mapping[str, Any]
    was_finished: bool = False

    @property
    def path(self) -> Path:
        return self.run.path


def run(
    recipe: str | Path | None = None,
    *,
    set: Overrides = (),
    runs: str | Path = "runs",
    name: str | None = None,
    resume: str | Path | None = None,
    device: str | None = None,
    smoke: bool = False,
    progress: Progress = show_on_stderr,
    **overrides: Any,
) -> Finished:
    """Run a recipe, or go on with a run that was stopped, and return what it left.

    recipe: a file, or the name of a shipped recipe. set: overrides by dotted key, {"trainer.steps": 3} or
    ["trainer.steps=3"]; `overrides` are the same by top-level key (`seed=1, trainer={"steps": 3}`). runs: where run
    directories go. name: instead of the recipe's. resume: the directory of a run to go on with; a recipe given beside
    it must be that run's. device: a torch device; by default a GPU where there is one. smoke: merge the recipe's
    smoke overrides.

    Raises AvspatialError for everything that the caller can mend; a clip that cannot be spatialized or scored is
    counted in the summary's `failed` instead.
    """
    registry = discover()
    devices = Devices(device)
    if devices.main:
        registry.report_failures()
    shown = progress if devices.main else silent
    changes = [*override_list(set), *override_list(overrides), *([("name", name)] if name else [])]
    if resume is not None:
        stopped = open_run(resume)
        loaded = _of_run(stopped, recipe, changes, smoke, registry)
        if stopped.finished:
            return Finished(stopped, json.loads(stopped.summary.read_text(encoding="utf-8")), was_finished=True)
        return _Work.begin(loaded.recipe, registry, devices, shown).run(stopped, resume=True)
    if recipe is None:
        raise RunError("there is nothing to run", fix=_NOTHING)
    file = locate(recipe)
    loaded = load_recipe(file, registry, changes, smoke=smoke)
    _refuse_unwritable(Path(runs))
    work = _Work.begin(loaded.recipe, registry, devices, shown)
    return work.run(_make_run(Path(runs), loaded, file.read_text(encoding="utf-8"), work), resume=False)


def _of_run(run: Run, recipe: str | Path | None, changes: list[Override], smoke: bool, registry: Registry) -> Loaded:
    """The recipe that a run was started with; RunError if another one is given beside it."""
    fix = "Resume with `--resume` alone, or start a new run without it."
    if recipe is None and (changes or smoke):
        raise RunError("a run goes on with the recipe it was started with, unchanged", where=run.path, fix=fix)
    if recipe is not None:
        given = digest8(load_recipe(locate(recipe), registry, changes, smoke=smoke).resolved)
        if given != run.metadata["digest"]:
            raise RunError(f"the recipe given is another one ({given}) than this run's", where=run.path, fix=fix)
    return load_recipe(run.resolved, registry)


def _refuse_unwritable(runs: Path) -> None:
    """Say now, not after an hour of making data, that no run directory can be made."""
    there = next(folder for folder in (runs.absolute(), *runs.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "permission denied" if there.is_dir() else f"{there} is a file"
        raise RunError(
            f"no run can be made here: {why}", where=runs, fix="Give a folder that can be written with `--runs DIR`."
        )


def _make_run(runs: Path, loaded: Loaded, original: str, work: _Work) -> Run:
    """The new run directory, made by the first process and known to all."""
    path = ""
    if work.devices.main:
        facts = provenance(work.registry.plugins, device=str(work.devices.device), data=work.dataset.fingerprint())
        facts["companions"] = {name: each.fingerprint for name, each in work.auxiliary.items()}
        facts["clips"] = {part: len(clips) for part, clips in work.clips.items()}
        path = str(create_run(runs, loaded.recipe.name, loaded.resolved, original, facts).path)
    return Run(Path(work.devices.share(path)))


@contextmanager
def _interruptible(run: Run) -> Iterator[None]:
    """Ctrl-C outside training, which has its own way: say how to go on."""
    try:
        yield
    except KeyboardInterrupt as error:
        fix = f"Go on with: avspatial run --resume {run.path}"
        raise Interrupted("interrupted; what is finished is saved", where=run.path, fix=fix) from error


@dataclass(frozen=True)
class AuxiliaryData:
    """A further data set, which the trainer's settings name: its training clips, decoded, and its fingerprint."""

    recordings: Sequence[Recording]
    fingerprint: str

    @classmethod
    def ready(cls, dataset: Dataset, store: ClipStore, recipe: Recipe) -> AuxiliaryData:
        clips = dataset.clips("train")[: recipe.limit]
        store.prepare(clips)
        return cls([store.load(clip) for clip in clips], dataset.fingerprint())

    def windows(self, name: str, recipe: Recipe) -> TrainingWindows:
        """Its windows, in an order of their own: a seed like the recipe's would tie it to that of the recipe's data."""
        seed = recipe.seed + zlib.crc32(name.encode())
        return TrainingWindows(self.recordings, recipe.framing, seed, recipe.trainer.settings.augmentation)


def _refuse_mono(clips: Mapping[str, Sequence[Clip]]) -> None:
    mono = [clip for part in clips.values() for clip in part if clip.mono]
    if mono:
        raise DataError(
            f"clip {mono[0].id} is mono: there are no sides in it to learn or to score",
            where="data",
            fix="Take a stereo data set; one of mono clips is for the settings of a trainer that names it.",
        )


@dataclass(frozen=True)
class _Work:
    """What a recipe becomes before a run directory exists: networks, metrics, and data made ready."""

    recipe: Recipe
    registry: Registry
    devices: Devices
    progress: Progress
    trainer: Trainer
    metrics: Sequence[NamedMetric]
    convention: Convention
    dataset: Dataset
    clips: Mapping[str, Sequence[Clip]]
    store: ClipStore
    train_recordings: Sequence[Recording] = field(repr=False)
    auxiliary: Mapping[str, AuxiliaryData] = field(repr=False)

    @classmethod
    def begin(cls, recipe: Recipe, registry: Registry, devices: Devices, progress: Progress) -> _Work:
        """Build first, then make the data: a network that cannot be built is told before anything is rendered."""
        dataset: Dataset = registry.build(recipe.data, progress=progress)
        further = {
            name: registry.build(s, progress=progress) for name, s in components.auxiliary_datasets(recipe).items()
        }
        convention = conventions.get(recipe.convention)
        metrics = build_metrics(recipe.metrics, convention, registry)
        torch.manual_seed(recipe.seed)
        spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
        trainer = registry.build(recipe.trainer, spatializer=spatializer, builder=registry)
        for each in (dataset, *further.values()):
            each.prepare()
        clips = {part: dataset.clips(part)[: recipe.limit] for part in PARTS}
        _refuse_mono(clips)
        store = ClipStore(recipe.window, progress)
        augmentation = recipe.trainer.settings.augmentation
        train_recordings: list[Recording] = []
        auxiliary: dict[str, AuxiliaryData] = {}
        if spatializer.trainable:
            larger = ClipStore(recipe.window, progress, image_size=augmentation.store)
            larger.prepare(clips["train"])
            train_recordings = [larger.load(clip) for clip in clips["train"]]
            auxiliary = {name: AuxiliaryData.ready(each, larger, recipe) for name, each in further.items()}
        store.prepare([*(clips["val"] if spatializer.trainable else ()), *clips["test"]])
        made = (trainer, metrics, convention, dataset, clips, store, train_recordings, auxiliary)
        return cls(recipe, registry, devices, progress, *made)

    def run(self, run: Run, *, resume: bool) -> Finished:
        """The stages that write into the run directory."""
        with _interruptible(run):
            self._train(run, resume)
            return Finished(run, self._judge(run) if self.devices.main else {})

    def _judge(self, run: Run) -> Mapping[str, Any]:
        """What follows training, in the first process alone: outputs, scores, report; the summary."""
        with self._stage(run, "spatialize"):
            failures = self._spatialize(run)
        with self._stage(run, "score"):
            test = self.clips["test"]
            summary = evaluate_run(run, test, self.metrics, self.convention, self.progress, failures)
        with self._stage(run, "report"):
            write_report(run)
        run.finish()
        return summary

    @contextmanager
    def _stage(self, run: Run, stage: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        record = {"event": "run", "stage": stage, "seconds": round(time.monotonic() - start, 3)}
        run.record(record)
        self.registry.observe(str(run.path), record)

    def _train(self, run: Run, resume: bool) -> None:
        """Train, or finish training; afterwards the spatializer has its best weights."""
        if not self.trainer.spatializer.trainable:
            self._keep_as_built(run)
            return
        framing, seed, settings = self.recipe.framing, self.recipe.seed, self.recipe.trainer.settings
        train_windows = TrainingWindows(self.train_recordings, framing, seed, settings.augmentation)
        held_out = [self.store.load(clip) for clip in self.clips["val"]]
        # At the level of training, as inference will be: not at one taken from the held-out answers.
        level = train_windows.mixture_rms
        train(
            self.trainer,
            train_windows,
            TrainingWindows(held_out, framing, seed, fixed=True, per_clip=_HELD_OUT_WINDOWS, mixture_rms=level),
            settings,
            run,
            seed=seed,
            auxiliary={name: each.windows(name, self.recipe) for name, each in self.auxiliary.items()},
            device=str(self.devices.device),
            resume=resume,
            components=components.components(self.recipe),
            observe=lambda record: self.registry.observe(str(run.path), record),
        )
        if self.devices.main:
            load_best(run, self.trainer.spatializer, self.recipe)

    def _keep_as_built(self, run: Run) -> None:
        if not self.devices.main:
            return
        print(f"{self.recipe.model.id} has no parameters to train; training is skipped.", file=sys.stderr)
        keep_as_built(self.trainer, run, components.components(self.recipe))
        load_best(run, self.trainer.spatializer, self.recipe)

    def _spatialize(self, run: Run) -> dict[str, str]:
        """Save every test clip as seen and as the controls, skipping what is there; {clip id: why it failed}."""
        for folder in (run.outputs, run.controls):
            for leftover in folder.rglob(".*.part"):
                shutil.rmtree(leftover)
        failures = {}
        for clip in self.progress(self.clips["test"], "Spatializing clips"):
            recording = self.store.load(clip)
            try:
                self._spatialize_clip(run, recording)
            except (RuntimeError, ValueError, ArithmeticError) as error:
                # One clip must not end the run; it is counted as failed in every row.
                failures[clip.id] = f"{type(error).__name__}: {error}"
        return failures

    def _spatialize_clip(self, run: Run, recording: Recording) -> None:
        clip, rate = recording.clip, self.recipe.window.rate
        for row, condition in CONTROLS.items():
            folder = run.controls / row / clip.id
            if not folder.is_dir():
                save_prediction(folder, self._predict(recording, condition), rate)
        folder = run.outputs / clip.id
        if not folder.is_dir():
            picture = recording.images[len(recording.images) // 2]
            aspect = frame_aspect(clip.video, clip.frames_fps)
            save_outputs(folder, self._predict(recording, "normal"), recording.audio, rate, picture, clip.truth, aspect)

    def _predict(self, recording: Recording, condition: VisualCondition) -> Any:
        inference, spatializer = self.recipe.inference, self.trainer.spatializer
        return spatialize(spatializer, recording.audio, recording.images, inference, condition=condition).numpy()
