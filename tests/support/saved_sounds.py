"""Saved predictions and references, small, in the layouts that people have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import avspatial
from avspatial.api.evaluate import Evaluation
from avspatial.evaluation.scoring.score_schema import read_scores
from avspatial.media.audio import write_wav

RATE = 16000


def sounds(clip: int, seconds: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """A prediction and its reference, (2, T) float32: noise, and a little narrower and noisier."""
    generator = np.random.default_rng(clip)
    samples = round(seconds * RATE)
    reference = 0.1 * generator.standard_normal((2, samples)) * [[1.0], [0.4 + 0.1 * clip]]
    prediction = 0.8 * reference + 0.2 * reference.mean(0) + 0.01 * generator.standard_normal((2, samples))
    return prediction.astype(np.float32), reference.astype(np.float32)


def save_official(folder: Path, clips: int = 4) -> Path:
    """<clip>/predicted_binaural.wav next to input_binaural.wav."""
    for number in range(clips):
        prediction, reference = sounds(number)
        write_wav(folder / f"clip{number}" / "predicted_binaural.wav", prediction, RATE)
        write_wav(folder / f"clip{number}" / "input_binaural.wav", reference, RATE)
    return folder


def quietly(items: Iterable[Any], title: str) -> Iterator[Any]:
    yield from items


def evaluate(outputs: Path, **options: Any) -> Evaluation:
    return avspatial.evaluate(outputs, **{"metrics": ["snr"], "progress": quietly, **options})


def values(folder: Path) -> dict[tuple[str, str], float | None]:
    return {(score.clip, score.metric): score.value for score in read_scores(folder / "scores.jsonl")}
