"""One file, from its video and sound to the same with binaural sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import numpy as np

from avspatial.atomic import remove_stale
from avspatial.errors import MediaError
from avspatial.framing import Window
from avspatial.inference.files.dry_run import check_job
from avspatial.inference.files.jobs import Job
from avspatial.inference.files.mixdown import OutputLevel
from avspatial.inference.files.render import AudioScan, ProgressCallback, image_count, predict, scan_audio
from avspatial.inference.files.scene_cuts import SceneImages
from avspatial.inference.options import InferenceOptions, make_processor
from avspatial.interfaces import Spatializer
from avspatial.media.audio_stream import AudioReader
from avspatial.media.audio_writer import write_audio
from avspatial.media.ffmpeg import reason, refuse_cut_short
from avspatial.media.formats import container_of
from avspatial.media.frame_reader import FrameReader
from avspatial.media.remux import remux

_CANCELLED = 9.0
"""Two ears' independent sounds lose 3 dB in their mixture; a gain of more than this, dB, means that they cancel."""


@dataclass(frozen=True)
class FileResult:
    """What became of a file: its length, level, and the notes that its user should read."""

    seconds: float
    rate: int
    level: OutputLevel
    notes: tuple[str, ...] = field(default=())


def spatialize_file(
    spatializer: Spatializer, job: Job, options: InferenceOptions, advance: ProgressCallback
) -> FileResult:
    """Make `job.out`, whole or not at all. `spatializer` is in eval mode; `advance` hears how far it is.

    MediaError for a file that cannot be read, used or written, DataError for a model that cannot take mono sound.
    """
    rate = spatializer.framing.window.rate
    check_job(job, rate)
    known = scan_audio(AudioReader(job.source))
    if not job.audio_only:
        refuse_cut_short(job.source, known.start + known.seconds)
    _make_folder(job)
    remove_stale(job.out)
    with grid_of(job, spatializer.framing.window, known) as pictures, options.arithmetic(spatializer):
        walk = make_processor(spatializer, pictures, options)
        with predict(walk, AudioReader(job.source), known, rate, options.width, job.out.parent, advance) as prediction:
            left_out = write(job, prediction.blocks(AudioReader(job.source)), known)
            return FileResult(
                known.seconds, known.rate, prediction.level, notes(known, prediction.level, pictures, left_out)
            )


def _make_folder(job: Job) -> None:
    try:
        job.out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MediaError(
            f"its folder cannot be made ({reason(error)})", where=job.out, fix="Give another place with -o."
        ) from error


@contextmanager
def grid_of(job: Job, window: Window, known: AudioScan) -> Iterator[SceneImages]:
    """The pictures of a job on the model's grid, which starts with the sound; decoded as they are asked for."""
    count = image_count(known.seconds, window.fps)
    # The sound of a file of its own begins with the pictures.
    origin = known.start if job.video == job.source else None
    with closing(FrameReader(job.video).on_grid(window.fps, window.picture, count, origin)) as pictures:
        yield SceneImages(pictures, count)


def write(job: Job, blocks: Iterator[np.ndarray], known: AudioScan) -> tuple[str, ...]:
    """Write the output; what of the input was left out."""
    if job.audio_only:
        write_audio(job.out, blocks, known.rate, known.samples)
        return ()
    kind = container_of(job.out, known.rate)
    return remux(job.source, job.out, kind, blocks, known.rate, known.start, keep_original=job.keep_original)


def notes(known: AudioScan, level: OutputLevel, pictures: SceneImages, left_out: tuple[str, ...]) -> tuple[str, ...]:
    """What a listener should know about the result."""
    said = []
    if known.channels == 2:
        said.append("the input is stereo: its own left and right were mixed, and the result is made from the mixture")
        if level.loudness_before is not None and level.loudness_after is None:
            said.append("what its left and right share is too quiet to have a loudness: they nearly cancel each other")
        elif level.gain > _CANCELLED:
            lifted = f"what they share was lifted by {level.gain:.0f} dB"
            said.append(f"its left and right nearly cancel each other: {lifted}")
    if known.gaps:
        said.append(f"{known.gaps / known.rate:.2f} s of silence fill holes in the sound's time stamps")
    if pictures.still:
        said.append("the picture does not move: directions are guessed from a single picture")
    if pictures.cuts:
        cuts = f"{len(pictures.cuts)} scene cut{'s' if len(pictures.cuts) > 1 else ''}"
        said.append(f"{cuts}: no window mixes pictures of two scenes")
    if left_out:
        said.append(f"left out: {', '.join(left_out)}")
    return tuple(said)
