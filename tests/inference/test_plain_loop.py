"""All optimizations of inference together, against a plain loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.guided_model import guided_model
from support.plain_loop import plain_loop

from avspatial.framing import Framing, Stft, Window
from avspatial.inference.optimize import optimize_for_inference
from avspatial.inference.options import InferenceOptions, make_processor
from avspatial.inference.visual_features import ClipImages
from avspatial.interfaces import Spatializer
from avspatial.media.video import folder_images
from avspatial.recipe.schema import Inference
from avspatial.registry import Registry

WINDOW = Window(seconds=0.128, rate=8000, fps=10, pictures=4, picture=(32, 48))
FRAMING = Framing(window=WINDOW, stft=Stft(n_fft=64, window=64, hop=16))


@pytest.fixture(scope="module")
def sagm(builtin_registry: Registry) -> Spatializer:
    return guided_model(FRAMING, builtin_registry, visual_width=1 / 8, width=1 / 8, louder=3)


def test_equals_a_loop_over_jpg_files_that_pillow_reads(sagm: Spatializer, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(12):
        coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((150, 100)).save(tmp_path / f"{number + 1:06d}.jpg")
    sound = torch.from_numpy(random.normal(0, 0.1, (1, 8000)).astype(np.float32))
    reference = plain_loop(sagm, tmp_path, 240, sound)
    pictures = folder_images(tmp_path, WINDOW.fps, WINDOW.fps, WINDOW.picture)
    quick, options = optimize_for_inference(sagm), InferenceOptions(Inference(hop=0.03))
    with torch.inference_mode():
        processor = make_processor(quick, ClipImages(pictures), options)
        found = torch.cat((processor.push(sound), processor.finish()), 1)
    assert (reference[0] - reference[1]).std() > 0.02
    torch.testing.assert_close(found, reference, atol=1e-4, rtol=0)
