"""Checks of a job before anything is computed: formats, disk space, time and memory."""

from __future__ import annotations

import math
import resource
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from avspatial.errors import MediaError
from avspatial.inference.files.jobs import Job
from avspatial.inference.options import InferenceOptions, make_processor
from avspatial.inference.visual_features import ClipImages
from avspatial.interfaces import Spatializer
from avspatial.media.audio_meters import refuse_channels
from avspatial.media.audio_track import AudioStreamInfo
from avspatial.media.edit_list import check_edit_list
from avspatial.media.ffmpeg import open_media, video_stream
from avspatial.media.formats import check_video, output_format
from avspatial.media.probe import MediaInfo, VideoStreamInfo, media_info

_WINDOWS = 16
"""Windows that a benchmark computes: enough to keep the device busy, few enough to be quick."""


@dataclass(frozen=True)
class JobPlan:
    """A job's formats in words, its length in seconds and rate in Hz according to the headers, and the bytes of the
    output (at most) and of the temporary file."""

    video: str
    audio: str
    seconds: float
    rate: int
    output_bytes: int
    temporary_bytes: int

    @property
    def text(self) -> str:
        return f"{self.seconds:.1f} s; {self.video}; {self.audio}"


def check_job(job: Job, model_rate: int) -> JobPlan:
    """Plan a job by the headers alone.

    Raises MediaError if it cannot succeed: no audio, no video, more than two channels, an output format that cannot
    hold them, or too little disk space.
    """
    info = media_info(job.source)
    if info.audio is None:
        raise MediaError("has no audio stream", where=job.source)
    refuse_channels(info.audio.channels, job.source)
    with open_media(job.video) as container:
        video_stream(container, job.video)
    samples = math.ceil(info.audio.seconds * info.audio.rate)
    copied = 0 if job.audio_only else job.source.stat().st_size
    source = f"{info.audio.codec} at {info.audio.rate} Hz, {info.audio.layout}"
    plan = JobPlan(
        _describe_video(job, info),
        f"{source} to {_describe_output(job, info.audio)}, stereo",
        info.audio.seconds,
        info.audio.rate,
        copied + 6 * samples,
        math.ceil(4 * info.audio.seconds * model_rate),
    )
    _check_space(job.out, plan)
    return plan


def _describe_video(job: Job, info: MediaInfo) -> str:
    if job.audio_only:
        return f"images from {job.video}"
    assert isinstance(info.video, VideoStreamInfo)
    return f"{info.video.codec} video of {info.video.width}x{info.video.height}, copied"


def _describe_output(job: Job, audio: AudioStreamInfo) -> str:
    """The output's audio; checks that its format holds that and the video."""
    if job.audio_only:
        return f"{job.out.suffix.lower().removeprefix('.')}, 24 bit"
    target = output_format(job.out, audio.rate)
    check_video(job.source, job.out, target)
    check_edit_list(job.source, job.out, target)
    return target.description


def _check_space(out: Path, plan: JobPlan) -> None:
    existing = next(folder for folder in (out.absolute().parent, *out.absolute().parents) if folder.exists())
    disk, needed = shutil.disk_usage(existing), plan.output_bytes + plan.temporary_bytes
    if not disk.total:
        raise MediaError(f"{existing} is no place for files", where=out, fix="Give another folder with -o.")
    if disk.free < needed:
        raise MediaError(
            f"needs {needed / 1e9:.2f} GB, a temporary file included, and {disk.free / 1e9:.2f} GB are free",
            where=out,
            fix="Free space there, or give another folder with -o.",
        )


@dataclass(frozen=True)
class Benchmark:
    """Speed of the model on this device, in seconds of audio per second (without decoding of video), and the peak
    memory of the program, in bytes."""

    real_time_factor: float
    memory: int


def benchmark(spatializer: Spatializer, options: InferenceOptions) -> Benchmark:
    """Run the model briefly on noise. Memory does not depend on the length of the audio, so this measures it."""
    framing = spatializer.framing
    samples = framing.samples + round(_WINDOWS * options.inference.hop * framing.window.rate)
    count = math.ceil(samples / framing.window.rate * framing.window.fps) + 1
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (count, *framing.window.picture, 3), dtype=np.uint8)
    noise = torch.from_numpy(random.normal(0, 0.1, (1, samples)).astype(np.float32))
    took = 0.0
    for length in (framing.samples, samples):  # the first one warms up
        processor = make_processor(spatializer, ClipImages(images), options)
        begin = time.monotonic()
        with options.arithmetic(spatializer):
            processor.push(noise[:, :length])
            processor.finish()
        took = time.monotonic() - begin
    return Benchmark(_WINDOWS * options.inference.hop / took, _peak_memory(spatializer))


def _peak_memory(spatializer: Spatializer) -> int:
    device = spatializer.mixture_rms.device
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
