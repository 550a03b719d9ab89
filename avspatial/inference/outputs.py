"""Saved sound, under the names of the official code, so that its evaluation scripts read ours and we read theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avspatial.media.wav import write_wav
from avspatial.runs.whole import whole_folder
from avspatial.signal import stereo

PREDICTED = "predicted_binaural.wav"
"""Left and right as the spatializer made them."""
REFERENCE = "input_binaural.wav"
"""The clip's true stereo."""
MONO = "mixed_mono.wav"
"""The mean of left and right: what the spatializer heard, as a listener hears it."""
PICTURE = "picture.jpg"
"""The picture in the middle of the clip."""


def save_outputs(
    folder: Path, prediction: np.ndarray, reference: np.ndarray, rate: int, picture: np.ndarray | None = None
) -> None:
    """Write a clip's folder, whole or not at all: prediction (2, T), reference (2, T), picture (H, W, 3) uint8.

    The files are 32 bit float: nothing is clipped or rounded before it is scored. Raises OSError if the file system
    refuses; FileExistsError if the folder is there.
    """
    with whole_folder(folder) as aside:
        write_wav(aside / PREDICTED, prediction, rate)
        write_wav(aside / REFERENCE, reference, rate)
        write_wav(aside / MONO, np.asarray(stereo.mixture(reference))[None] / 2, rate)
        if picture is not None:
            _save_picture(aside / PICTURE, picture)


def save_prediction(folder: Path, prediction: np.ndarray, rate: int) -> None:
    """Write the folder of a control: the prediction (2, T) alone. Errors as `save_outputs`."""
    with whole_folder(folder) as aside:
        write_wav(aside / PREDICTED, prediction, rate)
