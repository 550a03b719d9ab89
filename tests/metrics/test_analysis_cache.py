"""The cache of analyses: each is made once for all metrics and conditions of a clip, and no value changes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from avspatial.evaluation.scoring.clip_scores import NamedMetric, Score
from avspatial.evaluation.scoring.file_pairs import FilePair
from avspatial.evaluation.scoring.score_files import score_files
from avspatial.interfaces import Convention, Truth
from avspatial.media.audio import read_audio
from avspatial.metrics import azimuth_error, coherence_error, ild_error, itd_error
from avspatial.metrics.analysis_cache import AnalysisCache, CachedMetric
from avspatial.metrics.cue_errors import CoherenceError, IldError, ItdError
from avspatial.metrics.direction import AzimuthError
from avspatial.metrics.inputs import Array
from avspatial.metrics.settings import AzimuthSettings, MetricSettings
from avspatial.runs.outputs import save_outputs

RATE = 16000
TRUTH = Truth(20.0, np.full((1, 20), 30.0), np.ones((1, 20)))


class Loudest(CachedMetric):
    """Counts how often it searches the largest sample."""

    names = ("loudest",)
    unit = {"loudest": ""}
    higher_is_better = {"loudest": None}
    normalized = False

    def __init__(self) -> None:
        super().__init__(MetricSettings(), convention=Convention())
        self.searches = 0

    def loudest(self, sound: Array, rate: int) -> float:
        self.searches += 1
        return float(np.abs(sound).max())

    def measure(
        self, cache: AnalysisCache, prediction: Array, reference: Array, rate: int, truth: Truth | None
    ) -> Mapping[str, float]:
        predicted, true = (cache.compute(self.loudest, audio, rate) for audio in (prediction, reference))
        return {"loudest": predicted - true}


@pytest.fixture
def pair(tmp_path: Path, prediction: np.ndarray, reference: np.ndarray) -> FilePair:
    save_outputs(tmp_path, prediction.astype(np.float32), reference.astype(np.float32), RATE)
    return FilePair("a", tmp_path / "predicted_binaural.wav", tmp_path / "input_binaural.wav", "a", TRUTH)


def scores(pair: FilePair, *metrics: object) -> tuple[Score, ...]:
    named = [NamedMetric(metric, type(metric).__name__, "1", {}) for metric in metrics]  # type: ignore[arg-type]
    return score_files(pair, named, Convention(), controls=("mono", "swapped", "reference")).scores


def test_an_analysis_is_made_once_for_each_array() -> None:
    made = []

    def analysis(sound: Array, rate: int) -> int:
        made.append(rate)
        return len(made)

    cache, sound = AnalysisCache(), np.ones((2, 5))
    assert [cache.compute(analysis, sound, 8000) for _ in range(3)] == [1, 1, 1]
    assert cache.compute(analysis, sound.copy(), 8000) == 2  # equal, but another array
    assert cache.compute(analysis, sound, 16000) == 3


def test_each_sound_of_a_clip_is_analysed_once_for_all_rows(pair: FilePair) -> None:
    metric = Loudest()
    assert {score.error for score in scores(pair, metric)} == {None}
    assert metric.searches == 4  # prediction, reference (also as a row), mono, swapped


def test_without_an_evaluation_it_is_a_metric_as_any(prediction: np.ndarray, reference: np.ndarray) -> None:
    assert Loudest()(prediction, reference, RATE) == {
        "loudest": pytest.approx(np.abs(prediction).max() - np.abs(reference).max())
    }


def test_shared_or_not_the_numbers_are_the_same(pair: FilePair) -> None:
    kinds = (IldError, ItdError, CoherenceError)
    built = [kind(MetricSettings(), convention=Convention()) for kind in kinds]
    found = {
        score.metric: score.value
        for score in scores(pair, *built, AzimuthError(AzimuthSettings(), convention=Convention()))
        if score.condition == "model"
    }
    y, x = (read_audio(path)[0] for path in (pair.prediction, pair.reference))
    for error in (ild_error, itd_error, coherence_error):
        assert found[error.__name__] == error(y, x, RATE)
    assert found["azimuth_error"] == azimuth_error(y, x, RATE, TRUTH)
