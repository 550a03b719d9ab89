"""Everything that makes inference fast at once, against a loop that does one thing after another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from plain_loop import plain_loop

from avspatial.inference.faster import faster
from avspatial.inference.looks import ClipPictures
from avspatial.inference.walks import Manner, walk_over
from avspatial.interfaces import Spatializer
from avspatial.media.video import folder_pictures
from avspatial.models.masking import MaskingSpatializer
from avspatial.models.settings import C3dSettings, MaskingSettings, UnetEncoderSettings, UnetMaskSettings
from avspatial.recipe.schema import Inference
from avspatial.registry import Registry
from avspatial.settings import Framing, Selected, Stft, Window

WINDOW = Window(seconds=0.128, rate=8000, fps=10, pictures=4, picture=(32, 48))
FRAMING = Framing(window=WINDOW, stft=Stft(n_fft=64, window=64, hop=16))


@pytest.fixture(scope="module")
def sagm(builtin_registry: Registry) -> Spatializer:
    """SAGM's networks, some channels wide, on which the pictures have much influence."""
    settings = MaskingSettings.model_validate(
        {
            "visual_encoder": Selected(
                "visual_encoder", "avspatial.c3d", "1", C3dSettings(pretrained=False, width=1 / 8)
            ),
            "audio_encoder": Selected("audio_encoder", "avspatial.unet", "1", UnetEncoderSettings(width=1 / 8)),
            "mask_generator": Selected("mask_generator", "avspatial.unet", "1", UnetMaskSettings()),
        }
    )
    torch.manual_seed(0)
    made = MaskingSpatializer(settings, framing=FRAMING, builder=builtin_registry)
    torch.nn.init.normal_(made.mask_generator.last.weight, 0, 1)
    with torch.no_grad():
        made.mask_generator.fusion.reduce[0].weight.mul_(100)
        for up in made.mask_generator.convolutions:
            up[0].weight.mul_(3)
    return made.eval()


def test_equals_a_loop_over_jpg_files_that_pillow_reads(sagm: Spatializer, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(12):
        coarse = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((150, 100)).save(tmp_path / f"{number + 1:06d}.jpg")
    sound = torch.from_numpy(random.normal(0, 0.1, (1, 8000)).astype(np.float32))
    reference = plain_loop(sagm, tmp_path, 240, sound)
    pictures = folder_pictures(tmp_path, WINDOW.fps, WINDOW.fps, WINDOW.picture)
    quick, manner = faster(sagm), Manner(Inference(hop=0.03))
    with torch.inference_mode():
        walk = walk_over(quick, ClipPictures(pictures), manner)
        found = torch.cat((walk.push(sound), walk.finish()), 1)
    assert (reference[0] - reference[1]).std() > 0.02
    torch.testing.assert_close(found, reference, atol=1e-4, rtol=0)
