"""Incremental, resumable storage of an evaluation.

`scores.jsonl`    every score, a line each
`clips.jsonl`     a line for each clip, written after its scores: its files, what the scores depend on, notes
`evaluation.json` what was measured and how; another evaluation is not mixed in
`summary.json`    the summary, when all is done
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

import filelock

from avspatial.atomic import write_text
from avspatial.errors import DataError, reason
from avspatial.evaluation.scoring.clip_scores import ClipScores
from avspatial.evaluation.scoring.file_pairs import FilePair
from avspatial.evaluation.scoring.score_schema import (
    CLIPS,
    EVALUATION,
    SCHEMA,
    SCORES,
    SUMMARY,
    ClipRecord,
    Json,
    Score,
    Summary,
    json_line,
    read_clips,
    read_json,
    read_scores,
    write_document,
)
from avspatial.runs.directory import Run
from avspatial.text import counted, listed

_SAME_COMMAND = "Give the same command as before, another folder with `--save DIR`, or remove this one."


def saved_controls(folder: Path) -> tuple[str, ...] | None:
    """The control conditions of the evaluation that a folder holds; None if it holds none."""
    return tuple(_about(folder).get("controls", ())) if (folder / EVALUATION).is_file() else None


class ScoreStore:
    """The folder of one evaluation, new or resumed. `about`: plain data that must be the same to resume."""

    def __init__(self, folder: Path, about: Mapping[str, Any], pairs: Sequence[FilePair]) -> None:
        self.folder = folder
        self._pairs = {pair.clip: pair for pair in pairs}
        self._inputs = {pair.clip: _inputs(pair) for pair in pairs}
        self._files: list[TextIO] = []
        self.done: dict[str, ClipScores] = {}
        self._begin(dict(about))

    def _begin(self, about: Json) -> None:
        """Check the folder, keep the clips that are complete and did not fail, drop the rest."""
        begun = (self.folder / EVALUATION).is_file()
        if begun:
            _refuse_other(self.folder, _about(self.folder), about)
            self.done = self._kept()
        else:
            _refuse_strange(self.folder)
        self._in_order = list(self.done) == list(self._pairs)[: len(self.done)]
        with _writing(self.folder):
            text = json.dumps({"schema": SCHEMA, **about}, indent=1, ensure_ascii=False, allow_nan=False)
            write_text(self.folder / EVALUATION, text + "\n")
            self._write(self.done)
            (self.folder / SUMMARY).unlink(missing_ok=True)

    def _kept(self) -> dict[str, ClipScores]:
        complete = {clip.clip: (clip, scores) for clip, scores in self._complete_clips() if not scores.failed}
        self._refuse_changed({id: clip for id, (clip, _) in complete.items()})
        return {id: complete[id][1] for id in self._pairs if id in complete}

    def _complete_clips(self) -> Iterator[tuple[ClipRecord, ClipScores]]:
        """Every clip whose scores are all there."""
        scores: dict[str, list[Score]] = {}
        for score in read_scores(self.folder / SCORES, allow_unfinished=True, fix=_SAME_COMMAND):
            scores.setdefault(score.clip, []).append(score)
        for clip in read_clips(self.folder / CLIPS, allow_unfinished=True, fix=_SAME_COMMAND):
            own = scores.get(clip.clip, [])
            if len(own) == clip.scores:
                yield clip, ClipScores(tuple(own), notes=clip.notes)

    def _refuse_changed(self, kept: Mapping[str, ClipRecord]) -> None:
        gone = [clip for clip in kept if clip not in self._pairs]
        if gone:
            what = f"has scores of {listed(gone)}, not among the {counted(len(self._pairs), 'clip')} to score now"
            raise DataError(what, where=self.folder, fix=_SAME_COMMAND)
        changed = [id for id, clip in kept.items() if clip.inputs != self._inputs[id]]
        if changed:
            before, now = kept[changed[0]].inputs, self._inputs[changed[0]]
            unlike = " and ".join(name for name in now if before.get(name) != now[name])
            what = f"the files of {listed(changed)} are not those that were scored ({unlike} of {changed[0]})"
            raise DataError(what, where=self.folder, fix=_SAME_COMMAND)

    def _write(self, clips: Mapping[str, ClipScores]) -> None:
        """Write both files completely, with the scores of these clips."""
        write_text(self.folder / SCORES, "".join(map(_score_lines, clips.values())))
        write_text(self.folder / CLIPS, "".join(map(self._clip_line, clips.values())))

    def add(self, scored: ClipScores) -> None:
        """Append a clip: its scores, then the line that says they are all there."""
        with _writing(self.folder):
            if not self._files:
                self._files = [(self.folder / name).open("a", encoding="utf-8") for name in (SCORES, CLIPS)]
            for file, text in zip(self._files, (_score_lines(scored), self._clip_line(scored)), strict=True):
                file.write(text)
                file.flush()

    def _clip_line(self, scored: ClipScores) -> str:
        clip = scored.scores[0].clip
        files = _relative_paths(self._pairs[clip], self.folder)
        inputs, count = self._inputs[clip], len(scored.scores)
        return json_line(ClipRecord(clip=clip, scores=count, files=files, inputs=inputs, notes=scored.notes))

    def finish(self, summary: Summary) -> None:
        """Put the lines in the order of the clips and write the summary."""
        self.close()
        if not self._in_order:
            complete = {clip.clip: scores for clip, scores in self._complete_clips()}
            with _writing(self.folder):
                self._write({clip: complete[clip] for clip in self._pairs})
        with _writing(self.folder):
            write_document(self.folder / SUMMARY, summary)

    def close(self) -> None:
        files, self._files = self._files, []
        with _writing(self.folder), ExitStack() as open_files:
            for file in files:
                open_files.callback(file.close)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """DataError for what the file system does not let us write there."""
    try:
        yield
    except OSError as error:
        fix = "Make room or give the right to write there and give the same command again, or choose another folder "
        what = f"the evaluation cannot be kept: {reason(error).lower()}"
        raise DataError(what, where=folder, fix=f"{fix}with `--save DIR`.") from error


@contextmanager
def open_store(folder: Path, about: Mapping[str, Any], pairs: Sequence[FilePair]) -> Iterator[ScoreStore]:
    """The evaluation kept in `folder`, which no other process writes at the same time.

    DataError where the folder holds another evaluation (and what differs), something else, or is being written.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError("is a file", where=folder, fix="Give a folder with `--save DIR`.")
    with _locked(folder):
        saved = ScoreStore(folder, about, pairs)
        try:
            yield saved
        finally:
            saved.close()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder, made if it is not there, for this process alone."""
    lock = filelock.FileLock(folder / ".evaluation.lock")
    with _writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            fix = "Wait for it, or choose another folder with `--save DIR`."
            raise DataError("another evaluation is writing here", where=folder, fix=fix) from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _score_lines(scored: ClipScores) -> str:
    return "".join(map(json_line, scored.scores))


def _relative_paths(pair: FilePair, folder: Path) -> dict[str, str]:
    """Paths of a clip's two files from the folder, so that both may be moved together."""
    return {
        name: Path(os.path.relpath(path.absolute(), folder.resolve())).as_posix()
        for name, path in (("prediction", pair.prediction), ("reference", pair.reference))
    }


