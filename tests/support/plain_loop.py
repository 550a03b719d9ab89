"""Reference loop of inference, as in the official demos: one window at a time, its images read and resized (Pillow),
STFT, networks, inverse STFT, overlap-add. Nothing is shared between windows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from avspatial.data.windows import image_indices
from avspatial.inference.overlap_add import window_starts
from avspatial.interfaces import Spatializer


def load_images(files: Sequence[Path], size: tuple[int, int]) -> Tensor:
    """images (1, N, 3, H, W) in [0, 1] of jpg files."""
    pictures = [Image.open(file).convert("RGB").resize(size[::-1], Image.Resampling.BILINEAR) for file in files]
    return torch.from_numpy(np.stack([np.asarray(picture) for picture in pictures])).permute(0, 3, 1, 2)[None] / 255


def plain_loop(spatializer: Spatializer, folder: Path, hop: int, sound: Tensor) -> Tensor:
    """sound (1, T), mono, `hop` in samples, a folder of jpg files on the model's grid -> stereo (2, T)."""
    files = sorted(folder.iterdir())
    window, samples, covered = spatializer.framing.window, spatializer.framing.samples, spatializer.valid_samples
    padded = torch.nn.functional.pad(sound[0], (0, samples - covered))
    total, count = torch.zeros(2, len(padded)), torch.zeros(len(padded))
    for start in window_starts(len(padded), samples, hop):
        chosen = [files[k] for k in image_indices(start / window.rate, window, len(files))]
        images = load_images(chosen, window.picture)
        with torch.no_grad():
            stereo = spatializer(2 * padded[None, start : start + samples], images)[0]
        total[:, start : start + covered] += stereo[:, :covered]
        count[start : start + covered] += 1
    return (total / count)[:, : sound.shape[1]]
