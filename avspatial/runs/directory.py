"""A run directory: the results of one run of a recipe; no other run writes into it.

runs/<name>/<utc>-<digest8>/
    recipe.yaml  recipe.resolved.yaml  run.json  log.jsonl
    checkpoints/step-001000/...  checkpoints/LATEST  checkpoints/BEST
    outputs/  controls/  scores.jsonl  summary.json  report.html
    run.lock, while a process writes the run
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from avspatial.atomic import atomic_directory, remove_unfinished, write_text
from avspatial.contents import foreign_contents, foreign_start
from avspatial.errors import RunError, reason
from avspatial.folders import as_path, folders_in, refuse_undecodable
from avspatial.registry.sources import folders_in_environment

_REPAIR_LOG = "Restore the file, or remove the line: a report then lacks what it says, and nothing else changes."


@dataclass(frozen=True)
class ResolvedRecipe:
    """What `recipe.resolved.yaml` says, without checking that its components are installed here."""

    text: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        name = self.values.get("name")
        return None if name is None else str(name)

    @property
    def seed(self) -> int | None:
        return self.values.get("seed")

    @property
    def data(self) -> Mapping[str, Any]:
        """The data set's component (`use`) and settings; empty if the recipe has none."""
        return self.values.get("data") or {}

    @property
    def split_key(self) -> str | None:
        """The key of `data` that names a split which others have too; a csv of one's own is a part of the data."""
        named = {key: str(self.data[key]) for key in ("split", "splits") if self.data.get(key) is not None}
        return next((key for key, split in named.items() if not split.endswith(".csv")), None)

    @property
    def split(self) -> str | None:
        return None if self.split_key is None else str(self.data[self.split_key])

    def component(self, key: str) -> str:
        """The short name of the component under a key, as `masking`; empty if there is none."""
        return str((self.values.get(key) or {}).get("use", "")).partition("@")[0].rpartition(".")[2]


@dataclass(frozen=True)
class _File:
    """A file or folder of a run, as an attribute: its path."""

    name: str

    def __get__(self, run: Run, owner: type[Run]) -> Path:
        return run.path / self.name


