"""The score schema: types of `scores.jsonl`, `clips.jsonl`, `summary.json` and `leaderboard.json`, read and written.

A run, `avspatial evaluate --save` and `avspatial leaderboard build` write the same types, and every `--json` prints
them. Files of schema 1 (version 0.1.0) are converted here and nowhere else; docs/score_schema.md is made of the types.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from avspatial.atomic import write_text
from avspatial.contents import foreign_start
from avspatial.errors import RunError, reason
from avspatial.evaluation.scoring.controls import MODEL

SCHEMA = 2
SCORES, CLIPS, SUMMARY, EVALUATION = "scores.jsonl", "clips.jsonl", "summary.json", "evaluation.json"
RESTORE = "Restore the file, or score the audio again."

Json = dict[str, Any]


class Document(BaseModel):
    """Immutable data that becomes strict JSON: no NaN, no infinity, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    def to_dict(self) -> Json:
        """Return plain JSON data."""
        return self.model_dump(mode="json", by_alias=True)


class Score(Document):
    """One line of `scores.jsonl`: exactly one of `value`, `error` and `skipped` is there.

    A value that is NaN or infinite becomes an error.
    """

    schema_version: Literal[2] = Field(2, alias="schema", description="2")
    condition: str = Field(description="what was scored: `model`, or a control such as `mono`")
    clip: str = Field(description="id of the clip")
    recording: str = Field(description="the recording that the clip was cut from; the clip itself if unknown")
    metric: str = Field(description="name of the number")
    value: float | None = Field(None, description="the number")
    error: str | None = Field(None, description="why it could not be computed: the clip counts as failed")
    skipped: str | None = Field(None, description="why the clip holds nothing to measure: it does not count")

    @model_validator(mode="before")
    @classmethod
    def _record_non_finite(cls, data: Any) -> Any:
        value = data.get("value") if isinstance(data, dict) else None
        if isinstance(value, float) and not math.isfinite(value):
            return {**data, "value": None, "error": data.get("error") or f"the value is {value}"}
        return data

    @model_validator(mode="after")
    def _one_outcome(self) -> Score:
        if (self.value, self.error, self.skipped).count(None) != 2:
            raise ValueError("exactly one of value, error and skipped is needed")
        return self

    def to_dict(self) -> Json:
        """Return plain JSON data without the two outcomes that are not there."""
        return {key: item for key, item in super().to_dict().items() if item is not None}


class ClipRecord(Document):
    """One line of `clips.jsonl`, which `evaluate --save` writes after the scores of a clip: they are complete."""

    schema_version: Literal[2] = Field(2, alias="schema", description="2")
    clip: str = Field(description="id of the clip")
    scores: int = Field(description="how many lines of `scores.jsonl` the clip has")
    files: Mapping[str, str] = Field({}, description="`prediction` and `reference`, relative to the folder")
    inputs: Mapping[str, list[int] | str | None] = Field(
        {}, description="what the scores depend on: size and time of both files, digest of the true angles, recording"
    )
    notes: tuple[str, ...] = Field((), description="what was done before scoring, such as resampling")


class MetricInfo(Document):
    """What identifies the values of a metric; null where the files do not say."""

    id: str | None = Field(None, description="component that computes it")
    version: str | None = Field(None, description="version of the component")
    settings: Mapping[str, Any] | None = Field(None, description="settings of the component")
    unit: str = Field("", description="unit, empty for a pure number")
    higher_is_better: bool | None = Field(None, description="direction; null if neither is better")
    summary: str = Field("", description="what it measures, in one sentence")


class Mean(Document):
    """A mean over clips."""

    mean: float | None = Field(description="mean of the clips that have a value; null without any")
    sd: float | None = Field(None, description="sample standard deviation over clips; null below two values")
    ci95: tuple[float, float] | None = Field(None, description="95 % interval; null if only one recording has values")
    n: int = Field(description="clips that have a value")
    failed: int = Field(description="clips that have an error; the rest was skipped")


class Interval(Document):
    """How every interval was computed."""

    method: str = Field(description="for example the cluster bootstrap over recordings")
    level: float = Field(description="coverage")
    draws: int = Field(description="resampled data sets")
    seed: int = Field(description="seed of the resampling")


Conditions = dict[str, dict[str, Mean]]
"""{condition: {metric: Mean}}"""


class Summary(Document):
    """`summary.json`: the means of all conditions by all metrics."""

    schema_version: Literal[2] = Field(2, alias="schema", description="2")
    convention: str = Field(description="convention of every number")
    versions: Mapping[str, str] = Field({}, description="versions of avspatial and of the resampler")
    clips: int = Field(description="clips to score")
    failed: int = Field(description="clips with at least one error")
    metrics: dict[str, MetricInfo] = Field(description="what identifies each metric's values")
    conditions: Conditions = Field(description="{condition: {metric: mean}}, the model first")
    interval: Interval | None = Field(None, description="how every interval was computed")

    @model_validator(mode="after")
    def _identified(self) -> Summary:
        unknown = {name for means in self.conditions.values() for name in means} - self.metrics.keys()
        if unknown:
            raise ValueError(f"metrics does not say what {', '.join(sorted(unknown))} is")
        return self


