"""Run a recipe, from data to report: `avspatial.run`.

Stages, in this order: check and build what the recipe names; prepare the data; create the run directory; train;
spatialize the test clips, normally, with blank and with mirrored images; score the saved audio; write the report.
The run directory is created when training can begin, so an error in a recipe or in the data leaves none. Each stage
keeps what it finished: a run that was killed continues where it stopped (`resume`).
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from avspatial.api.load import load_best
from avspatial.atomic import remove_unfinished
from avspatial.data.clip_cache import ClipStore, Recording
from avspatial.data.layout import PARTS
from avspatial.data.windows import TrainingWindows, refuse_random_yaw
from avspatial.errors import DataError, Interrupted, RunError
from avspatial.evaluation.scoring.clip_scores import build_metrics
from avspatial.evaluation.scoring.score_schema import Summary, read_summary
from avspatial.evaluation.scoring.summary import evaluate_run
from avspatial.folders import as_path, refuse_undecodable
from avspatial.inference.overlap_add import VisualCondition, spatialize
from avspatial.interfaces import Clip, Dataset, Progress, Trainer
from avspatial.interrupts import signal_of, stoppable
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
from avspatial.runs.claim import claim
from avspatial.runs.outputs import save_outputs, save_prediction
from avspatial.runs.provenance import provenance
from avspatial.training.checkpoints import keep_as_built
from avspatial.training.devices import Devices
from avspatial.training.loop import train

_NOTHING = (
    "Give a recipe, such as sagm_demo (`avspatial recipes list` lists the shipped ones), or a run to resume "
    "(--resume RUN)."
)
CONTROLS: Mapping[str, VisualCondition] = {"blank_picture": "blank", "mirrored_picture": "mirrored"}
"""The control conditions that the model computes, and the images that it is given for them."""
_HELD_OUT_WINDOWS = 4
"""Fixed windows of each val clip: enough that the best checkpoint does not depend on where a window falls."""


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        run: The run directory.
        summary: The content of its summary.json; None in all processes but the first.
        was_finished: Whether a run to resume was already finished.
    """

    run: Run
    summary: Summary | None
    was_finished: bool = False

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path


def run(
    recipe: str | Path | None = None,
    *,
    overrides: Overrides = (),
    runs: str | Path = "runs",
    name: str | None = None,
    resume: str | Path | None = None,
    device: str | None = None,
    smoke: bool = False,
    progress: Progress = show_on_stderr,
    **keys: Any,
) -> Finished:
    """Run a recipe, or resume a run that was stopped.

    Args:
        recipe: A file, or the name of a shipped recipe.
        overrides: Changes of the recipe by dotted key, {"trainer.steps": 3} or ["trainer.steps=3"].
        runs: Folder in which the run directory is created.
        name: Name of the run instead of the recipe's.
        resume: Directory of a run to continue. If a recipe is given too, it must be that run's.
        device: A torch device [default: a GPU if there is one].
        smoke: Merge the recipe's smoke overrides.
        progress: Shows the progress of long work.
        **keys: Changes of the recipe by top-level key, `seed=1, trainer={"steps": 3}`.

    Returns:
        The finished run.

    Raises:
        AvspatialError: An error that the caller can fix; a clip that fails is counted in the summary's `failed`.
    """
    registry = discover()
    devices = Devices(device)
    if devices.main:
        registry.report_failures()
    progress = progress if devices.main else silent
    changes = [*override_list(overrides), *override_list(keys), *([("name", name)] if name else [])]
    if resume is not None:
        stopped = open_run(resume)
        loaded = _recipe_of(stopped, recipe, changes, smoke, registry)
        if stopped.finished:
            return Finished(stopped, read_summary(stopped.summary), was_finished=True)
        with _owned(stopped, devices):
            return PreparedRun(loaded.recipe, registry, devices, progress).run(stopped, resume=True)
    if recipe is None:
        raise RunError("there is nothing to run", fix=_NOTHING)
    file = locate(recipe)
    loaded = load_recipe(file, registry, changes, smoke=smoke)
    return _start(file, loaded, as_path(runs), registry, devices, progress)


def _start(
    file: Path, loaded: Loaded, runs: Path, registry: Registry, devices: Devices, progress: Progress
) -> Finished:
    _refuse_unwritable(runs)
    prepared = PreparedRun(loaded.recipe, registry, devices, progress)
    created = _create(runs, loaded, file.read_text(encoding="utf-8"), prepared)
    with _owned(created, devices):
        return prepared.run(created, resume=False)


