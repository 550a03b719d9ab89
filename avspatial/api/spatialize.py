"""Binaural audio for video files, `avspatial.spatialize`, and for arrays, `avspatial.spatialize_arrays`."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from numbers import Integral
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import torch

from avspatial.api.load import Trained, load_trained
from avspatial.errors import AvspatialError, Interrupted, MediaError
from avspatial.folders import as_path
from avspatial.inference.files.arrays import VideoInput, check_audio, image_source, spatialize_audio
from avspatial.inference.files.dry_run import Benchmark, JobPlan, benchmark, check_job
from avspatial.inference.files.file import FileResult, spatialize_file
from avspatial.inference.files.jobs import Job, OutputOptions, find_jobs
from avspatial.inference.options import InferenceOptions, Mode, Precision, make_processor, refuse_slow
from avspatial.inference.visual_features import ClipImages
from avspatial.media.file_errors import unwritable
from avspatial.media.probe import media_info
from avspatial.progress import ProgressDisplay, stderr_display
from avspatial.version import __version__

_LONGER = 0.05
"""Seconds by which the length that a container states may be off."""
_NO_IMAGES = ClipImages(np.zeros((1, 1, 1, 3), np.uint8))


@dataclass(frozen=True)
class Result:
    """The outcome of one file.

    Attributes:
        source: Input file.
        out: Output file.
        state: `done`, `skipped` (the output exists), `failed` or, in a dry run, `planned`.
        done: Length, rate, levels and notes of a file that is done.
        error: Why the file failed.
        took: Seconds.
        plan: What a dry run found.
    """

    source: Path
    out: Path
    state: str
    done: FileResult | None = None
    error: str = ""
    took: float = 0.0
    plan: JobPlan | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `--json` prints: loudness in LUFS, true peak in dBTP, gain in dB, change in LU."""
        facts: dict[str, Any] = {"input": str(self.source), "output": str(self.out), "state": self.state}
        if self.done is not None:
            level = self.done.level
            facts |= {"seconds": self.done.seconds, "rate": self.done.rate, **asdict(level), "change": level.change}
            facts |= {"notes": list(self.done.notes), "real_time_factor": self.done.seconds / self.took}
        if self.plan is not None:
            facts |= asdict(self.plan)
        return facts | ({"error": self.error} if self.error else {})


