"""Which files a call means, and where their outputs go."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from avspatial.errors import MediaError
from avspatial.media.formats import CONTAINERS, LOSSLESS_INSTEAD
from avspatial.media.probe import LOSSLESS_SUFFIXES, VIDEO_SUFFIXES

MARK = "_binaural"
"""What an output's name ends in, before the suffix; inputs of that name are not looked for in folders."""


@dataclass(frozen=True)
class Job:
    """A file to spatialize: where its sound, its pictures and its output are."""

    source: Path
    out: Path
    video: Path
    keep_original: bool = False

    @property
    def audio_only(self) -> bool:
        """Whether a sound file is made, its pictures coming from elsewhere."""
        return self.source.suffix.lower() in LOSSLESS_SUFFIXES


@dataclass(frozen=True)
class Jobs:
    """The jobs in order. `named`: a single file was named, so that an output that exists is a mistake, not a rest."""

    jobs: tuple[Job, ...]
    named: bool


def find_jobs(
    inputs: Sequence[str | Path], out: Path | None = None, video: Path | None = None, keep_original: bool = False
) -> Jobs:
    """The jobs of files, folders (with those in them) and globs.

    `out` is the output's name for a single input file if it has a suffix, and otherwise a folder, in which the
    folders of the inputs are kept. `video` gives a single wav or flac file its pictures. MediaError for what is not
    there, of a kind that cannot be read, or would be written to one place.
    """
    found = [pair for given in inputs for pair in _found(str(given))]
    sources = dict(found)
    if not sources:
        raise MediaError("nothing to spatialize was given", where="inputs", fix="Name a video, a folder or a glob.")
    named = len(inputs) == 1 and len(sources) == 1 and Path(inputs[0]).is_file()
    if out is not None and out.suffix and not out.is_dir() and len(sources) > 1:
        raise MediaError(f"one file cannot hold {len(sources)} outputs", where=out, fix="Give a folder with -o DIR.")
    if video is not None and (len(sources) != 1 or next(iter(sources)).suffix.lower() not in LOSSLESS_SUFFIXES):
        raise MediaError("--video gives pictures to one wav or flac file", where=video, fix="Give that file as input.")
    if keep_original and any(source.suffix.lower() in LOSSLESS_SUFFIXES for source in sources):
        fix = "Leave it away: the input stays as it is."
        raise MediaError(
            "--keep-original adds a track to a video; a sound file holds one", where=out or "input", fix=fix
        )
    jobs = tuple(
        Job(source, _output(source, below, out, len(sources) == 1), _pictures(source, video), keep_original)
        for source, below in sources.items()
    )
    _refuse_clashes(jobs)
    return Jobs(jobs, named)


def _found(given: str) -> list[tuple[Path, Path]]:
    """The files that an input means, each with its place below the folder that was given."""
    path = Path(given)
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if _wanted(file) and not _hidden(file.relative_to(path)))
        if not files:
            kinds = ", ".join(VIDEO_SUFFIXES)
            raise MediaError(f"holds no video to spatialize ({kinds})", where=path)
        return [(file, file.relative_to(path)) for file in files]
    if path.exists():
        return [(_known_kind(path), Path(path.name))]
    files = sorted(map(Path, glob.glob(given, recursive=True)))  # noqa: PTH207 - a pattern may be absolute
    if not any(file.exists() for file in files):
        raise MediaError("no such file or folder", where=given)
    with_sounds = VIDEO_SUFFIXES + (LOSSLESS_SUFFIXES if path.suffix.lower() in LOSSLESS_SUFFIXES else ())
    wanted = [file for file in files if _wanted(file, with_sounds)]
    if not wanted:
        raise MediaError(f"matches no video to spatialize ({', '.join(VIDEO_SUFFIXES)})", where=given)
    return [(file, Path(file.name)) for file in wanted]


def _wanted(file: Path, kinds: Sequence[str] = VIDEO_SUFFIXES) -> bool:
    return file.suffix.lower() in kinds and not file.stem.endswith(MARK) and file.is_file()


def _hidden(below: Path) -> bool:
    return any(part.startswith(".") for part in below.parts)


def _known_kind(path: Path) -> Path:
    if path.suffix.lower() not in VIDEO_SUFFIXES + LOSSLESS_SUFFIXES:
        raise MediaError(
            f"{path.suffix or 'a file without suffix'} is not a kind of file that can be spatialized",
            where=path,
            fix=f"Put it into one of {', '.join(VIDEO_SUFFIXES)}; sound alone into wav or flac.",
        )
    return path


def _output(source: Path, below: Path, out: Path | None, single: bool) -> Path:
    suffix = source.suffix.lower()
    name = f"{source.stem}{MARK}{LOSSLESS_INSTEAD.get(suffix, suffix)}"
    if out is None:
        return source.with_name(name)
    if not (single and out.suffix and not out.is_dir()):
        return out / below.with_name(name)
    allowed = LOSSLESS_SUFFIXES if suffix in LOSSLESS_SUFFIXES else tuple(CONTAINERS)
    if out.suffix.lower() not in allowed:
        kind = "sound" if suffix in LOSSLESS_SUFFIXES else "video"
        raise MediaError(
            f"a {kind} file cannot be written as {out.suffix}",
            where=out,
            fix=f"Give a name that ends in one of {', '.join(allowed)}, or a folder that is there.",
        )
    return out


def _pictures(source: Path, video: Path | None) -> Path:
    if source.suffix.lower() in LOSSLESS_SUFFIXES and video is None:
        raise MediaError(
            "sound alone: there are no pictures to go by", where=source, fix="Give them with --video FILE."
        )
    return video or source


def _refuse_clashes(jobs: Sequence[Job]) -> None:
    taken: dict[Path, Path] = {}
    for job in jobs:
        place = job.out.resolve()
        if place in {job.source.resolve(), job.video.resolve()}:
            raise MediaError("an input cannot be its own output", where=job.out, fix="Give another name with -o.")
        if place in taken:
            fix = "Spatialize one of them by a call of its own, with -o NAME."
            raise MediaError(f"{taken[place]} and {job.source} would both be written here", where=job.out, fix=fix)
        taken[place] = job.source