class References(Document):
    """The references of a leaderboard."""

    sha256: str = Field(description="digest of all")
    audio: dict[str, str | None] = Field(description="{clip: digest of the decoded audio}, null if it is missing")


class LeaderboardSystem(Document):
    """One system of a leaderboard."""

    name: str = Field(description="name of its folder")
    sha256: str = Field(description="digest of its list of files")
    clips: int = Field(description="clips to score")
    failed: int = Field(description="clips with at least one error")
    conditions: Conditions = Field(description="{`model`: {metric: mean}}")
    scores: tuple[Score, ...] = Field(description="a score for each clip and metric, as in `scores.jsonl`")
    files: dict[str, str | None] = Field(description="{file: SHA-256}, null if it is missing")
    file_of: dict[str, str] = Field(description="{clip: its prediction}")


class Leaderboard(Document):
    """`leaderboard.json`: systems that were scored on the same clips."""

    schema_version: Literal[2] = Field(2, alias="schema", description="2")
    convention: str = Field(description="convention of every number")
    versions: Mapping[str, str] = Field(description="versions of avspatial and of the resampler")
    reference: str | None = Field(None, description="folder of the references; null if they are with the predictions")
    clips: int = Field(description="clips to score")
    metrics: dict[str, MetricInfo] = Field(description="what identifies each metric's values")
    interval: Interval | None = Field(None, description="how every interval was computed")
    references: References = Field(description="digests of the references")
    systems: tuple[LeaderboardSystem, ...] = Field(description="the systems, by name")


DOCUMENTS = (Score, Summary, MetricInfo, Mean, Interval, ClipRecord, Leaderboard, LeaderboardSystem, References)
"""The types in the order in which the page describes them."""
_Document = TypeVar("_Document", bound=Document)


def json_line(document: Document) -> str:
    """Return a document as one line of strict JSON."""
    return json.dumps(document.to_dict(), ensure_ascii=False, allow_nan=False) + "\n"


