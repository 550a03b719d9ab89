"""Files in, the same files with binaural sound out: `avspatial.spatialize`; and on arrays, `spatialize_arrays`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from numbers import Integral
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch

from avspatial.api.load import Trained, load_trained
from avspatial.atomic import refuse_existing
from avspatial.errors import AvspatialError, Interrupted, MediaError
from avspatial.inference.files.arrays import VideoInput, as_audio, image_source, spatialize_audio
from avspatial.inference.files.dry_run import Benchmark, JobPlan, benchmark, check_job
from avspatial.inference.files.file import FileResult, spatialize_file
from avspatial.inference.files.jobs import Job, find_jobs
from avspatial.inference.options import InferenceOptions, Mode, Precision, make_processor, refuse_slow
from avspatial.inference.visual_features import ClipImages
from avspatial.media.probe import media_info
from avspatial.progress import ProgressDisplay, stderr_display

_LONGER = 0.05
"""A container may say a length to this many seconds."""
_NO_PICTURES = ClipImages(np.zeros((1, 1, 1, 3), np.uint8))


@dataclass(frozen=True)
class Result:
    """What became of one file: `done`, `skipped` (it was there), `failed`, with the error, or, in a dry run, `planned`.
    `took` in seconds."""

    source: Path
    out: Path
    state: str
    done: FileResult | None = None
    error: str = ""
    took: float = 0.0
    plan: JobPlan | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON. Loudness in LUFS, true peak in dBTP, gain in dB, change in LU."""
        said: dict[str, Any] = {"input": str(self.source), "output": str(self.out), "state": self.state}
        if self.done is not None:
            level = self.done.level
            said |= {"seconds": self.done.seconds, "rate": self.done.rate, **asdict(level), "change": level.change}
            said |= {"notes": list(self.done.notes), "real_time_factor": self.done.seconds / self.took}
        if self.plan is not None:
            said |= asdict(self.plan)
        return said | ({"error": self.error} if self.error else {})