def scored_files(folder: Path, clip: ClipRecord) -> tuple[Path | None, Path | None]:
    """The prediction and the reference of a clip; None for a file that is missing or has another size or time than
    the scored one: its audio may not be what the numbers describe."""
    paths = {name: Path(os.path.normpath(folder.resolve() / path)) for name, path in clip.files.items()}
    same = {name: path for name, path in paths.items() if _stamp(path) == (clip.inputs.get(name) or ())}
    return same.get("prediction"), same.get("reference")


def _inputs(pair: FilePair) -> dict[str, list[int] | str | None]:
    """What a clip's scores depend on: size and time of change (ns) of both files, None for one that is missing; the
    digest of the true angles; the recording."""
    truth = pair.truth
    parts = [] if truth is None else [repr(truth.rate).encode(), truth.azimuth.tobytes(), truth.energy.tobytes()]
    return {
        "prediction": _stamp(pair.prediction),
        "reference": _stamp(pair.reference),
        "true angles": hashlib.sha256(b"".join(parts)).hexdigest()[:16] if parts else None,
        "recording": pair.recording,
    }


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _about(folder: Path) -> Json:
    about = read_json(folder / EVALUATION, fix=_SAME_COMMAND)
    return {key: item for key, item in about.items() if key != "schema"}


def _refuse_other(folder: Path, there: Json, wanted: Json) -> None:
    differing = [f"{name}: {_shown(old)} there, {_shown(new)} now" for name, old, new in _differences(there, wanted)]
    if differing:
        raise DataError(f"holds another evaluation ({'; '.join(differing)})", where=folder, fix=_SAME_COMMAND)


def _differences(there: Json, wanted: Json) -> Iterator[tuple[str, Any, Any]]:
    """(what, then, now) for all that differs; of maps, only the keys that both have: their names are lists too."""
    for key in dict.fromkeys([*there, *wanted]):
        old, new = there.get(key), wanted.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            both = (name for name in old if name in new)
            yield from ((f"{key} of {name}", old[name], new[name]) for name in both if old[name] != new[name])
        elif old != new:
            yield key, old, new


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _refuse_strange(folder: Path) -> None:
    files = (*(folder / name for name in (SCORES, CLIPS, SUMMARY)), Run(folder).metadata_file)
    strange = [path.name for path in files if path.exists()]
    if strange:
        what = f"holds {' and '.join(strange)} of something else, which would be written over"
        raise DataError(what, where=folder, fix="Choose another folder with `--save DIR`.")
