"""Writing single pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torchvision.io import encode_jpeg

from avspatial.runs.whole import whole_file


def write_jpeg(path: str | Path, picture: np.ndarray, quality: int = 90) -> None:
    """picture (H, W, 3) uint8 RGB -> a whole jpg file, quality 1 to 100. OSError if the file system refuses."""
    planes = torch.tensor(np.ascontiguousarray(picture)).permute(2, 0, 1).contiguous()
    with whole_file(Path(path)) as aside:
        aside.write_bytes(encode_jpeg(planes, quality).numpy().tobytes())