@dataclass(frozen=True)
class Summary:
    """The results of all files.

    Attributes:
        model: Name of the model.
        results: One result for each file, in the order of the inputs.
        benchmark: Measured speed, in a dry run only.
    """

    model: str
    results: tuple[Result, ...]
    benchmark: Benchmark | None = None

    def count(self, state: str) -> int:
        """Count the files in a state: "done", "skipped", "failed" or "planned"."""
        return sum(result.state == state for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        counts = {state: self.count(state) for state in ("done", "skipped", "failed")}
        if self.benchmark is not None:
            counts["planned"] = self.count("planned")
        measured = asdict(self.benchmark) if self.benchmark else {}
        return {"model": self.model, **counts, **measured, "files": [result.to_dict() for result in self.results]}


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
    """Write video files with binaural audio, guided by their images.

    Existing outputs are skipped. A file that fails is reported in its result, and the others continue.

    Args:
        inputs: Files, folders (all videos in them) and globs.
        model: A run directory, a file from `avspatial export`, a recipe without training, or `load_trained`'s result.
        overrides: Overrides of that recipe, `["model.azimuth=30"]`.
        out: The output file for a single input, or a folder [default: `NAME_binaural` next to the input].
        video: The video that guides a single wav or flac file.
        width_percent: Percentage of the model's difference, 0 (mono) to 150.
        device: A torch device [default: a GPU if there is one].
        precision: Arithmetic of the networks, "fp32" or "bf16".
        mode: "exact", overlapping windows, averaged; or "continuous", one long pass, faster and nearly the same.
        jobs: Number of files at once.
        force: Overwrite existing outputs.
        keep_original: Copy the original audio as a track after the new one.
        dry_run: Write nothing; the results are `planned`.
        progress: Opens the progress display.
        on_result: Called with each result as it is produced.

    Returns:
        The results of all files.

    Raises:
        AvspatialError: Invalid call, or the output of a single named file exists.
    """
    _check_numbers(width_percent, jobs)
    sources = [inputs] if isinstance(inputs, str | Path) else list(inputs)
    files = find_jobs(sources, OutputOptions(_path(out), _path(video), keep_original, force))
    trained, options = _prepare(model, device, overrides, width_percent, mode, precision)
    return _Batch(trained, options, force, dry_run, on_result).run(files, jobs, progress)


def spatialize_arrays(
    audio: np.ndarray | torch.Tensor,
    rate: int,
    frames: VideoInput,
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
    """Spatialize audio in memory, guided by video frames in memory.

    This is what `spatialize` does between reading and writing: the same networks on the same windows and images, scene
    cuts respected, the mono audio kept, so that (left + right) / 2 is the input's. The steps for files are left out:
    loudness is not matched, the true peak not limited, nothing is rounded to 24 bit, and silence gives silence.

    Args:
        audio: Mono (T,) or (1, T), or stereo (2, T), which is mixed; floating point, nominally in [-1, 1].
        rate: Sample rate of the audio, Hz.
        frames: uint8 RGB (P, H, W, 3) or any iterable of upright (H, W, 3); or a video file, whose first frame
            belongs to the start of the audio.
        model: As in `spatialize`.
        fps: Frames per second.
        times: Times of the frames in seconds from the start of the audio, ascending; instead of `fps`.
        overrides: As in `spatialize`, like the other options.
        width_percent: Percentage of the model's difference, 0 (mono) to 150.
        device: A torch device.
        precision: Arithmetic of the networks.
        mode: "exact" or "continuous".
        progress: Opens the progress display.

    Returns:
        Binaural audio (2, T) float32 at `rate` Hz.

    Raises:
        DataError: An array of another shape, type or content.
        MediaError: Frames that cannot be used.
        AvspatialError: Any other error of `spatialize`.
    """
    _check_numbers(width_percent, rate=rate)
    samples = check_audio(audio)
    trained, options = _prepare(model, device, overrides, width_percent, mode, precision)
    images = image_source(frames, fps, times, trained.recipe.window, samples.shape[1] / rate)
    with progress() as display, display("audio") as advance:
        return spatialize_audio(trained.spatializer, samples, rate, images, options, advance)


def _prepare(
    model: str | Path | Trained,
    device: str | None,
    overrides: Sequence[str],
    width_percent: float,
    mode: Mode,
    precision: Precision,
) -> tuple[Trained, InferenceOptions]:
    """Load a model and optimize it for inference; AvspatialError if the options do not fit it."""
    if isinstance(model, Trained) and (overrides or device is not None):
        fix = "Give them to load_trained."
        raise AvspatialError("a loaded model takes neither overrides nor device", where="model", fix=fix)
    texts = [overrides] if isinstance(overrides, str) else overrides
    trained = model if isinstance(model, Trained) else load_trained(model, device, texts)
    refuse_slow(precision, trained.spatializer.mixture_rms.device)
    return trained.for_inference(), InferenceOptions(trained.recipe.inference, width_percent / 100, mode, precision)


def _check_numbers(width_percent: float, jobs: int = 1, rate: int = 1) -> None:
    if not 0 <= width_percent <= 150:
        raise AvspatialError(f"the width is {width_percent:g} %; it can be 0 to 150", where="width")
    if jobs < 1:
        raise AvspatialError(f"{jobs} files at once; at least 1 is needed", where="jobs")
    if not (isinstance(rate, Integral) and rate >= 1):
        raise AvspatialError(f"the rate is {rate!r}; an integer number of Hz, at least 1, is needed", where="rate")


def _path(value: str | Path | None) -> Path | None:
    return None if value is None else as_path(value)


def _bug_report(error: Exception, job: Job) -> str:
    lines = "".join(traceback.format_exception(error)).rstrip()
    return (
        f"{job.source}: ended by a bug in avspatial {__version__}, not by an error of yours\n  Please report it on the "
        f"project's issue tracker, with the output of `avspatial doctor --json` and these lines:\n{lines}"
    )


@dataclass(frozen=True)
class _Batch:
    """Runs the jobs of one call, one after another or several at once."""

    trained: Trained
    options: InferenceOptions
    force: bool
    dry_run: bool
    on_result: Callable[[Result], None]
    stopped: Event = field(default_factory=Event)

    def run(self, jobs: Sequence[Job], at_once: int, progress: Callable[[], Any]) -> Summary:
        spatializer = self.trained.spatializer
        make_processor(spatializer, _NO_IMAGES, self.options)  # reports once, not per file, what the model cannot do
        measured = benchmark(spatializer, self.options) if self.dry_run else None
        with progress() as display:
            return Summary(self.trained.name, self._results(jobs, at_once, display), measured)

    def _results(self, jobs: Sequence[Job], at_once: int, display: ProgressDisplay) -> tuple[Result, ...]:
        if at_once <= 1 or len(jobs) == 1:
            return tuple(self._result(job, display) for job in jobs)
        with ThreadPoolExecutor(at_once) as pool:
            futures = [pool.submit(self._result, job, display) for job in jobs]
            try:
                return tuple(future.result() for future in futures)
            except BaseException:
                self.stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _result(self, job: Job, display: ProgressDisplay) -> Result:
        begin = time.monotonic()
        try:
            if job.out.exists() and not self.force:
                result = self._skip_existing(job)
            elif self.dry_run:
                result = Result(job.source, job.out, "planned", plan=check_job(job, self.trained.recipe.window.rate))
            else:
                done = self._spatialize(job, display)
                result = Result(job.source, job.out, "done", done, took=time.monotonic() - begin)
        except Interrupted:
            raise
        except AvspatialError as error:
            result = Result(job.source, job.out, "failed", error=str(error))
        except OSError as error:
            result = Result(job.source, job.out, "failed", error=str(unwritable(error.filename or job.out, error)))
        except Exception as error:
            # Unforeseen: a bug here, in a plugin or in a library. It must not end the batch.
            result = Result(job.source, job.out, "failed", error=_bug_report(error, job))
        self.on_result(result)
        return result

    def _spatialize(self, job: Job, display: ProgressDisplay) -> FileResult:
        with display(job.source.name) as show:

            def advance(done: float, total: float) -> None:
                if self.stopped.is_set():
                    raise Interrupted("interrupted; no file is half-written", where=job.out)
                show(done, total)

            with torch.inference_mode():
                return spatialize_file(self.trained.spatializer, job, self.options, advance)

    def _skip_existing(self, job: Job) -> Result:
        """Skip an output that is complete and as long as its input. Raises MediaError for a different file."""
        old, new = media_info(job.source).audio, media_info(job.out).audio
        if new is None or (old is not None and abs(old.seconds - new.seconds) > _LONGER):
            raise MediaError("exists, but is not this input's output", where=job.out, fix="Remove it, or give --force.")
        return Result(job.source, job.out, "skipped")
