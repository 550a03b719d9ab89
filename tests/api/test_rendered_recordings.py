"""A run on 360-degree recordings: training windows are turned at random, validation and test clips never."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from support.plain_rendering import PlainRendering, recording

import avspatial
from avspatial.errors import DataError
from avspatial.media.audio import read_audio
from avspatial.progress import silent

PLUGIN = {
    "pyproject.toml": """\
[project]
name = "avspatial-turning"
version = "1"

[project.entry-points.avspatial]
turning = "avspatial_turning"
""",
    "src/avspatial_turning/__init__.py": '''\
"""Recordings that are turned."""

from avspatial.plugin import Component, hookimpl


@hookimpl
def avspatial_components():
    module = "avspatial_turning"
    return [
        Component(
            kind="dataset",
            name="turning",
            version="1",
            config=f"{module}.settings:TurningSettings",
            target=f"{module}.dataset:Turning",
            summary="Recordings that are turned",
        )
    ]
''',
    "src/avspatial_turning/settings.py": '''\
"""Settings."""

from avspatial.settings import Settings, setting


class TurningSettings(Settings):
    """PART_NAME.mkv in a folder."""

    root: str = setting(min_length=1)
    """The folder."""
    turned: list[str] = ["train"]
    """Which splits are turned at random."""
''',
    "src/avspatial_turning/dataset.py": '''\
"""The data set."""

from pathlib import Path

from support.plain_rendering import PlainRendering, clip_of

from avspatial.interfaces import Dataset


class Turning(Dataset):
    """PART_NAME.mkv in a folder."""

    def prepare(self):
        pass

    def clips(self, split):
        rendering = PlainRendering(random_yaw=split in self.settings.turned)
        files = sorted(Path(self.settings.root).glob(f"{split}_*.mkv"))
        return [clip_of(file, rendering, start=0.25, seconds=1.5) for file in files]

    def fingerprint(self):
        return "turning"
''',
}
RECIPE = """\
schema: 1
name: turning
data: {use: turning, root: ROOT}
window: {seconds: 1.0, picture: [32, 48]}
model:
  use: masking
  visual_encoder: {use: c3d, width: 0.03125, pretrained: false}
  audio_encoder: {use: unet, width: 0.0625}
  mask_generator: {use: unet}
trainer: {use: supervised, steps: 2, batch_size: 2, validate_every: 1, augmentation: {flip: 0.5, store: [36, 54]}}
metrics: [snr]
"""


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in PLUGIN.items():
        (tmp_path / "plugin" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "plugin" / name).write_text(text)
    (tmp_path / "films").mkdir()
    for name, azimuth in (("train_a", 60.0), ("train_b", -60.0), ("val_c", 30.0), ("test_d", 40.0)):
        recording(tmp_path / "films" / f"{name}.mkv", azimuth)
    (tmp_path / "turning.yaml").write_text(RECIPE.replace("ROOT", str(tmp_path / "films")))
    monkeypatch.setenv("AVSPATIAL_PLUGINS", str(tmp_path / "plugin"))
    monkeypatch.setenv("AVSPATIAL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "turning.yaml"


@pytest.mark.slow
def test_a_run_on_recordings_that_are_turned(recipe: Path, tmp_path: Path) -> None:
    finished = avspatial.run(recipe, runs=tmp_path / "runs", device="cpu", progress=silent)
    assert finished.summary is not None and (finished.summary.clips, finished.summary.failed) == (1, 0)
    output = finished.path / "outputs" / "test_d"
    with av.open(str(output / "picture.jpg")) as picture:
        assert (picture.streams.video[0].width, picture.streams.video[0].height) == (48, 32)
    field, rate = read_audio(tmp_path / "films" / "test_d.mkv", 0.25, 1.5)
    reference, _ = read_audio(output / "input_binaural.wav")
    np.testing.assert_allclose(reference, PlainRendering().stereo(field, rate), atol=1e-6)


@pytest.mark.parametrize("part", ["val", "test"])
def test_held_out_clips_that_are_turned_at_random_are_refused(recipe: Path, tmp_path: Path, part: str) -> None:
    with pytest.raises(DataError) as error:
        avspatial.run(recipe, data={"turned": ["train", part]}, runs=tmp_path / "runs", device="cpu", progress=silent)
    assert str(error.value).startswith(f"data: clip {part}_")
    assert "has a random yaw, but validation and test clips are never turned at random" in str(error.value)
    assert not (tmp_path / "runs").exists()
