"""Real runs, small enough for a test: SAGM with a few channels on six short simulated scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import avspatial
from avspatial.api.run import Finished
from avspatial.progress import silent

RECIPE = """\
# A few channels, a few steps.
schema: 1
name: tiny
data: {use: simulated, clips: 6, seconds: 1.2, picture: [48, 64], sources: [1, 1], root: ROOT}
window: {seconds: 1.0, picture: [32, 32]}
model:
  use: masking
  visual_encoder: {use: c3d, width: 0.03125, pretrained: false}
  audio_encoder: {use: unet, width: 0.0625}
  mask_generator: {use: unet}
trainer:
  use: shared_visual_gan
  steps: 3
  batch_size: 2
  validate_every: 1
  discriminator: {use: visual_patch, width: 0.0625}
metrics: [stft_distance, snr, left_right]
"""


@pytest.fixture(scope="session")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the recipe; the cache lies in it too, so that nothing of the user's is read or written."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "tiny.yaml").write_text(RECIPE.replace("ROOT", str(folder / "scenes")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVSPATIAL_CACHE", str(folder / "cache"))
        yield folder


@pytest.fixture(scope="session")
def run_tiny(workplace: Path) -> Callable[..., Finished]:
    """Run the tiny recipe; keywords as `avspatial.run`."""

    def run(**changes: Any) -> Finished:
        given = {"runs": workplace / "runs", "progress": silent, "device": "cpu", **changes}
        return avspatial.run(None if "resume" in changes else workplace / "tiny.yaml", **given)

    return run


@pytest.fixture(scope="session")
def finished(run_tiny: Callable[..., Finished]) -> Finished:
    """One run from beginning to end; tests read it and change nothing."""
    return run_tiny(name="first")
