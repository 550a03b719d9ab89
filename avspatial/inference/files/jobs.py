"""Jobs of a call: which files it means, and where their outputs go."""

from __future__ import annotations

import glob
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avspatial.atomic import refuse_existing
from avspatial.errors import MediaError
from avspatial.folders import as_path, files_below, once
from avspatial.media.formats import FORMATS, LOSSLESS_INSTEAD
from avspatial.media.probe import LOSSLESS_SUFFIXES, OTHER_VIDEO_SUFFIXES, VIDEO_SUFFIXES
from avspatial.text import listed

OUTPUT_SUFFIX = "_binaural"
"""What an output's name ends in, before the file suffix; inputs of that name in folders are skipped."""


@dataclass(frozen=True)
class OutputOptions:
    """Where outputs go and what they hold.

    `out` is the output's name for a single input file if it has a suffix, and otherwise a folder, in which the folders
    of the inputs are kept. `video` gives a single wav or flac file its images. `keep_original` copies the original
    audio as a second track, `force` overwrites existing outputs.
    """

    out: Path | None = None
    video: Path | None = None
    keep_original: bool = False
    force: bool = False


@dataclass(frozen=True)
class Job:
    """A file to spatialize: where its audio, its images and its output are."""

    source: Path
    out: Path
    video: Path
    keep_original: bool = False

    @property
    def audio_only(self) -> bool:
        """Whether the output is an audio file; its images come from another file."""
        return _is_audio(self.source)


def find_jobs(inputs: Sequence[str | Path], output: OutputOptions) -> tuple[Job, ...]:
    """The jobs of files, folders (with everything below them) and globs, in order.

    Raises MediaError for inputs that do not exist or cannot be read, and for outputs that would be the same file;
    AvspatialError if the output of the only file that was named exists, which is skipped otherwise.
    """
    sources = dict(pair for text in inputs for pair in _find(str(as_path(text))))
    if not sources:
        raise MediaError("nothing to spatialize was given", where="inputs", fix="Name a video, a folder or a glob.")
    _check_output_options(list(sources), output)
    jobs = tuple(
        Job(
            source,
            _output(source, relative, output.out, len(sources) == 1),
            _video_of(source, output.video),
            output.keep_original,
        )
        for source, relative in sources.items()
    )
    _refuse_clashes(jobs)
    if len(inputs) == len(jobs) == 1 and as_path(inputs[0]).is_file():
        refuse_existing(jobs[0].out, output.force)
    return jobs


def _check_output_options(sources: Sequence[Path], output: OutputOptions) -> None:
    out, video = output.out, output.video
    if out is not None and out.suffix and not out.is_dir() and len(sources) > 1:
        raise MediaError(f"one file cannot hold {len(sources)} outputs", where=out, fix="Give a folder with -o DIR.")
    if video is not None and (len(sources) != 1 or not _is_audio(sources[0])):
        raise MediaError("--video gives images to one wav or flac file", where=video, fix="Give that file as input.")
    if output.keep_original and any(map(_is_audio, sources)):
        raise MediaError(
            "--keep-original adds a track to a video; an audio file holds one",
            where=out or "input",
            fix="Omit it: the input is not changed.",
        )


def _find(text: str) -> list[tuple[Path, Path]]:
    """The files that an input means, each with its path relative to the folder that was given."""
    path = Path(text)
    if path.is_dir():
        videos = files_below(path, lambda file: _wanted(file) or file.suffix.lower() in OTHER_VIDEO_SUFFIXES)
        files = [file for file in videos if _wanted(file)]
        _note_others(path, [file for file in videos if file.suffix.lower() in OTHER_VIDEO_SUFFIXES])
        if not files:
            raise MediaError(f"holds no video to spatialize ({', '.join(VIDEO_SUFFIXES)})", where=path)
        return [(file, file.relative_to(path)) for file in files]
    if path.exists():
        return [(_check_suffix(path), Path(path.name))]
    files = once(map(Path, glob.glob(text, recursive=True)))  # noqa: PTH207 - a pattern may be absolute
    if not any(file.exists() for file in files):
        raise MediaError("no such file or folder", where=text)
    suffixes = VIDEO_SUFFIXES + (LOSSLESS_SUFFIXES if _is_audio(path) else ())
    wanted = [file for file in files if _wanted(file, suffixes)]
    if not wanted:
        raise MediaError(f"matches no video to spatialize ({', '.join(VIDEO_SUFFIXES)})", where=text)
    return [(file, Path(file.name)) for file in wanted]


def _note_others(folder: Path, others: Sequence[Path]) -> None:
    """Name the videos of a folder whose containers cannot be written."""
    if others:
        names, kinds = listed([str(file.relative_to(folder)) for file in others]), ", ".join(VIDEO_SUFFIXES)
        print(f"note: {folder}: left out: {names}; only {kinds} are spatialized", file=sys.stderr)


def _is_audio(path: Path) -> bool:
    return path.suffix.lower() in LOSSLESS_SUFFIXES


def _wanted(file: Path, suffixes: Sequence[str] = VIDEO_SUFFIXES) -> bool:
    return file.suffix.lower() in suffixes and not file.stem.endswith(OUTPUT_SUFFIX) and file.is_file()


def _check_suffix(path: Path) -> Path:
    if path.suffix.lower() not in VIDEO_SUFFIXES + LOSSLESS_SUFFIXES:
        raise MediaError(
            f"{path.suffix or 'a file without suffix'} is not a kind of file that can be spatialized",
            where=path,
            fix=f"Put it into one of {', '.join(VIDEO_SUFFIXES)}; audio alone into wav or flac.",
        )
    return path


def _output(source: Path, relative: Path, out: Path | None, single: bool) -> Path:
    suffix = source.suffix.lower()
    name = f"{source.stem}{OUTPUT_SUFFIX}{LOSSLESS_INSTEAD.get(suffix, suffix)}"
    if out is None:
        return source.with_name(name)
    if not (single and out.suffix and not out.is_dir()):
        return out / relative.with_name(name)
    kind, allowed = ("an audio", LOSSLESS_SUFFIXES) if _is_audio(source) else ("a video", tuple(FORMATS))
    if out.suffix.lower() not in allowed:
        raise MediaError(
            f"{kind} file cannot be written as {out.suffix}",
            where=out,
            fix=f"Give a name that ends in one of {', '.join(allowed)}, or an existing folder.",
        )
    return out


def _video_of(source: Path, video: Path | None) -> Path:
    if _is_audio(source) and video is None:
        raise MediaError("an audio file has no video", where=source, fix="Give one with --video FILE.")
    return video or source


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    sources: dict[Path, Path] = {}
    for job in jobs:
        out = job.out.resolve()
        if out in {job.source.resolve(), job.video.resolve()}:
            raise MediaError("an input cannot be its own output", where=job.out, fix="Give another name with -o.")
        if out in sources:
            fix = "Spatialize one of them in a separate call, with -o NAME."
            raise MediaError(f"{sources[out]} and {job.source} would both be written here", where=job.out, fix=fix)
        sources[out] = job.source
