"""A run on a folder of ordinary videos, from the command line to saved outputs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.films import moving

from avspatial.cli.main import main
from avspatial.media.audio import read_audio
from avspatial.media.resample import resample
from avspatial.media.video import write_video

RATE = 44_100


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three songs of 2.4 s with stereo sound inside, and one that is mono."""
    for number in range(4):
        path = tmp_path / "videos" / "concert" / f"song {number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = 0.1 * np.random.default_rng(number).standard_normal((2, round(2.4 * RATE)))
        write_video(path, moving(24, 32, 48), 10, sound[[0, 0]] if number == 3 else sound, RATE)
    return tmp_path / "videos"


@pytest.mark.slow
def test_a_recipe_is_trained_and_tested_on_the_clips(
    videos: Path, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["data.use=folder", f"data.root={videos}", "data.seconds=1.2", "trainer.steps=2", "metrics=[snr]"]
    given = [word for setting in settings for word in ("--set", setting)]
    runs = videos.parent / "runs"
    assert main(["run", str(workplace / "tiny.yaml"), *given, "--runs", str(runs), "--device", "cpu"]) == 0
    printed = capsys.readouterr()
    assert "left out 2:\n  2 x mono" in printed.err
    (run,) = (runs / "tiny").iterdir()
    metadata = json.loads((run / "run.json").read_text())
    assert metadata["clips"] == {"train": 2, "val": 2, "test": 2}
    scores = [json.loads(line) for line in (run / "scores.jsonl").read_text().splitlines()]
    assert len({score["clip"] for score in scores}) == 2
    (recording,) = {score["recording"] for score in scores}
    sound, rate = read_audio(videos / f"{recording}.mp4")
    name = recording.replace("/", "__")
    for clip, start in ((f"{name}_0000.0", 0.0), (f"{name}_0001.2", 1.2)):
        saved, saved_rate = read_audio(run / "outputs" / clip / "input_binaural.wav")
        excerpt = resample(sound[:, round(start * rate) : round((start + 1.2) * rate)], rate, saved_rate)
        np.testing.assert_allclose(saved, excerpt, atol=1e-6)
        predicted, _ = read_audio(run / "outputs" / clip / "predicted_binaural.wav")
        np.testing.assert_allclose(predicted.sum(0), saved.sum(0), atol=1e-5)
    assert f"{name}_0000.0" in (run / "report.html").read_text()
