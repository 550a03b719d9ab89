"""What a clip leaves in a run directory."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avspatial.interfaces import Truth
from avspatial.media.audio import read_audio
from avspatial.runs.outputs import save_outputs, save_prediction

RANDOM = np.random.default_rng(0)
PREDICTION, REFERENCE = (RANDOM.normal(0, 1, (2, 400)).astype(np.float32) for _ in range(2))


def test_the_official_names_and_exact_samples(tmp_path: Path) -> None:
    """Samples beyond 1 survive: what is scored is what was computed."""
    save_outputs(tmp_path / "clip", PREDICTION, REFERENCE, 16000)
    assert sorted(p.name for p in (tmp_path / "clip").iterdir()) == [
        "input_binaural.wav",
        "mixed_mono.wav",
        "predicted_binaural.wav",
    ]
    for name, expected in {
        "predicted_binaural": PREDICTION,
        "input_binaural": REFERENCE,
        "mixed_mono": REFERENCE.mean(0, keepdims=True),
    }.items():
        sound, rate = read_audio(tmp_path / "clip" / f"{name}.wav")
        assert rate == 16000
        np.testing.assert_array_equal(sound, expected)


def test_picture_and_angles_are_saved_too(tmp_path: Path) -> None:
    picture = np.full((6, 8, 3), (200, 30, 90), np.uint8)
    truth = Truth(10.0, np.array([[30.0, -20.0]]), np.array([[0.5, 0.25]]))
    save_outputs(tmp_path / "clip", PREDICTION, REFERENCE, 16000, picture, truth)
    with Image.open(tmp_path / "clip" / "picture.jpg") as shown:
        assert shown.size == (8, 6)
        assert np.abs(np.asarray(shown).astype(int) - picture).max() < 8
    save_outputs(tmp_path / "wide", PREDICTION, REFERENCE, 16000, picture, aspect=16 / 6)
    with Image.open(tmp_path / "wide" / "picture.jpg") as shown:
        assert shown.size == (16, 6)
    save_outputs(tmp_path / "tall", PREDICTION, REFERENCE, 16000, picture, aspect=8 / 12)
    with Image.open(tmp_path / "tall" / "picture.jpg") as shown:
        assert shown.size == (8, 12)
    assert json.loads((tmp_path / "clip" / "truth.json").read_text()) == {
        "rate": 10.0,
        "azimuth": [[30.0, -20.0]],
        "energy": [[0.5, 0.25]],
    }


def test_a_clip_is_there_complete_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="samples must be"):
        save_outputs(tmp_path / "clip", PREDICTION[0], REFERENCE, 16000)
    assert list(tmp_path.iterdir()) == []


def test_a_control_is_its_prediction_alone(tmp_path: Path) -> None:
    save_prediction(tmp_path / "clip", PREDICTION, 16000)
    assert [p.name for p in (tmp_path / "clip").iterdir()] == ["predicted_binaural.wav"]