@dataclass(frozen=True)
class Run:
    """A run directory: its files, log and state."""

    path: Path

    @classmethod
    def at(cls, path: Path | str) -> Run | None:
        """The run in a directory; None if it has no run.json or no recipe.resolved.yaml, and so is no run."""
        run = cls(as_path(path))
        return run if run.metadata_file.is_file() and run.resolved.is_file() else None

    recipe = _File("recipe.yaml")
    """The recipe as the user wrote it. The file that it extends may be missing here: programs read `resolved`."""
    resolved = _File("recipe.resolved.yaml")
    """The recipe with everything explicit: this file alone repeats the run."""
    metadata_file = _File("run.json")
    log = _File("log.jsonl")
    checkpoints = _File("checkpoints")
    outputs = _File("outputs")
    controls = _File("controls")
    scores = _File("scores.jsonl")
    summary = _File("summary.json")
    report = _File("report.html")

    @property
    def metadata(self) -> dict[str, Any]:
        """The contents of run.json; RunError if it cannot be read."""
        try:
            return dict(json.loads(self.metadata_file.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            what = f"run.json cannot be read: {foreign_contents(self.metadata_file) or error}"
            raise RunError(what, where=self.path, fix="Restore it, or run again.") from error

    @cached_property
    def resolved_recipe(self) -> ResolvedRecipe:
        """The contents of recipe.resolved.yaml, read once; RunError if it is missing or damaged."""
        from ruamel.yaml import YAML

        try:
            text = self.resolved.read_text(encoding="utf-8")
            return ResolvedRecipe(text, dict(YAML(typ="safe").load(text)))
        except Exception as error:  # ruamel's own errors share no narrower class with those of a wrong form
            what = f"cannot be read as a recipe: {foreign_contents(self.resolved) or error}"
            raise RunError(what, where=self.resolved, fix="Restore it, or run again.") from error

    @property
    def finished(self) -> bool:
        return self.metadata.get("state") == "finished"

    @property
    def resume_command(self) -> str:
        """The command that continues the run, with the plugin folders of this process."""
        plugins = [word for folder in folders_in_environment() for word in ("--plugins", str(folder))]
        return shlex.join(["avspatial", "run", *plugins, "--resume", str(self.path)])

    def update_metadata(self, **facts: Any) -> None:
        """Add facts to run.json atomically."""
        write_text(self.metadata_file, _json({**self.metadata, **facts}))

    def finish(self) -> None:
        """Mark the run as finished: everything up to the report is there."""
        self.update_metadata(state="finished", finished=_now().isoformat(timespec="seconds"))

    def record(self, record: Mapping[str, Any]) -> None:
        """Append one line to log.jsonl, after cutting off a last line that a killed process did not finish."""
        line = json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
        with self.log.open("ab+") as handle:
            _cut_unfinished_line(handle)
            handle.write(line.encode())

    def records(self) -> Iterator[dict[str, Any]]:
        """The records of log.jsonl in order; none if there is no log yet. RunError for a damaged line."""
        if not self.log.exists():
            return
        for number, line in enumerate(self._log_lines(), 1):
            yield _record(line, f"{self.log}:{number}")

    def _log_lines(self) -> list[bytes]:
        """The finished lines of the log."""
        try:
            return [line + b"\n" for line in self.log.read_bytes().split(b"\n")[:-1]]
        except OSError as error:
            raise RunError(f"cannot be read: {reason(error)}", where=self.log, fix=_REPAIR_LOG) from error

    def rewind(self, step: int) -> None:
        """Remove the records of later steps, before training resumes from the checkpoint of `step`."""
        remove_unfinished(self.log)
        if not self.log.exists():
            return
        lines = zip(self._log_lines(), self.records(), strict=True)
        write_text(self.log, b"".join(line for line, record in lines if record.get("step", 0) <= step).decode())

    def point(self, pointer: str, folder: Path) -> None:
        """Write a checkpoint's folder name into `checkpoints/LATEST` or `checkpoints/BEST`."""
        write_text(self.checkpoints / pointer, folder.name + "\n")

    def checkpoint(self, pointer: str = "LATEST") -> Path:
        """The folder that LATEST or BEST names; RunError if there is none."""
        path = self.checkpoints / pointer
        if not path.is_file():
            raise RunError(
                f"there is no checkpoint {pointer} yet",
                where=self.path,
                fix="The run stopped before its first checkpoint: run the recipe again.",
            )
        fix = f"Restore that folder, or write the name of another one into {path}."
        try:
            name = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise RunError(f"does not name a checkpoint: {reason(error)}", where=path, fix=fix) from error
        if name not in (folder.name for folder in self.checkpoints.iterdir() if folder.is_dir()):
            raise RunError(f"{pointer} names {name or 'nothing'}, which is not there", where=self.path, fix=fix)
        return self.checkpoints / name


_TYPES: Mapping[str, Any] = {
    "step": int,
    "epoch": int,
    "terms": dict,
    "waiting": int | float | None,
    "clips_per_second": int | float | None,
}
"""Types of what is read from a record of the log."""


def _record(line: bytes, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
        typed = isinstance(record, dict) and all(isinstance(record[key], _TYPES[key]) for key in _TYPES.keys() & record)
        if typed and all(isinstance(value, int | float) for value in record.get("terms", {}).values()):
            return dict(record)
    except (ValueError, RecursionError) as error:
        raise RunError(foreign_start(line) or f"not JSON: {reason(error)}", where=where, fix=_REPAIR_LOG) from error
    raise RunError("not a record of a run", where=where, fix=_REPAIR_LOG)


def digest8(resolved: str) -> str:
    """The first eight hexadecimal digits of the SHA-256 of a resolved recipe."""
    return hashlib.sha256(resolved.encode()).hexdigest()[:8]


def create_run(
    runs: Path | str,
    name: str,
    resolved: str,
    original: str,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> Run:
    """Create `runs/<name>/<utc>-<digest8>/` with both recipes and run.json, atomically.

    `resolved` and `original` are YAML texts, `facts` more contents of run.json (see `provenance`), `at` the start time
    (default: now). Where another process created the same run in the same second, the name has the next free one.
    RunError if the directory cannot be created.
    """
    started = at or _now()
    for seconds in count():
        path = Path(runs) / name / f"{started + timedelta(seconds=seconds):%Y%m%dT%H%M%SZ}-{digest8(resolved)}"
        try:
            with new_run(path, name, resolved, original, facts, at=started):
                pass
            break
        except RunError:
            if not path.exists():
                raise
    return Run(path)


@contextmanager
def new_run(
    path: Path,
    name: str,
    resolved: str,
    original: str,
    facts: Mapping[str, Any] | None = None,
    *,
    at: datetime | None = None,
) -> Iterator[Run]:
    """Yield a new run to fill, which appears at `path`, complete, if the block succeeds. Arguments as `create_run`."""
    started = (at or _now()).isoformat(timespec="seconds")
    metadata = {"state": "running", "name": name, "digest": digest8(resolved), "started": started}
    try:
        if path.exists():
            raise _taken(path)
        with atomic_directory(path) as temporary_path:
            run = Run(temporary_path)
            write_text(run.recipe, original)
            write_text(run.resolved, resolved)
            write_text(run.metadata_file, _json({**metadata, **(facts or {})}))
            yield run
    except OSError as error:
        if path.exists():
            raise _taken(path) from error
        raise RunError(
            f"the run's folder cannot be made: {reason(error)}",
            where=path,
            fix="Give a folder that can be written with `--runs DIR`.",
        ) from error


def open_run(path: Path | str) -> Run:
    """The run in a directory; RunError if there is none, which names runs nearby."""
    if (run := Run.at(path)) is not None:
        refuse_undecodable(run.path)
        return run
    run = Run(as_path(path))
    if not run.path.exists():
        raise RunError("no such run directory", where=path, fix=_near(run.path.parent))
    missing = [file.name for file in (run.metadata_file, run.resolved) if not file.is_file()]
    raise RunError(f"not a run directory: it has no {' and no '.join(missing)}", where=path, fix=_near(run.path))


def runs_in(folder: Path) -> list[Run]:
    """The runs directly in a folder, by name."""
    return [run for path in folders_in(folder) if (run := Run.at(path)) is not None]


def _near(folder: Path) -> str:
    runs = sorted(str(file.parent) for depth in ("*", "*/*") for file in folder.glob(f"{depth}/run.json"))
    if not runs:
        return "Give the directory that `avspatial run` printed: runs/NAME/TIME-DIGEST."
    return f"The newest runs there: {', '.join(runs[-3:])}."


def _taken(path: Path) -> RunError:
    return RunError(
        "this run directory already exists",
        where=path,
        fix=f"Resume it with `{Run(path).resume_command}`, or start another run with `--name NAME` or `--runs DIR`.",
    )


def _cut_unfinished_line(handle: Any) -> None:
    end = handle.seek(0, os.SEEK_END)
    if not end:
        return
    handle.seek(end - 1)
    if handle.read(1) != b"\n":
        handle.seek(0)
        handle.truncate(handle.read().rfind(b"\n") + 1)


def _json(facts: Mapping[str, Any]) -> str:
    return json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _now() -> datetime:
    return datetime.now(UTC)
