"""A leaderboard: built from files alone, true of them, and found out when a file or the table is changed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from avspatial.api.evaluate import evaluate
from avspatial.api.leaderboard import Choices, build, read, verify
from avspatial.cli.main import main
from avspatial.errors import DataError, RunError
from avspatial.evaluation.scoring.score_schema import Leaderboard
from avspatial.media.audio import read_audio, write_wav
from avspatial.progress import silent
from avspatial.runs.outputs import save_outputs

RATE = 16000
METRICS = ("stft_distance", "snr")
CHOICES = Choices(metrics=METRICS)


def write_system(folder: Path, width: float, clips: int = 3) -> None:
    """Noise from the left, as wide as `width` says."""
    for place in range(clips):
        sound = 0.1 * np.random.default_rng(place).standard_normal(RATE // 2).astype(np.float32)
        reference = np.stack([sound, 0.5 * sound])
        middle = reference.mean(0)
        side = width * (reference[0] - middle)
        save_outputs(folder / f"clip {place}", np.stack([middle + side, middle - side]), reference, RATE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    board = tmp_path / "board"
    write_system(board / "narrow", 0.2)
    write_system(board / "wide", 0.8)
    return board


def built(folder: Path, choices: Choices = CHOICES) -> Leaderboard:
    return build(folder, choices, jobs=1, progress=silent)


def test_the_means_are_those_of_evaluate(folder: Path) -> None:
    board = built(folder)
    assert [system.name for system in board.systems] == ["narrow", "wide"]
    for system in board.systems:
        own = evaluate(folder / system.name, metrics=METRICS, jobs=1, progress=silent).summary
        assert system.conditions == own.conditions
        assert {score.clip for score in system.scores} == {"clip 0", "clip 1", "clip 2"}
    assert read(folder) == board


def test_the_table_has_the_best_first(folder: Path) -> None:
    built(folder)
    lines = (folder / "leaderboard.md").read_text().splitlines()
    assert lines[4].startswith("| system | stft_distance ↓ | snr ↑ (dB) | failed | sha256 |")
    assert [line.split(" | ")[0] for line in lines[6:8]] == ["| wide", "| narrow"]
    assert "0 of 3" in lines[6]


def test_what_was_built_is_verified_even_elsewhere(folder: Path, tmp_path: Path) -> None:
    built(folder)
    moved = tmp_path / "elsewhere" / "tbl"
    shutil.move(folder, moved)
    assert verify(moved, jobs=1, progress=silent)[1] == []


def first(folder: Path) -> str:
    return str(verify(folder, jobs=1, progress=silent)[1][0])


def louder(file: Path) -> None:
    sound, rate = read_audio(file)
    sound[0] *= 1.001
    write_wav(file, sound, rate)


def test_a_changed_file_is_named_with_old_and_new_value(folder: Path) -> None:
    board = built(folder)
    louder(folder / "wide" / "clip 1" / "predicted_binaural.wav")
    scores = {(score.clip, score.metric): score.value for score in board.systems[1].scores}
    old = scores["clip 1", "stft_distance"]
    assert first(folder).startswith(f"wide/clip 1/predicted_binaural.wav: stft_distance: {old!r} in the table, ")
    assert first(folder).endswith(" now") and not first(folder).endswith(f"{old!r} now")


def test_a_file_that_changed_without_changing_a_number_is_found_by_its_digest(folder: Path) -> None:
    built(folder)
    file = folder / "narrow" / "clip 0" / "predicted_binaural.wav"
    file.write_bytes(file.read_bytes() + b"junk")
    assert first(folder).startswith("narrow/clip 0/predicted_binaural.wav: sha256: ")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("systems", 0, "scores", 5, "value"), "narrow/clip 2/predicted_binaural.wav: snr: 99.0 in the table, "),
        (("systems", 1, "conditions", "model", "snr", "mean"), "wide: mean of snr: 99.0 in the table, "),
        (("systems", 1, "conditions", "model", "snr", "n"), "wide: n of snr: 99 in the table, 3 now"),
        (("systems", 1, "sha256"), "wide: sha256: 99 in the table, "),
        (("clips",), "leaderboard.json: clips: 99 in the table, 3 now"),
        (("references", "audio", "clip 0"), "reference of clip clip 0: sha256: 99 in the table, "),
    ],
)
def test_a_changed_table_is_found(folder: Path, where: tuple[str | int, ...], message: str) -> None:
    board = built(folder).to_dict()
    inner: object = board
    for key in where[:-1]:
        inner = inner[key]  # type: ignore[index]
    inner[where[-1]] = "99" if where[-1] in ("sha256", "clip 0") else 99.0  # type: ignore[index]
    (folder / "leaderboard.json").write_text(json.dumps(board))
    assert first(folder).startswith(message)


def test_rounding_within_the_tolerance_is_no_difference(folder: Path) -> None:
    board = built(folder).to_dict()
    score = board["systems"][0]["scores"][5]
    assert (score["clip"], score["metric"]) == ("clip 2", "snr")
    score["value"] *= 1 + 1e-10
    (folder / "leaderboard.json").write_text(json.dumps(board))
    assert verify(folder, jobs=1, progress=silent)[1] == []
    score["value"] *= 1 + 1e-8
    (folder / "leaderboard.json").write_text(json.dumps(board))
    assert len(verify(folder, jobs=1, progress=silent)[1]) == 1


def test_an_edited_table_of_text_is_found(folder: Path) -> None:
    built(folder)
    text = (folder / "leaderboard.md").read_text()
    (folder / "leaderboard.md").write_text(text.replace("narrow", "mine"))
    assert first(folder) == "leaderboard.md: text: that of leaderboard.json in the table, another now"


def test_a_new_system_is_not_in_the_table(folder: Path) -> None:
    built(folder)
    write_system(folder / "later", 0.5)
    assert first(folder) == "later: system: none in the table, there now"


def test_references_in_one_folder(tmp_path: Path) -> None:
    board = tmp_path / "board"
    write_system(board / "a", 0.5)
    references = board / "references"
    for clip in sorted((board / "a").iterdir()):
        references.mkdir(exist_ok=True)
        (clip / "input_binaural.wav").rename(references / f"{clip.name}.wav")
    made = built(board, Choices(metrics=METRICS, reference=references))
    assert made.reference == "references"
    assert [system.name for system in made.systems] == ["a"]
    assert verify(board, jobs=1, progress=silent)[1] == []


Change = Callable[[Path], object]


def refused(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        built(folder)
    return str(caught.value)


def test_systems_with_other_clips_are_refused(folder: Path) -> None:
    shutil.rmtree(folder / "wide" / "clip 1")
    assert refused(folder) == (
        f"{folder}: the systems do not have the same clips: wide lacks clip 1\n"
        "  Give every system all clips, or leave the others' out: a mean over fewer clips is another number."
    )


def test_systems_with_other_references_are_refused(folder: Path) -> None:
    louder(folder / "wide" / "clip 2" / "input_binaural.wav")
    assert refused(folder) == (
        f"{folder}: the references of clip 2 are other audio in wide than in narrow\n"
        "  Give all systems the same references, or one folder of them with `--reference DIR`."
    )


LAYOUT = "  Put one folder per system into it, each with <clip>/predicted_binaural.wav and input_binaural.wav."


def test_a_folder_without_systems(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"{tmp_path}: holds no system\n{LAYOUT}"
    assert refused(tmp_path / "no") == f"{tmp_path / 'no'}: no such folder\n{LAYOUT}"


def test_a_table_that_is_missing_or_damaged(folder: Path) -> None:
    with pytest.raises(DataError) as caught:
        read(folder)
    fix = f"  Build it again: avspatial leaderboard build {folder}"
    assert str(caught.value) == f"{folder}: holds no leaderboard.json\n{fix}"
    (folder / "leaderboard.json").write_text('{"schema": 1}')
    with pytest.raises(RunError) as caught:
        read(folder)
    assert str(caught.value) == f"{folder}/leaderboard.json: is damaged (KeyError: 'systems')\n{fix}"


def test_the_verbs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "build", str(folder), "--metrics", "snr", "--json"]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and list(json.loads(out)["metrics"]) == ["snr"]
    assert main(["leaderboard", "verify", str(folder)]) == 0
    assert capsys.readouterr().out == "2 systems, 3 clips: the table is what its files say.\n"
    louder(folder / "wide" / "clip 0" / "predicted_binaural.wav")
    assert main(["leaderboard", "verify", str(folder)]) == 1
    assert capsys.readouterr().out.startswith("wide/clip 0/predicted_binaural.wav: snr: ")
    assert main(["leaderboard", "verify", str(folder), "--json"]) == 1
    data = json.loads(capsys.readouterr().out)
    assert data["verified"] is False and data["differences"][1]["what"] == "sha256"


def test_a_clip_that_fails_is_counted_and_reported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "wide" / "clip 0" / "predicted_binaural.wav").unlink()
    assert main(["leaderboard", "build", str(folder), "--metrics", "snr"]) == 1
    caught = capsys.readouterr()
    assert "1 of 3 clips of wide failed; first clip 0: " in caught.err
    assert "| 1 of 3 |" in caught.out
    assert main(["leaderboard", "verify", str(folder)]) == 0
