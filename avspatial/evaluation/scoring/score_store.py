"""An evaluation that is kept in a folder while it grows, so that one that was stopped goes on.

`scores.jsonl`    {"clip", "metric", "value"} or {"clip", "metric", "error"} a line: the model's scores
`clips.jsonl`     a line a clip, written after its scores: its files (paths relative to the folder), what was skipped,
                  the control rows, notes
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
from avspatial.errors import DataError
from avspatial.evaluation.scoring.clip_scores import ClipScores, Score
from avspatial.evaluation.scoring.controls import MODEL
from avspatial.evaluation.scoring.file_pairs import FilePair
from avspatial.text import listed

SCORES, CLIPS, ABOUT, SUMMARY = "scores.jsonl", "clips.jsonl", "evaluation.json", "summary.json"
_OTHERWISE = "Give the same command as before, another folder with `--save DIR`, or remove this one."

Line = dict[str, Any]


def saved_controls(folder: Path) -> tuple[str, ...] | None:
    """The control rows of the evaluation kept in a folder; None where there is none."""
    return tuple(_about(folder).get("controls", ())) if (folder / ABOUT).is_file() else None


class ScoreStore:
    """The folder of one evaluation, made or gone on with. `about`: what must be the same to go on, plain data."""

    def __init__(self, folder: Path, about: Mapping[str, Any], pairs: Sequence[FilePair]) -> None:
        self.folder = folder
        self._pairs = {pair.clip: pair for pair in pairs}
        self._inputs = {pair.clip: _inputs(pair) for pair in pairs}
        self._files: list[TextIO] = []
        self.done: dict[str, ClipScores] = {}
        self._begin(dict(about))

    def _begin(self, about: Line) -> None:
        """Check what is there, keep the clips that are whole and did not fail, drop the rest."""
        begun = (self.folder / ABOUT).is_file()
        if begun:
            _refuse_other(self.folder, _about(self.folder), about)
            self.done = self._kept()
        else:
            _refuse_strange(self.folder)
        self._in_order = list(self.done) == list(self._pairs)[: len(self.done)]
        with _writing(self.folder):
            if not begun:
                write_text(self.folder / ABOUT, json.dumps(about, indent=1, ensure_ascii=False) + "\n")
            self._write(self.done)
            (self.folder / SUMMARY).unlink(missing_ok=True)

    def _kept(self) -> dict[str, ClipScores]:
        found = {clip: (line, scores) for clip, line, scores in self._found() if not line["failed"]}
        self._refuse_changed({clip: line for clip, (line, _) in found.items()})
        return {clip: _read(*found[clip]) for clip in self._pairs if clip in found}

    def _found(self) -> Iterator[tuple[str, Line, list[Line]]]:
        """Every clip that is whole: its line and those of its scores."""
        scores: dict[str, list[Line]] = {}
        for line in _lines(self.folder / SCORES):
            scores.setdefault(line["clip"], []).append(line)
        for line in _lines(self.folder / CLIPS):
            own = scores.get(line["clip"], [])
            if len(own) == line["scores"]:
                yield line["clip"], line, own

    def _refuse_changed(self, kept: Mapping[str, Line]) -> None:
        gone = [clip for clip in kept if clip not in self._pairs]
        if gone:
            what = f"has scores of {listed(gone)}, not among the {len(self._pairs)} clips to score now"
            raise DataError(what, where=self.folder, fix=_OTHERWISE)
        changed = [clip for clip, line in kept.items() if line["inputs"] != self._inputs[clip]]
        if changed:
            before, now = kept[changed[0]]["inputs"], self._inputs[changed[0]]
            unlike = " and ".join(name for name in now if before.get(name) != now[name])
            what = f"the files of {listed(changed)} are not those that were scored ({unlike} of {changed[0]})"
            raise DataError(what, where=self.folder, fix=_OTHERWISE)

    def _write(self, clips: Mapping[str, ClipScores]) -> None:
        """Both files whole, with the scores of these clips."""
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
        controls: dict[str, dict[str, Line]] = {}
        for score in scored.scores:
            if score.row != MODEL:
                controls.setdefault(score.row, {})[score.metric] = _outcome(score)
        line = {
            "clip": clip,
            "recording": scored.scores[0].recording,
            "failed": scored.failed,
            "scores": sum(score.row == MODEL and score.skipped is None for score in scored.scores),
            "files": _paths(self._pairs[clip], self.folder),
            "inputs": self._inputs[clip],
            "skipped": {s.metric: s.skipped for s in scored.scores if s.row == MODEL and s.skipped is not None},
            "controls": controls,
            "notes": list(scored.notes),
        }
        return _json(line)

    def finish(self, summary: Mapping[str, Any]) -> None:
        """Put the lines in the clips' order, whole, and write the summary."""
        self.close()
        if not self._in_order:
            found = {clip: _read(line, scores) for clip, line, scores in self._found()}
            with _writing(self.folder):
                self._write({clip: found[clip] for clip in self._pairs})
        with _writing(self.folder):
            write_text(self.folder / SUMMARY, _json(summary))

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
        what = f"the evaluation cannot be kept: {(error.strerror or str(error)).lower()}"
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
        free = _acquired(lock)
    if not free:
        fix = "Wait for it, or choose another folder with `--save DIR`."
        raise DataError("another evaluation is writing here", where=folder, fix=fix)
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _acquired(lock: filelock.BaseFileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return False
    return True


def _read(line: Line, scores: Sequence[Line]) -> ClipScores:
    clip, recording = line["clip"], line["recording"]
    rows = [(MODEL, {s["metric"]: {k: s[k] for k in ("value", "error") if k in s} for s in scores})]
    rows[0][1].update({metric: {"skipped": why} for metric, why in line["skipped"].items()})
    rows += list(line["controls"].items())
    return ClipScores(
        tuple(
            Score(row, clip, recording, metric, **outcome) for row, found in rows for metric, outcome in found.items()
        ),
        notes=tuple(line["notes"]),
    )


def _score_lines(scored: ClipScores) -> str:
    found = (score for score in scored.scores if score.row == MODEL and score.skipped is None)
    return "".join(_json({"clip": score.clip, "metric": score.metric, **_outcome(score)}) for score in found)


def _outcome(score: Score) -> Line:
    return {key: getattr(score, key) for key in ("value", "error", "skipped") if getattr(score, key) is not None}


def _json(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"


def _lines(path: Path) -> Iterator[Line]:
    """The whole lines of a file; what a killed process left unfinished, within a letter even, is not one."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield _line(line, f"{path}:{number}")


def _line(text: bytes, where: str) -> Line:
    try:
        return dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise DataError("not a line of JSON", where=where, fix=_OTHERWISE) from error


def _paths(pair: FilePair, folder: Path) -> dict[str, str]:
    """Where a clip's two files lie, seen from the folder: both may be moved together."""
    return {
        name: Path(os.path.relpath(path.absolute(), folder.resolve())).as_posix()
        for name, path in (("prediction", pair.prediction), ("reference", pair.reference))
    }


def scored_files(folder: Path, line: Line) -> tuple[Path | None, Path | None]:
    """The prediction and the reference of a line of `clips.jsonl`; None for one that is not there, or that is not the
    one that was scored (another size or time): its sound would not be what the numbers speak of."""
    said = line.get("files", {})
    found = {name: Path(os.path.normpath(folder.resolve() / said[name])) for name in said}
    same = {name: path for name, path in found.items() if _stamp(path) == (line["inputs"][name] or ())}
    return same.get("prediction"), same.get("reference")


def _inputs(pair: FilePair) -> dict[str, Any]:
    """What a clip's scores depend on: size and time of change (ns) of both files, None for one that is missing; the
    truth's digest; the recording."""
    said: dict[str, Any] = {"prediction": _stamp(pair.prediction), "reference": _stamp(pair.reference)}
    truth = pair.truth
    parts = [] if truth is None else [repr(truth.rate).encode(), truth.azimuth.tobytes(), truth.energy.tobytes()]
    said["true angles"] = hashlib.sha256(b"".join(parts)).hexdigest()[:16] if parts else None
    said["recording"] = pair.recording
    return said


def _stamp(path: Path) -> list[int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _about(folder: Path) -> Line:
    try:
        found = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError("not readable as JSON", where=folder / ABOUT, fix=_OTHERWISE) from error
    return dict(found)


def _refuse_other(folder: Path, there: Line, wanted: Line) -> None:
    told = [f"{name}: {_said(old)} there, {_said(new)} now" for name, old, new in _unlike(there, wanted)]
    if told:
        raise DataError(f"holds another evaluation ({'; '.join(told)})", where=folder, fix=_OTHERWISE)


def _unlike(there: Line, wanted: Line) -> Iterator[tuple[str, Any, Any]]:
    """(what, then, now) for all that differs; of the maps, only what both have: names stand in lists of their own."""
    for key in dict.fromkeys([*there, *wanted]):
        old, new = there.get(key), wanted.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            both = (name for name in old if name in new)
            yield from ((f"{key} of {name}", old[name], new[name]) for name in both if old[name] != new[name])
        elif old != new:
            yield key, old, new


def _said(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else str(value)


def _refuse_strange(folder: Path) -> None:
    strange = [name for name in (SCORES, CLIPS, SUMMARY, "run.json") if (folder / name).exists()]
    if strange:
        what = f"holds {' and '.join(strange)} of something else, which would be written over"
        raise DataError(what, where=folder, fix="Choose another folder with `--save DIR`.")
