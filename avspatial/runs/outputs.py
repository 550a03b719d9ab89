"""Saved outputs of a clip, under the file names of the official FAIR-Play code, so that each can score the other's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from avspatial.atomic import atomic_directory
from avspatial.contents import foreign_contents
from avspatial.errors import DataError
from avspatial.interfaces import Truth
from avspatial.media.audio import write_wav
from avspatial.media.image import write_jpeg
from avspatial.signal import stereo

PREDICTED = "predicted_binaural.wav"
"""The predicted stereo."""
REFERENCE = "input_binaural.wav"
"""The clip's true stereo."""
MONO = "mixed_mono.wav"
"""The mean of left and right, which is the spatializer's input."""
PICTURE = "picture.jpg"
"""The image in the middle of the clip (the official code saves none)."""
TRUTH = "truth.json"
"""The true angles, if they are known: {"rate", "azimuth" (S, K), "energy" (S, K)}, as `interfaces.Truth`."""


def save_outputs(
    folder: Path,
    prediction: np.ndarray,
    reference: np.ndarray,
    rate: int,
    image: np.ndarray | None = None,
    truth: Truth | None = None,
    aspect: float | None = None,
) -> None:
    """Write a clip's folder atomically: prediction (2, T), reference (2, T), image (H, W, 3) uint8.

    `aspect` is the width over height of the video if the image has another. The audio files are 32-bit float, so that
    nothing is clipped or rounded before it is scored. MediaError or OSError if a file cannot be written.
    """
    with atomic_directory(folder) as temporary_path:
        write_wav(temporary_path / PREDICTED, prediction, rate)
        write_wav(temporary_path / REFERENCE, reference, rate)
        write_wav(temporary_path / MONO, stereo.to_mono(reference)[None], rate)
        if image is not None:
            write_jpeg(temporary_path / PICTURE, image, aspect)
        if truth is not None:
            angles = {"rate": truth.rate, "azimuth": truth.azimuth.tolist(), "energy": truth.energy.tolist()}
            (temporary_path / TRUTH).write_text(json.dumps(angles, allow_nan=False) + "\n", encoding="utf-8")


def save_prediction(folder: Path, prediction: np.ndarray, rate: int) -> None:
    """Write the folder of a control atomically: the prediction (2, T) alone. Errors as `save_outputs`."""
    with atomic_directory(folder) as temporary_path:
        write_wav(temporary_path / PREDICTED, prediction, rate)


def read_truth(path: Path) -> Truth | None:
    """The true angles that `save_outputs` wrote; None if there is no file, DataError if it is damaged."""
    try:
        angles = json.loads(path.read_text(encoding="utf-8"))
        return Truth(float(angles["rate"]), *(np.array(angles[name], float) for name in ("azimuth", "energy")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "Restore it, or remove it: the clip is then scored without true angles."
        raise DataError(foreign_contents(path) or "not a readable truth.json", where=path, fix=fix) from error
