"""The cue errors against the definition written out with numpy alone, hand-worked changes, and the real clip."""

from collections.abc import Callable

import numpy as np
import pytest
from support.written_out import WrittenOut

from avspatial.interfaces import Convention
from avspatial.metrics import coherence_error, ild_error, itd_error
from avspatial.metrics.cue_errors import CoherenceError, IldError, ItdError
from avspatial.metrics.settings import MetricSettings
from avspatial.signal.head import SphericalHead, render

RATE = 16000
ERRORS = (ild_error, itd_error, coherence_error)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """Half a second of two noises that come and go at 40 and -25 degrees: stereo (2, T)."""
    rng = np.random.default_rng(3)
    time = np.arange(RATE // 2) / RATE
    dry = rng.standard_normal((2, len(time))) * np.stack([1 + np.sin(40 * time), 1 + np.cos(30 * time)])
    return sum(render(0.1 * source, angle, RATE, SphericalHead()) for source, angle in zip(dry, (40, -25), strict=True))


@pytest.fixture(scope="module")
def diffuse() -> np.ndarray:
    """One noise at both ears, 3 dB louder on the left, and a little of another at each."""
    rng = np.random.default_rng(4)
    return rng.standard_normal(RATE) * np.array([[0.14], [0.1]]) + 0.01 * rng.standard_normal((2, RATE))


def test_each_error_is_that_of_the_definition_written_out(scene: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    prediction = np.stack([0.8 * scene[0] + 0.2 * scene[1], scene[1]]) + 0.003 * rng.standard_normal(scene.shape)
    y, x = WrittenOut(prediction), WrittenOut(scene)
    counted = (x.power >= 1e-4 * x.power.max(1, keepdims=True)) & (x.power >= 1e-6 * x.power.max())
    timed = counted & (x.coherence > 0.9) & (x.centre <= 1500)[:, None]
    assert 0.1 < timed.mean() < counted.mean() <= 1
    assert ild_error(prediction, scene, RATE) == pytest.approx(np.abs(y.ild - x.ild)[counted].mean(), rel=1e-6)
    assert itd_error(prediction, scene, RATE) == pytest.approx(1e6 * np.abs(y.itd - x.itd)[timed].mean(), rel=1e-6)
    expected = np.abs(y.coherence - x.coherence)[counted].mean()
    assert coherence_error(prediction, scene, RATE) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("error", ERRORS)
def test_exchanging_the_ears_of_both_changes_nothing(scene: np.ndarray, error: Callable[..., float]) -> None:
    prediction = np.stack([scene[0] + 0.1 * scene[1], scene[1]])
    assert error(prediction[::-1], scene[::-1], RATE) == error(prediction, scene, RATE) > 0


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("gain", [0.1, 3.0])
def test_a_common_gain_leaves_the_cues(scene: np.ndarray, error: Callable[..., float], gain: float) -> None:
    prediction = np.stack([scene[0] + 0.1 * scene[1], scene[1]])
    assert error(gain * prediction, scene, RATE) == pytest.approx(error(prediction, scene, RATE), rel=1e-4)


@pytest.mark.parametrize("samples", [1, 3, 5])
def test_a_delay_of_one_ear_by_k_samples_is_an_itd_error_of_k_over_the_rate(diffuse: np.ndarray, samples: int) -> None:
    late = np.stack([diffuse[0], np.roll(diffuse[1], samples)])
    assert itd_error(late, diffuse, RATE) == pytest.approx(1e6 * samples / RATE, rel=0.01)


def test_a_gain_of_one_ear_is_an_ild_error_of_as_many_dB(diffuse: np.ndarray) -> None:
    assert ild_error(diffuse * [[2.0], [1.0]], diffuse, RATE) == pytest.approx(20 * np.log10(2), rel=1e-3)
    assert itd_error(diffuse * [[2.0], [1.0]], diffuse, RATE) == pytest.approx(0, abs=0.01)


def test_exchanged_ears_err_twice_as_much_as_mono_in_level_and_time(scene: np.ndarray) -> None:
    # mono has no difference: its error is |ILD|; exchanged ears have minus the reference's: 2 |ILD|
    mono, swapped = np.stack([scene.mean(0)] * 2), scene[::-1]
    for error in (ild_error, itd_error):
        assert error(swapped, scene, RATE) == pytest.approx(2 * error(mono, scene, RATE), rel=1e-6)


def test_mono_is_perfectly_coherent(scene: np.ndarray) -> None:
    mono = np.stack([scene.mean(0)] * 2)
    assert coherence_error(mono, scene, RATE) > 0.05
    assert coherence_error(scene[::-1], scene, RATE) < 1e-9


def built(metric: type) -> Callable[..., dict[str, float]]:
    return metric(MetricSettings(), convention=Convention())


def test_each_tells_its_coverage(diffuse: np.ndarray) -> None:
    half = diffuse.copy()
    half[:, RATE // 2 :] = 0
    assert built(IldError)(half, diffuse, RATE)["ild_coverage"] == 1
    assert built(IldError)(diffuse, half, RATE)["ild_coverage"] == pytest.approx(0.5, abs=0.1)
    assert built(ItdError)(diffuse, diffuse, RATE) == {"itd_error": 0.0, "itd_coverage": pytest.approx(1, abs=0.02)}
    noise = np.random.default_rng(0).standard_normal((2, RATE))
    assert built(ItdError)(noise, noise, RATE)["itd_coverage"] < 0.5


@pytest.mark.parametrize("metric", [IldError, ItdError, CoherenceError])
def test_silence_has_a_coverage_of_zero_and_no_error(metric: type, diffuse: np.ndarray) -> None:
    name = built(metric).names[1]
    assert built(metric)(diffuse, np.zeros_like(diffuse), RATE) == {name: 0.0}
    assert np.isnan(ild_error(diffuse, np.zeros_like(diffuse), RATE))


@pytest.mark.slow
def test_the_numbers_known_of_the_real_clip(real_clip: np.ndarray) -> None:
    mono = np.stack([real_clip.mean(0)] * 2)
    found = {
        what: [error(y, real_clip, RATE) for error in ERRORS]
        for what, y in [("mono", mono), ("swapped", real_clip[::-1])]
    }
    assert found["mono"] == pytest.approx([3.325, 147.4, 0.353], rel=2e-3)
    assert found["swapped"] == pytest.approx([6.650, 294.7, 0], rel=2e-3, abs=1e-6)
