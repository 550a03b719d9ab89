"""Spatializing one file: from a video and its audio to the same with binaural audio."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np

from avspatial.atomic import remove_stale
from avspatial.errors import MediaError, reason
from avspatial.inference.files.dry_run import check_job
from avspatial.inference.files.jobs import Job
from avspatial.inference.files.mixdown import OutputLevel
from avspatial.inference.files.render import AudioScan, ProgressCallback, predict, scan_audio
from avspatial.inference.files.scene_cuts import SceneImages
from avspatial.inference.options import InferenceOptions, make_processor
from avspatial.interfaces import Spatializer
from avspatial.media.audio_file import audio_tags
from avspatial.media.audio_stream import AudioReader
from avspatial.media.audio_writer import write_audio
from avspatial.media.formats import output_format
from avspatial.media.frame_grid import image_count
from avspatial.media.frame_reader import read_on_grid
from avspatial.media.remux import remux
from avspatial.media.stream_marks import lost_marks
from avspatial.text import listed

_CANCELLED = 9.0
"""Independent signals at the two ears lose 3 dB in their mixture; a gain above this, dB, means that they cancel."""


@dataclass(frozen=True)
class FileResult:
    """A finished file: its length in seconds, rate in Hz, level, and notes for the user."""

    seconds: float
    rate: int
    level: OutputLevel
    notes: tuple[str, ...] = field(default=())


def spatialize_file(
    spatializer: Spatializer, job: Job, options: InferenceOptions, advance: ProgressCallback
) -> FileResult:
    """Write `job.out`, completely or not at all; `spatializer` is in eval mode.

    Raises MediaError for a file that cannot be read, used or written, and DataError if the model cannot take mono
    audio.
    """
    window = spatializer.framing.window
    check_job(job, window.rate)
    scan = scan_audio(AudioReader(job.source))
    _make_folder(job)
    remove_stale(job.out)
    count = image_count(scan.seconds, window.fps)
    # An audio file begins with the first frame of its video.
    origin = scan.start if job.video == job.source else None
    grid_images = read_on_grid(job.video, window.fps, window.picture, count, origin)
    with closing(grid_images), options.arithmetic(spatializer):
        images = SceneImages(grid_images, count)
        processor = make_processor(spatializer, images, options)
        audio = AudioReader(job.source, scan.clock)
        with predict(processor, audio, scan, window.rate, options.width, job.out.parent, advance) as prediction:
            stream_notes = _write_output(job, prediction.blocks(AudioReader(job.source, scan.clock)), scan)
            lost = lost_marks(job.source, job.out)
            stream_notes += (f"not kept: {', '.join(lost)}",) if lost else ()
            notes = (*_notes(scan, prediction.level, images), *stream_notes)
            return FileResult(scan.seconds, scan.rate, prediction.level, notes)


def _make_folder(job: Job) -> None:
    try:
        job.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"its folder cannot be created ({reason(error)})", where=job.out, fix="Give another place with -o."
        ) from error


def _write_output(job: Job, blocks: Iterator[np.ndarray], scan: AudioScan) -> tuple[str, ...]:
    """Write the output and return notes on the streams of the input."""
    if job.audio_only:
        write_audio(job.out, blocks, scan.rate, scan.samples, audio_tags(job.source))
        return ()
    target = output_format(job.out, scan.rate)
    return remux(job.source, job.out, target, blocks, scan.rate, scan.start, keep_original=job.keep_original)


def _notes(scan: AudioScan, level: OutputLevel, images: SceneImages) -> list[str]:
    notes = []
    if scan.channels == 2:
        notes.append("the input is stereo: its own left and right were mixed, and the result is made from the mixture")
        if level.loudness_before is not None and level.loudness_after is None:
            notes.append("what its left and right share is too quiet to have a loudness: they nearly cancel each other")
        elif level.gain > _CANCELLED:
            lifted = f"what they share was lifted by {level.gain:.0f} dB"
            notes.append(f"its left and right nearly cancel each other: {lifted}")
    if scan.gaps:
        notes.append(f"{scan.gaps / scan.rate:.2f} s of silence fill gaps in the audio's time stamps")
    if scan.dropped:
        notes.append(f"{scan.dropped / scan.rate:.3f} s of audio were dropped where its time stamps overlap")
    if scan.restarts:
        places = listed([f"by {back:.2f} s at {at:.2f} s" for at, back in scan.restarts])
        notes.append(f"the audio's time stamps go back {places}: all of it is kept, in the order of the file")
    if scan.clock != 1:
        kind = "slow" if scan.clock > 1 else "fast"
        notes.append(f"the audio's clock is {abs(scan.clock - 1):.3%} {kind}: resampled to stay in step with the video")
    if images.still:
        notes.append("the video does not move: directions are guessed from a single image")
    if images.cuts:
        cuts = f"{len(images.cuts)} scene cut{'s' if len(images.cuts) > 1 else ''}"
        notes.append(f"{cuts}: no window mixes images of two scenes")
    return notes
