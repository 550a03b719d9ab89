"""Recipes, runs and outputs side by side, for real: runs are found or made, outputs are scored as the others were."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.recordings360 import field, panorama, write_recording

import avspatial
from avspatial.api.run import Finished
from avspatial.data.video_lists import published_split
from avspatial.errors import DataError, RecipeError
from avspatial.media.audio import read_audio, write_wav
from avspatial.progress import silent
from avspatial.runs.directory import Run
from avspatial.runs.outputs import PREDICTED, REFERENCE


def test_the_outputs_of_a_run_score_as_the_run_did(finished: Finished, tmp_path: Path) -> None:
    outputs = tmp_path / "theirs"
    shutil.copytree(finished.path / "outputs", outputs)
    found = avspatial.compare([finished.path, outputs], progress=silent)
    assert [one.name for one in found.systems] == ["first", "theirs"]
    assert list(found.metrics) == ["stft_distance", "snr", "left_right"]
    assert {pair.verdict for pair in found.pairs} == {"not distinguishable"}
    assert {value for pair in found.pairs for value in pair.differences.values()} == {0.0}
    clip = next(iter(found.systems[1].clips.values()))
    assert clip.predicted == outputs / clip.id / PREDICTED and clip.picture == outputs / clip.id / "picture.jpg"


def test_what_evaluate_saved_is_compared_with_the_run(finished: Finished, tmp_path: Path) -> None:
    controls = ["mono", "swapped"]
    avspatial.evaluate(finished.path, save=tmp_path / "scores", controls=controls, progress=silent)
    found = avspatial.compare([finished.path, tmp_path / "scores"])
    assert list(found.metrics) == ["stft_distance", "snr", "left_right"]
    assert {pair.verdict for pair in found.pairs} == {"not distinguishable"}
    assert all(value == 0 for pair in found.pairs for value in pair.differences.values())
    assert not [note for note in found.notes if "does not say" in note]


def test_outputs_of_two_folders_are_scored_against_references_elsewhere(finished: Finished, tmp_path: Path) -> None:
    for name in ("references", "exchanged", "quiet"):
        (tmp_path / name).mkdir()
    for folder in (finished.path / "outputs").iterdir():
        sound, rate = read_audio(folder / REFERENCE)
        write_wav(tmp_path / "references" / f"{folder.name}.wav", sound, rate)
        write_wav(tmp_path / "exchanged" / f"{folder.name}.wav", sound[::-1], rate)
        write_wav(tmp_path / "quiet" / f"{folder.name}.wav", 0.5 * sound, rate)
    found = avspatial.compare(
        [tmp_path / "exchanged", tmp_path / "quiet"],
        reference=tmp_path / "references",
        metrics=["stft_distance"],
        progress=silent,
    )
    assert found.convention == "fairplay"
    assert found.means["exchanged"]["stft_distance"].mean == found.controls["swapped"]["stft_distance"].mean
    assert found.means["quiet"]["stft_distance"].mean == pytest.approx(0, abs=1e-9)


def test_outputs_without_references_are_reported(finished: Finished, tmp_path: Path) -> None:
    sound, rate = read_audio(next((finished.path / "outputs").iterdir()) / REFERENCE)
    write_wav(tmp_path / "a.wav", sound, rate)
    with pytest.raises(DataError, match="holds audio, but no references"):
        avspatial.compare([finished.path, tmp_path], progress=silent)


PLAIN = """\
schema: 1
extends: TINY
name: plain
model: {visual_encoder: null, audio_encoder: {use: unet, width: 0.03125}}
trainer: {use: supervised, steps: 2, batch_size: 2}
metrics: [snr]
"""


@pytest.mark.slow
def test_recipes_are_run_once_a_seed_and_found_again(
    workplace: Path, finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plain.yaml").write_text(PLAIN.replace("TINY", str(workplace / "tiny.yaml")))
    systems = [finished.path, tmp_path / "plain.yaml"]
    arguments = {"seeds": 2, "runs": tmp_path / "runs", "device": "cpu", "overrides": ["trainer.steps=1"]}
    found = avspatial.compare(systems, **arguments)
    printed = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Running")]
    assert printed == [f"Running plain (seed={seed}), {seed + 1} of 2 ..." for seed in (0, 1)]
    assert [(one.name, one.seeds) for one in found.systems] == [("first", 1), ("plain", 2)]
    assert list(found.between_seeds["plain"]) == list(found.metrics) == ["snr"]

    made = sorted(tmp_path.glob("runs/*/*"))
    assert len(made) == 2
    stopped = Run(made[0])
    stopped.summary.unlink()
    stopped.update_metadata(state="running")
    again = avspatial.compare(systems, **arguments)
    assert sorted(tmp_path.glob("runs/*/*")) == made, "the stopped run is gone on with, the other is found"
    assert stopped.finished and json.dumps(again.to_dict()) == json.dumps(found.to_dict())
    seeds = [list(run.conditions["model"].values["snr"].values()) for run in found.systems[1].runs]
    assert found.means["plain"]["snr"].mean == pytest.approx(np.mean(seeds))


PANNED = """\
schema: 1
name: left
data: {use: foa360, root: ROOT, splits: ytmusic/1, missing: report, seconds: 1, view: {yaw: 20}}
window: {seconds: 1.0, picture: [32, 32]}
model: {use: panner, azimuth: 40}
trainer: supervised
metrics: [left_right, spl_direction]
"""


@pytest.mark.slow
def test_recipes_on_several_published_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources are at -60 degrees, so right of a camera at 20 degrees: one panner is always right, the other never."""
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    both = [published_split(f"ytmusic/{number}") for number in (1, 2)]
    ids = {videos[0] for split in both for videos in split.values()}
    for seed, name in enumerate(sorted(ids)):
        write_recording(tmp_path / "film" / f"{name}.mkv", field(-60, 1.0, seed=seed), [panorama(-60, 32)] * 10)
    left = PANNED.replace("ROOT", str(tmp_path / "film"))
    (tmp_path / "left.yaml").write_text(left)
    (tmp_path / "right.yaml").write_text(left.replace("name: left", "name: right").replace("40", "-40"))
    systems = [tmp_path / "left.yaml", tmp_path / "right.yaml"]
    found = avspatial.compare(
        systems, splits=["ytmusic/1", "ytmusic/2"], runs=tmp_path / "runs", device="cpu", progress=silent
    )
    assert [one.splits for one in found.systems] == [("ytmusic/1", "ytmusic/2")] * 2
    assert {name: means["left_right"].mean for name, means in found.means.items()} == {"left": 0.0, "right": 1.0}


def test_an_error_in_a_recipe_is_reported_as_everywhere(workplace: Path, finished: Finished) -> None:
    with pytest.raises(RecipeError, match=r"data\.split"):
        avspatial.compare([workplace / "tiny.yaml", finished.path], splits=[1, 2], runs=workplace / "none")