def write_document(path: Path, document: Document) -> None:
    """Write a document as strict JSON, completely or not at all."""
    write_text(path, json.dumps(document.to_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_scores(path: Path, *, allow_unfinished: bool = False, fix: str = RESTORE) -> Iterator[Score]:
    """Read `scores.jsonl`; RunError with the line that is damaged or of an unknown schema.

    allow_unfinished: ignore a last line without its end, which a killed process left. fix: what to do about damage.
    """
    lines = _lines(path.with_name(CLIPS), allow_unfinished, fix)
    clips = {str(line.get("clip")): line for _, line in lines if line.get("schema", 1) == 1}
    for number, line in _lines(path, allow_unfinished, fix):
        where = f"{path}:{number}"
        if _schema(line, where, fix) != SCHEMA:
            clip = str(line.get("clip"))
            recording = str(line.get("recording", clips.get(clip, {}).get("recording", clip)))
            kept: Json = {key: line[key] for key in ("clip", "metric", "value", "error", "skipped") if key in line}
            line = {"condition": line.get("row", MODEL), "recording": recording, **kept}
        yield _validated(Score, line, where, fix)
    for clip, line in clips.items():
        yield from _nested_scores(clip, line, path.with_name(CLIPS), fix)


def _nested_scores(clip: str, line: Json, path: Path, fix: str) -> Iterator[Score]:
    """The scores in a line of an evaluation's `clips.jsonl` of schema 1: what was skipped, and the controls."""
    skipped = {metric: {"skipped": why} for metric, why in line.get("skipped", {}).items()}
    for condition, outcomes in {MODEL: skipped, **line.get("controls", {})}.items():
        for metric, outcome in outcomes.items():
            head = {"condition": condition, "clip": clip, "recording": str(line.get("recording", clip))}
            yield _validated(Score, {**head, "metric": metric, **outcome}, str(path), fix)


def read_clips(path: Path, *, allow_unfinished: bool = False, fix: str = RESTORE) -> Iterator[ClipRecord]:
    """Read `clips.jsonl`, nothing if there is none; otherwise as `read_scores`."""
    for number, line in _lines(path, allow_unfinished, fix):
        where = f"{path}:{number}"
        if _schema(line, where, fix) != SCHEMA:
            nested = [line.get("skipped", {}), *line.get("controls", {}).values()]
            kept: Json = {key: line[key] for key in ("clip", "files", "inputs", "notes") if key in line}
            line = {**kept, "scores": line.get("scores", 0) + sum(map(len, nested))}
        yield _validated(ClipRecord, line, where, fix)


def read_summary(path: Path, *, fix: str = RESTORE) -> Summary:
    """Read `summary.json`; RunError if it is damaged or of an unknown schema."""
    convert = partial(_converted_summary, path=path, fix=fix)
    return _read_document(Summary, path, fix, convert, "is no summary of scores")


def read_leaderboard(path: Path, *, fix: str) -> Leaderboard:
    """Read `leaderboard.json`; RunError if it is damaged or of an unknown schema."""
    return _read_document(Leaderboard, path, fix, _converted_leaderboard, "is damaged")


def _read_document(
    kind: type[_Document], path: Path, fix: str, convert: Callable[[Json], Json], damage: str
) -> _Document:
    """`convert` makes schema 2 of schema 1; `damage`: what a file is that cannot be converted."""
    data = read_json(path, fix=fix)
    if _schema(data, str(path), fix) != SCHEMA:
        try:
            data = convert(data)
        except (KeyError, TypeError, AttributeError) as error:
            raise RunError(f"{damage} ({_described(error)})", where=path, fix=fix) from error
    return _validated(kind, data, str(path), fix)


def _converted_summary(old: Json, path: Path, fix: str) -> Json:
    """A run's summary has "rows"; an evaluation's has the model's means and metadata under "metrics"."""
    conditions = old["rows"] if "rows" in old else {MODEL: old["metrics"], **old.get("controls", {})}
    about = path.with_name(EVALUATION)
    settings = read_json(about, fix=fix).get("settings", {}) if "rows" not in old and about.is_file() else {}
    stated = old.get("metrics", {})
    names = dict.fromkeys([*stated, *(metric for means in conditions.values() for metric in means)])
    return {
        **{key: old[key] for key in ("convention", "clips", "failed") if key in old},
        **_converted_metrics({name: stated.get(name, {}) for name in names}, old.get("versions", {}), settings),
        "conditions": {name: _converted_means(means) for name, means in conditions.items()},
        "interval": old.get("interval"),
    }


def _converted_metrics(metrics: Mapping[str, Json], versions: Json, settings: Json) -> Json:
    """`metrics` and `versions`: in schema 1 the versions hold "id@version" of each metric, too."""
    info = {}
    for name, entry in metrics.items():
        id, _, version = str(versions.get(name, "")).partition("@")
        identity = {"id": id, "version": version, "settings": settings.get(name)} if version else {}
        info[name] = identity | {key: entry[key] for key in MetricInfo.model_fields if key in entry}
    return {"metrics": info, "versions": {name: item for name, item in versions.items() if name not in metrics}}


def _converted_means(means: Mapping[str, Json]) -> Json:
    """Schema 1 has [null, null] where there is no interval."""
    fields = {metric: {key: mean.get(key) for key in Mean.model_fields} for metric, mean in means.items()}
    return {
        metric: mean if None not in (mean["ci95"] or ()) else mean | {"ci95": None} for metric, mean in fields.items()
    }


def _converted_leaderboard(old: Json) -> Json:
    systems = [
        {
            **{key: of[key] for key in ("name", "sha256", "clips", "failed", "files", "file_of")},
            "conditions": {MODEL: _converted_means(of["metrics"])},
            "scores": [
                {"condition": MODEL, "clip": clip, "recording": clip, "metric": metric}
                | ({"error": of["failures"].get(clip, "it failed")} if value is None else {"value": value})
                for clip, values in of["scores"].items()
                for metric, value in values.items()
            ],
        }
        for of in old["systems"]
    ]
    return {
        **{key: old[key] for key in ("convention", "reference", "clips")},
        **_converted_metrics(old["metrics"], old["versions"], {}),
        "references": {"sha256": old["references"]["sha256"], "audio": old["references"]["sounds"]},
        "systems": systems,
    }


def read_json(path: Path, *, fix: str = RESTORE) -> Json:
    """Read an object of JSON; RunError if the file is no such thing, or of an unknown schema."""
    try:
        data = _object(path.read_bytes(), str(path), fix)
    except OSError as error:
        raise RunError(f"cannot be read: {reason(error)}", where=path, fix=fix) from error
    _schema(data, str(path), fix)
    return data


def _lines(path: Path, allow_unfinished: bool, fix: str) -> Iterator[tuple[int, Json]]:
    if not path.exists():
        return
    try:
        with path.open("rb") as file:
            lines = ((number, line) for number, line in enumerate(file, 1) if line.strip())
            for number, line in (pair for pair in lines if pair[1].endswith(b"\n") or not allow_unfinished):
                yield number, _object(line, f"{path}:{number}", fix)
    except OSError as error:
        raise RunError(f"cannot be read: {reason(error)}", where=path, fix=fix) from error


def _object(text: bytes, where: str, fix: str) -> Json:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        what = foreign_start(text) or f"not JSON: {getattr(error, 'msg', error)}"
        raise RunError(what, where=where, fix=fix) from error
    if not isinstance(data, dict):
        raise RunError("not an object of JSON", where=where, fix=fix)
    return data


def _schema(data: Json, where: str, fix: str) -> int:
    schema = data.get("schema", 1)
    if schema not in (1, SCHEMA):
        fix = "Read it with the version of avspatial that wrote it, or score the audio again with this one."
        raise RunError(f"has schema {schema!r}, and this version reads 1 and {SCHEMA}", where=where, fix=fix)
    return int(schema)


def _validated(kind: type[_Document], data: Json, where: str, fix: str) -> _Document:
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise RunError(f"is damaged ({_described(error)})", where=where, fix=fix) from error


def _described(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return f"{type(error).__name__}: {error}"
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    return f"{place}: {first['msg']}" if place else first["msg"]
