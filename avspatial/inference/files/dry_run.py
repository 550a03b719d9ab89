"""What will become of a file, said before anything is computed: formats, room on the disk, time, memory."""

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
from avspatial.media.ffmpeg import opened, video_stream
from avspatial.media.formats import check_video, container_of
from avspatial.media.probe import AudioStreamInfo, MediaInfo, VideoStreamInfo, media_info

_WINDOWS = 16
"""Windows that a probe computes: enough to fill the machine, few enough to be over soon."""


@dataclass(frozen=True)
class JobPlan:
    """A job's formats in words, the length in seconds and the rate in Hz, as the headers say them; bytes of the output
    at most, and of the temporary file."""

    pictures: str
    sound: str
    seconds: float
    rate: int
    output_bytes: int
    temporary_bytes: int

    @property
    def words(self) -> str:
        return f"{self.seconds:.1f} s; {self.pictures}; {self.sound}"


def check_job(job: Job, model_rate: int) -> JobPlan:
    """MediaError, by the headers alone, for what cannot come out well: no sound, no pictures, more than two channels,
    an output that cannot hold them, or no room for it."""
    facts = media_info(job.source)
    if facts.audio is None:
        raise MediaError("has no sound: the file has no audio stream", where=job.source)
    refuse_channels(facts.audio.channels, job.source)
    with opened(job.video) as container:
        video_stream(container, job.video)
    samples = math.ceil(facts.audio.seconds * facts.audio.rate)
    copied = 0 if job.audio_only else job.source.stat().st_size
    made = JobPlan(
        _pictures(job, facts),
        f"{_heard(facts.audio)} to {_written(job, facts)}, stereo",
        facts.audio.seconds,
        facts.audio.rate,
        copied + 6 * samples,
        math.ceil(4 * facts.audio.seconds * model_rate),
    )
    _refuse_full(job.out, made)
    return made


def _pictures(job: Job, facts: MediaInfo) -> str:
    if job.audio_only:
        return f"pictures of {job.video}, looked at"
    assert isinstance(facts.video, VideoStreamInfo)
    return f"{facts.video.codec} pictures of {facts.video.width}x{facts.video.height}, copied"


def _heard(sound: AudioStreamInfo) -> str:
    return f"{sound.codec} at {sound.rate} Hz, {sound.layout}"


def _written(job: Job, facts: MediaInfo) -> str:
    """The output's sound, once it is clear that its container holds it and the pictures."""
    if job.audio_only:
        return f"{job.out.suffix.lower().removeprefix('.')}, 24 bit"
    assert facts.audio is not None
    kind = container_of(job.out, facts.audio.rate)
    check_video(job.source, job.out, kind)
    return kind.said


def _refuse_full(out: Path, made: JobPlan) -> None:
    there = next(folder for folder in (out.absolute().parent, *out.absolute().parents) if folder.exists())
    free, needed = shutil.disk_usage(there).free, made.output_bytes + made.temporary_bytes
    if free < needed:
        raise MediaError(
            f"needs {needed / 1e9:.2f} GB of room, a temporary file included, and {free / 1e9:.2f} GB are free",
            where=out,
            fix="Make room there, or give another folder with -o.",
        )


@dataclass(frozen=True)
class Benchmark:
    """How fast the model is here, in seconds of sound a second (the decoding of pictures left aside), and how much
    memory the program had at most, in bytes."""

    real_time_factor: float
    memory: int


def benchmark(spatializer: Spatializer, options: InferenceOptions) -> Benchmark:
    """Let the model work for a moment on noise. Memory does not depend on a sound's length, so this is all it needs."""
    framing = spatializer.framing
    samples = framing.samples + round(_WINDOWS * options.inference.hop * framing.window.rate)
    count = math.ceil(samples / framing.window.rate * framing.window.fps) + 1
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (count, *framing.window.picture, 3), dtype=np.uint8)
    noise = torch.from_numpy(random.normal(0, 0.1, (1, samples)).astype(np.float32))
    took = 0.0
    for length in (framing.samples, samples):  # the first one warms up
        walk = make_processor(spatializer, ClipImages(pictures), options)
        begun = time.monotonic()
        with options.arithmetic(spatializer):
            walk.push(noise[:, :length])
            walk.finish()
        took = time.monotonic() - begun
    return Benchmark(_WINDOWS * options.inference.hop / took, _peak(spatializer))


def _peak(spatializer: Spatializer) -> int:
    device = spatializer.mixture_rms.device
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
