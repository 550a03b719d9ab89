"""Pairs of a saved prediction and its reference, found in any layout.

`<clip>/predicted_binaural.*` next to `input_binaural.*`, as the official code and avspatial write them; two folders
whose files have the same names, whatever their suffixes; a csv of pairs; a run directory. A file that is not there
still makes a pair: reading it fails, and a failure is counted, never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from avspatial.errors import DataError, MediaError
from avspatial.evaluation.scoring.score_schema import read_scores
from avspatial.folders import as_path, files_below, refuse_undecodable
from avspatial.interfaces import Clip, Truth
from avspatial.media.audio import is_audio
from avspatial.media.csv_rows import read_table
from avspatial.runs.directory import Run
from avspatial.runs.outputs import PREDICTED, REFERENCE, TRUTH, read_truth

_PREDICTED, _REFERENCE = Path(PREDICTED).stem, Path(REFERENCE).stem
COLUMNS = ("prediction", "reference", "clip", "recording")
_LAYOUTS = (
    "Give folders <clip>/predicted_binaural.wav with input_binaural.wav, a folder of predictions with "
    "`--reference DIR`, a csv of pairs, or a run directory."
)


@dataclass(frozen=True)
class FilePair:
    """A clip to score. `recording` groups clips cut from one recording: the cluster of the statistics."""

    clip: str
    prediction: Path
    reference: Path
    recording: str
    truth: Truth | None = field(default=None, compare=False)


def find_pairs(outputs: Path, reference: Path | None = None, scenes: Path | None = None) -> list[FilePair]:
    """The pairs in `outputs`, in the order of their clips' names (a csv: in its order).

    outputs: a folder, a run directory, or a csv. reference: a folder with the references, if they are not next to
    the predictions; files belong together whose paths, without their suffixes, are equal. scenes: a `scenes.jsonl`
    of simulated data, or a csv of directions, for the true angles; without it, they are taken from `truth.json` next
    to a prediction.

    DataError where nothing is found, where two files claim one clip, or where no file of one folder matches any of
    the other. One clip's missing file is no error: its pair names the path where it should be.
    """
    outputs = Path(outputs)
    if not outputs.exists():
        raise DataError("no such folder or file", where=outputs, fix=_LAYOUTS)
    if outputs.is_file():
        if reference is not None:
            raise DataError("a csv of pairs names its references itself", where=outputs, fix="Leave out `--reference`.")
        pairs = _listed(outputs)
    else:
        pairs = _in_folders(outputs, reference)
    return _with_truth(pairs, scenes)


def _in_folders(outputs: Path, reference: Path | None) -> list[FilePair]:
    recordings: dict[str, str] = {}
    if (run := Run.at(outputs)) is not None:
        recordings, outputs = _recordings(run), run.outputs
        if not outputs.is_dir():
            raise DataError(
                "this run has no outputs yet", where=run.path, fix="Finish it with `avspatial run --resume`."
            )
    files = _audio_files(outputs)
    predictions = _by_clip(outputs, files, _PREDICTED)
    if reference is None:
        references = _by_clip(outputs, files, _REFERENCE, only=True)
        named = _by_clip(outputs, files, _PREDICTED, only=True)
        if not references and not named:
            what = "holds audio, but no references" if predictions else "holds nothing to score"
            raise DataError(what, where=outputs, fix=_LAYOUTS)
        predictions, reference, official = named, outputs, True
    else:
        if not reference.is_dir():
            raise DataError("no such folder of references", where=reference, fix="Name it with `--reference DIR`.")
        references, official = _by_clip(reference, _audio_files(reference), _REFERENCE), False
        _refuse_strangers(outputs, predictions, reference, references)
    clips = sorted({*predictions, *references, *recordings})

    def place(paths: Mapping[str, Path], folder: Path, clip: str, name: str) -> Path:
        return paths.get(clip) or (folder / clip / name if official else folder / f"{clip}.wav")

    return [
        FilePair(
            clip,
            place(predictions, outputs, clip, PREDICTED),
            place(references, reference, clip, REFERENCE),
            recordings.get(clip, clip),
        )
        for clip in clips
    ]


def _recordings(run: Run) -> dict[str, str]:
    """{clip: recording} of all clips that the run was to spatialize, by its scores; nothing before it has any."""
    fix = "Restore it, or remove it: each clip is then its own recording."
    return {score.clip: score.recording for score in read_scores(run.scores, fix=fix)}


def _by_clip(folder: Path, files: Sequence[Path], stem: str, *, only: bool = False) -> dict[str, Path]:
    """{clip: file}: those of the files that are named `stem`, by their folders; or, where there is none and not
    `only`, all of them by their own names."""
    named = [(file.parent, file) for file in files if file.stem == stem]
    keyed = named or ([] if only else [(file.with_suffix(""), file) for file in files])
    paths: dict[str, Path] = {}
    for key, file in keyed:
        # Equal names may differ in their bytes: some systems write an accent as a letter of its own.
        clip = normalize("NFC", (key.relative_to(folder) if key != folder else Path(folder.resolve().name)).as_posix())
        if clip in paths:
            what = f"two files for clip {clip}: {paths[clip].name} and {file.name}"
            raise DataError(what, where=file.parent, fix="Remove or rename one of them.")
        paths[clip] = file
    return paths


def _audio_files(folder: Path) -> list[Path]:
    """Every audio and video file below a folder; DataError for a name that is not text."""
    files = files_below(folder, is_audio)
    for path in files:
        refuse_undecodable(path)
    return files


def _refuse_strangers(
    outputs: Path, predictions: Mapping[str, Path], reference: Path, references: Mapping[str, Path]
) -> None:
    for folder, paths in ((outputs, predictions), (reference, references)):
        if not paths:
            raise DataError("holds no audio or video file", where=folder, fix=_LAYOUTS)
    if predictions == references:
        raise DataError("the references are the predictions themselves", where=reference, fix="Name their own folder.")
    if not predictions.keys() & references.keys():
        first, second = min(predictions), min(references)
        raise DataError(
            f"no prediction has the name of a reference: there is {first} here, {second} in {reference}",
            where=outputs,
            fix="Name both alike (suffixes may differ), or list the pairs in a csv: prediction,reference.",
        )


def _listed(path: Path) -> list[FilePair]:
    fix = f"Give a text file in UTF-8 with the columns {','.join(COLUMNS[:2])}."
    pairs = [_pair(path, row) for _, row in read_table(path, COLUMNS[:2], COLUMNS[2:], fix)]
    if not pairs:
        raise DataError("lists no pair", where=path, fix="Write one pair a line, below the line of columns.")
    seen: set[str] = set()
    for pair in pairs:
        if pair.clip in seen:
            raise DataError(
                f"lists clip {pair.clip} twice", where=path, fix="List it once, or name clips in a column clip."
            )
        seen.add(pair.clip)
    return pairs


def _pair(path: Path, row: Mapping[str, str]) -> FilePair:
    named = PurePosixPath(row["prediction"].replace("\\", "/"))
    clip = row["clip"] or str(named.parent if named.stem == _PREDICTED else named.with_suffix(""))
    prediction, reference = (path.parent / as_path(row[column]) for column in COLUMNS[:2])
    return FilePair(clip, prediction, reference, row["recording"] or clip)


def _with_truth(pairs: list[FilePair], scenes: Path | None) -> list[FilePair]:
    if scenes is None:
        return [replace(pair, truth=read_truth(pair.prediction.parent / TRUTH)) for pair in pairs]
    truths = _table_truths(scenes, pairs) if scenes.suffix.lower() == ".csv" else _scene_truths(scenes)
    matched = [replace(pair, truth=truths.get(pair.clip, truths.get(pair.clip.rpartition("/")[2]))) for pair in pairs]
    if all(pair.truth is None for pair in matched):
        what = f"tells of none of the clips: there is {min(truths, default='nothing')} here, {pairs[0].clip} to score"
        fix = "Give the scenes.jsonl, or the csv of directions, of the data that was spatialized."
        raise DataError(what, where=scenes, fix=fix)
    return matched


def _scene_truths(path: Path) -> Mapping[str, Truth | None]:
    from avspatial.data.simulated.render import read_scenes  # slow to import, and few evaluations name a file of scenes

    return read_scenes(path)


def _table_truths(path: Path, pairs: Sequence[FilePair]) -> Mapping[str, Truth | None]:
    """As a data set reads the csv; none for a reference that cannot be read: scoring it fails, and says why."""
    from avspatial.data.truth_table import read_truth_table

    table = read_truth_table(path)
    truths: dict[str, Truth | None] = dict.fromkeys(table.known)
    for pair in pairs:
        for name in {pair.clip, pair.clip.rpartition("/")[2]} & table.known:
            with suppress(MediaError):
                truths[name] = table.truth(Clip(name, pair.reference, pair.reference, pair.recording))
    return truths