@dataclass(frozen=True)
class Summary:
    """What became of all files, in their order."""

    model: str
    results: tuple[Result, ...]
    probe: Benchmark | None = None

    def count(self, state: str) -> int:
        return sum(result.state == state for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        counts = {state: self.count(state) for state in ("done", "skipped", "failed")}
        if self.probe is not None:
            counts["planned"] = self.count("planned")
        probed = asdict(self.probe) if self.probe else {}
        return {"model": self.model, **counts, **probed, "files": [result.to_dict() for result in self.results]}


def spatialize(
    inputs: str | Path | Sequence[str | Path],
    model: str | Path | Trained,
    *,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    video: str | Path | None = None,
    width_percent: float = 100,
    device: str | None = None,
    precision: Precision = "fp32",
    mode: Mode = "exact",
    jobs: int = 1,
    force: bool = False,
    keep_original: bool = False,
    dry_run: bool = False,
    progress: Callable[[], Any] = stderr_display,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Summary:
    """Give video files binaural sound, guided by their pictures.

    inputs: files, folders (all videos in them) and globs. model: a run directory, a file that `avspatial export` made,
    a recipe whose model needs no training, or what `load_trained` gave. overrides: those for that recipe,
    ["model.azimuth=30"]. out: the output's name for a single file, or a folder; by default `NAME_binaural`
    beside the input. video: the pictures of a single wav or flac file. width_percent: of the model's difference, 0
    (mono) to 150. precision, mode: see `avspatial.inference.options`. jobs: files at once. force: write over what
    exists. keep_original: the old sound stays as a track after the new one. dry_run: nothing is written; results are
    `planned`.
    on_result: hears of each file as soon as it is finished.

    Outputs that exist are skipped, unless a single file was named: then that is an AvspatialError. A file that fails is
    counted, with its error, and the others go on. AvspatialError for whatever is wrong with the call itself.
    """
    _check_width(width_percent)
    if jobs < 1:
        raise AvspatialError(f"{jobs} files at once; at least 1 is needed", where="jobs")
    given = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    found = find_jobs(given, _path(out), _path(video), keep_original)
    if found.named:
        refuse_existing(found.jobs[0].out, force)
    trained = _ready(model, device, overrides, precision)
    options = InferenceOptions(trained.recipe.inference, width_percent / 100, mode, precision)
    make_processor(
        trained.spatializer, _NO_PICTURES, options
    )  # what the model cannot do is said once, not for every file
    measured = benchmark(trained.spatializer, options) if dry_run else None
    with progress() as display:
        work = _Work(trained, options, force, display, on_result, Event(), measured)
        return Summary(trained.name, work.all(found.jobs, jobs), measured)


def spatialize_arrays(
    audio: np.ndarray | torch.Tensor,
    rate: int,
    pictures: VideoInput,
    model: str | Path | Trained,
    *,
    fps: float | None = None,
    times: Iterable[float] | None = None,
    overrides: Sequence[str] = (),
    width_percent: float = 100,
    device: str | None = None,
    precision: Precision = "fp32",
    mode: Mode = "exact",
    progress: Callable[[], Any] = stderr_display,
) -> np.ndarray:
    """Give sound in memory the direction that pictures in memory show -> binaural sound (2, T) float32 at `rate` Hz.

    audio: mono (T,) or (1, T), or stereo (2, T), which is mixed; floating point, nominally in [-1, 1]. pictures: uint8
    RGB (P, H, W, 3) or any iterable of upright (H, W, 3), `fps` a second or at `times` in seconds from the sound's
    start, ascending; or a video file whose first picture is shown as the sound begins. The rest as in `spatialize`.

    It is what `spatialize` does between reading and writing: the same networks on the same windows and pictures, scene
    cuts respected, the mono sound kept, so that (left + right) / 2 is the input's. What belongs to a file is left out:
    loudness is not matched, the true peak not limited, nothing is rounded to 24 bit, and silence gives silence.
    DataError for arrays of another shape, type or content, MediaError for pictures that cannot be used, and
    AvspatialError as `spatialize` for the rest.
    """
    _check_width(width_percent)
    sound = as_audio(audio)
    if not (isinstance(rate, Integral) and rate >= 1):
        raise AvspatialError(f"the rate is {rate!r}; a whole number of Hz, at least 1, is needed", where="rate")
    trained = _ready(model, device, overrides, precision)
    options = InferenceOptions(trained.recipe.inference, width_percent / 100, mode, precision)
    shown = image_source(pictures, fps, times, trained.recipe.window, sound.shape[1] / rate)
    with progress() as display, display("sound") as advance:
        return spatialize_audio(trained.spatializer, sound, rate, shown, options, advance)


def _ready(model: str | Path | Trained, device: str | None, overrides: Sequence[str], precision: Precision) -> Trained:
    """The model that a call means, made for inference; AvspatialError for a precision that its device has not, and for
    a device or overrides that a loaded model can no longer heed."""
    if isinstance(model, Trained) and (overrides or device is not None):
        fix = "Give them to load_trained."
        raise AvspatialError("a model that is loaded takes neither overrides nor device", where="model", fix=fix)
    trained = (
        model
        if isinstance(model, Trained)
        else load_trained(model, device, [overrides] if isinstance(overrides, str) else overrides)
    )
    refuse_slow(precision, trained.spatializer.mixture_rms.device)
    return trained.for_inference()


def _check_width(width: float) -> None:
    if not 0 <= width <= 150:
        raise AvspatialError(f"the width is {width:g} %; it can be 0 to 150", where="width")


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)


@dataclass(frozen=True)
class _Work:
    """The files of one call, one after another or several at once."""

    trained: Trained
    options: InferenceOptions
    force: bool
    display: ProgressDisplay
    on_result: Callable[[Result], None]
    stopped: Event
    probe: Benchmark | None = None

    def all(self, jobs: Sequence[Job], at_once: int) -> tuple[Result, ...]:
        if at_once <= 1 or len(jobs) == 1:
            return tuple(self.one(job) for job in jobs)
        with ThreadPoolExecutor(at_once) as pool:
            waiting = [pool.submit(self.one, job) for job in jobs]
            try:
                return tuple(future.result() for future in waiting)
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def one(self, job: Job) -> Result:
        begun = time.monotonic()
        try:
            if job.out.exists() and not self.force:
                result = self._there(job)
            elif self.probe is not None:
                result = Result(job.source, job.out, "planned", plan=check_job(job, self.trained.recipe.window.rate))
            else:
                done = self._made(job)
                result = Result(job.source, job.out, "done", done, took=time.monotonic() - begun)
        except Interrupted:
            raise
        except AvspatialError as error:
            result = Result(job.source, job.out, "failed", error=str(error))
        self.on_result(result)
        return result

    def _made(self, job: Job) -> FileResult:
        with self.display(job.source.name) as show:

            def advance(done: float, total: float) -> None:
                if self.stopped.is_set():
                    raise Interrupted("interrupted; no file is half-written", where=job.out)
                show(done, total)

            with torch.inference_mode():
                return spatialize_file(self.trained.spatializer, job, self.options, advance)

    def _there(self, job: Job) -> Result:
        """Skip an output that is whole and as long as its input; MediaError for another."""
        old, new = media_info(job.source).audio, media_info(job.out).audio
        if new is None or (old is not None and abs(old.seconds - new.seconds) > _LONGER):
            raise MediaError("exists, but is not this input's output", where=job.out, fix="Remove it, or give --force.")
        return Result(job.source, job.out, "skipped")
