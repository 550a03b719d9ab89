"""Saved sound, under the names of the official code, so that its evaluation scripts read ours and we read theirs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from avspatial.atomic import atomic_directory
from avspatial.errors import DataError
from avspatial.interfaces import Truth
from avspatial.media.audio import write_wav
from avspatial.media.image import write_jpeg
from avspatial.signal import stereo

PREDICTED = "predicted_binaural.wav"
"""Left and right as the spatializer made them."""
REFERENCE = "input_binaural.wav"
"""The clip's true stereo."""
MONO = "mixed_mono.wav"
"""The mean of left and right: what the spatializer heard, as a listener hears it."""
PICTURE = "picture.jpg"
"""The picture in the middle of the clip (the official code saves none)."""
TRUTH = "truth.json"
"""The true angles, where they are known: {"rate", "azimuth" (S, K), "energy" (S, K)}, as `interfaces.Truth`."""


def save_outputs(
    folder: Path,
    prediction: np.ndarray,
    reference: np.ndarray,
    rate: int,
    picture: np.ndarray | None = None,
    truth: Truth | None = None,
    aspect: float | None = None,
) -> None:
    """Write a clip's folder, whole or not at all: prediction (2, T), reference (2, T), picture (H, W, 3) uint8
    and the width over height that its video has, where it was squeezed.

    The sound files are 32 bit float: nothing is clipped or rounded before it is scored. MediaError or OSError when
    a file cannot be written.
    """
    with atomic_directory(folder) as temporary_path:
        write_wav(temporary_path / PREDICTED, prediction, rate)
        write_wav(temporary_path / REFERENCE, reference, rate)
        write_wav(temporary_path / MONO, stereo.to_mono(reference)[None], rate)
        if picture is not None:
            write_jpeg(temporary_path / PICTURE, picture, aspect)
        if truth is not None:
            said = {"rate": truth.rate, "azimuth": truth.azimuth.tolist(), "energy": truth.energy.tolist()}
            (temporary_path / TRUTH).write_text(json.dumps(said) + "\n", encoding="utf-8")


def save_prediction(folder: Path, prediction: np.ndarray, rate: int) -> None:
    """Write the folder of a control, whole or not at all: the prediction (2, T) alone. Errors as `save_outputs`."""
    with atomic_directory(folder) as temporary_path:
        write_wav(temporary_path / PREDICTED, prediction, rate)


def read_truth(path: Path) -> Truth | None:
    """The true angles that `save_outputs` wrote, None where there is no such file; DataError for a damaged one."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        return Truth(float(said["rate"]), *(np.array(said[name], float) for name in ("azimuth", "energy")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "Restore it, or remove it: the clip is then scored without true angles."
        raise DataError("not a readable truth.json", where=path, fix=fix) from error