def _recipe_of(run: Run, recipe: str | Path | None, changes: list[Override], smoke: bool, registry: Registry) -> Loaded:
    """The recipe that a run was started with; RunError if a different one is given."""
    fix = "Resume with `--resume` alone, or start a new run without it."
    if recipe is None and (changes or smoke):
        raise RunError("a run is resumed with the recipe it was started with, unchanged", where=run.path, fix=fix)
    if recipe is not None:
        digest = digest8(load_recipe(locate(recipe), registry, changes, smoke=smoke).resolved)
        if digest != run.metadata["digest"]:
            raise RunError(f"the recipe given is another one ({digest}) than this run's", where=run.path, fix=fix)
    return load_recipe(run.resolved, registry)


def _refuse_unwritable(runs: Path) -> None:
    """RunError, before hours of preparing data, if no run directory can be created."""
    refuse_undecodable(runs)
    existing = next(folder for folder in (runs.absolute(), *runs.absolute().parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        why = "permission denied" if existing.is_dir() else f"{existing} is a file"
        raise RunError(
            f"no run can be made here: {why}", where=runs, fix="Give a folder that can be written with `--runs DIR`."
        )


def _create(runs: Path, loaded: Loaded, original: str, prepared: PreparedRun) -> Run:
    """The new run directory, created by the first process and shared with all."""
    path, devices = "", prepared.devices
    if devices.main:
        metadata = provenance(
            prepared.registry.plugins, device=str(devices.device), data=prepared.dataset.fingerprint()
        )
        metadata["companions"] = {name: data.fingerprint for name, data in prepared.auxiliary.items()}
        metadata["clips"] = {part: len(clips) for part, clips in prepared.clips.items()}
        path = str(create_run(runs, loaded.recipe.name, loaded.resolved, original, metadata).path)
    return Run(Path(devices.share(path)))


@contextmanager
def _owned(run: Run, devices: Devices) -> Iterator[None]:
    """Claim the run for the first process, and leave its state in run.json whatever ends it.

    Turns Ctrl-C outside training, which handles its own, into an error that says how to continue.
    """
    with claim(run) if devices.main else nullcontext(), _state_kept(run, devices.main), stoppable():
        yield


@contextmanager
def _state_kept(run: Run, main: bool) -> Iterator[None]:
    state = "failed"
    try:
        yield
    except KeyboardInterrupt as error:
        state = "interrupted"
        what, fix = "interrupted; what is finished is saved", f"Go on with: {run.resume_command}"
        raise Interrupted(what, where=run.path, fix=fix, number=signal_of(error)) from error
    except Interrupted:
        state = "interrupted"
        raise
    finally:
        if main and not run.finished:
            with suppress(OSError):  # a full disk has an error of its own already
                run.update_metadata(state=state)


@dataclass(frozen=True)
class AuxiliaryData:
    """A further data set that the trainer's settings name: its decoded training clips, and its fingerprint."""

    recordings: Sequence[Recording]
    fingerprint: str

    @classmethod
    def load(cls, dataset: Dataset, store: ClipStore, recipe: Recipe) -> AuxiliaryData:
        """Decode the training clips of a data set."""
        return cls(_load(store, dataset.clips("train")[: recipe.limit]), dataset.fingerprint())

    def windows(self, name: str, recipe: Recipe) -> TrainingWindows:
        """Its windows, in an order of their own: the recipe's seed would tie it to the order of the recipe's data."""
        seed = recipe.seed + zlib.crc32(name.encode())
        return TrainingWindows(self.recordings, recipe.framing, seed, recipe.trainer.settings.augmentation)


def _load(store: ClipStore, clips: Sequence[Clip]) -> list[Recording]:
    store.prepare(clips)
    return [store.load(clip) for clip in clips]


def _refuse_mono(clips: Mapping[str, Sequence[Clip]]) -> None:
    mono = [clip for part in clips.values() for clip in part if clip.mono]
    if mono:
        raise DataError(
            f"clip {mono[0].id} is mono: there are no sides in it to learn or to score",
            where="data",
            fix="Take a stereo data set; one of mono clips is for the settings of a trainer that names it.",
        )


class PreparedRun:
    """A recipe with its components built and its data prepared, before it has a run directory.

    The components come first: a network that cannot be built fails before anything is rendered.
    """

    def __init__(self, recipe: Recipe, registry: Registry, devices: Devices, progress: Progress) -> None:
        self.recipe, self.registry, self.devices, self.progress = recipe, registry, devices, progress
        self.dataset: Dataset = registry.build(recipe.data, progress=progress)
        auxiliary: dict[str, Dataset] = {
            name: registry.build(selected, progress=progress)
            for name, selected in components.auxiliary_datasets(recipe).items()
        }
        self.convention = conventions.get(recipe.convention)
        self.metrics = build_metrics(recipe.metrics, self.convention, registry)
        torch.manual_seed(recipe.seed)
        spatializer = registry.build(recipe.model, framing=recipe.framing, builder=registry)
        self.trainer: Trainer = registry.build(recipe.trainer, spatializer=spatializer, builder=registry)
        if spatializer.trainable:
            devices.check_precision(recipe.trainer.settings.precision)
        for dataset in (self.dataset, *auxiliary.values()):
            dataset.prepare()
        self.clips = {part: self.dataset.clips(part)[: recipe.limit] for part in PARTS}
        _refuse_mono(self.clips)
        refuse_random_yaw([*self.clips["val"], *self.clips["test"]])
        self.store = ClipStore(recipe.window, progress)
        train_store = ClipStore(recipe.window, progress, image_size=recipe.trainer.settings.augmentation.store)
        self.train_recordings = _load(train_store, self.clips["train"]) if spatializer.trainable else []
        self.auxiliary = {
            name: AuxiliaryData.load(dataset, train_store, recipe)
            for name, dataset in (auxiliary.items() if spatializer.trainable else ())
        }
        self.store.prepare([*(self.clips["val"] if spatializer.trainable else ()), *self.clips["test"]])

    def run(self, run: Run, *, resume: bool) -> Finished:
        """Run the stages that write into the run directory."""
        self._train(run, resume)
        return Finished(run, self._evaluate(run) if self.devices.main else None)

    def _evaluate(self, run: Run) -> Summary:
        """Outputs, scores and report, in the first process alone; the summary."""
        with self._stage(run, "spatialize"):
            failures = self._spatialize(run)
        with self._stage(run, "score"):
            clips = self.clips["test"]
            summary = evaluate_run(run, clips, self.metrics, self.convention, self.progress, failures)
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
        """Train, or finish training, and load the best weights."""
        if self.trainer.spatializer.trainable:
            self._fit(run, resume)
        elif self.devices.main:
            print(f"{self.recipe.model.id} has no parameters to train; training is skipped.", file=sys.stderr)
            keep_as_built(self.trainer, run, components.components(self.recipe))
        if self.devices.main:
            load_best(run, self.trainer.spatializer, self.recipe)

    def _fit(self, run: Run, resume: bool) -> None:
        framing, seed, settings = self.recipe.framing, self.recipe.seed, self.recipe.trainer.settings
        train_windows = TrainingWindows(self.train_recordings, framing, seed, settings.augmentation)
        held_out = [self.store.load(clip) for clip in self.clips["val"]]
        # The training set's level, as in inference: not one that is taken from the held-out references.
        level = train_windows.mixture_rms
        train(
            self.trainer,
            train_windows,
            TrainingWindows(held_out, framing, seed, fixed=True, per_clip=_HELD_OUT_WINDOWS, mixture_rms=level),
            run,
            seed=seed,
            auxiliary={name: data.windows(name, self.recipe) for name, data in self.auxiliary.items()},
            devices=self.devices,
            resume=resume,
            components=components.components(self.recipe),
            observe=lambda record: self.registry.observe(str(run.path), record),
        )

    def _spatialize(self, run: Run) -> dict[str, str]:
        """Save every test clip, and its control conditions, unless they exist; {clip id: why it failed}."""
        for folder in (run.outputs, *(run.controls / name for name in CONTROLS)):
            remove_unfinished(folder / "*")
        failures = {}
        for clip in self.progress(self.clips["test"], "Spatializing clips"):
            recording = self.store.load(clip)
            try:
                self._spatialize_clip(run, recording)
            except (RuntimeError, ValueError, ArithmeticError) as error:
                # One clip must not end the run; it is counted as failed in every condition.
                failures[clip.id] = f"{type(error).__name__}: {error}"
        return failures

    def _spatialize_clip(self, run: Run, recording: Recording) -> None:
        clip, rate = recording.clip, self.recipe.window.rate
        for name, condition in CONTROLS.items():
            folder = run.controls / name / clip.id
            if not folder.is_dir():
                save_prediction(folder, self._predict(recording, condition), rate)
        folder = run.outputs / clip.id
        if not folder.is_dir():
            image = recording.images[len(recording.images) // 2]
            # The view of a panorama has the shape that the model sees.
            aspect = frame_aspect(clip.video, clip.frames_fps) if clip.rendering is None else None
            save_outputs(folder, self._predict(recording, "normal"), recording.audio, rate, image, clip.truth, aspect)

    def _predict(self, recording: Recording, condition: VisualCondition) -> Any:
        inference, spatializer = self.recipe.inference, self.trainer.spatializer
        return spatialize(spatializer, recording.audio, recording.images, inference, condition=condition).numpy()
