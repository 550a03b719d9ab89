"""Loudness and true peak against the standard's own numbers (ITU-R BS.1770-5, EBU Tech 3341) and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyloudnorm import Meter
from scipy import signal

from avspatial.signal.loudness import LoudnessMeter, TruePeakMeter, integrated_loudness, k_weighting, true_peak

RATE = 48000


def sine(seconds: float, level: float, frequency: float = 1000.0, rate: int = RATE, channels: int = 2) -> np.ndarray:
    """A sine whose peak is `level` dB below full scale, the same in each channel."""
    time = np.arange(round(seconds * rate)) / rate
    return np.tile(10 ** (level / 20) * np.sin(2 * np.pi * frequency * time), (channels, 1))


def levels(*parts: tuple[float, float]) -> np.ndarray:
    return np.concatenate([sine(seconds, level) for seconds, level in parts], -1)


def test_the_filters_at_48_kHz_are_those_that_the_standard_prints() -> None:
    # BS.1770-5, annex 1, tables 1 and 2
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    high_pass = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48000), [shelf, high_pass], rtol=1e-12)


@pytest.mark.parametrize(("rate", "within"), [(8000, 0.21), (16000, 0.05), (44100, 0.005), (96000, 0.01)])
def test_the_filters_at_another_rate_weigh_alike(rate: int, within: float) -> None:
    frequencies = [50, 100, 300, 997]
    theirs, ours = (signal.sosfreqz(k_weighting(r), frequencies, fs=r)[1] for r in (48000, rate))
    np.testing.assert_allclose(20 * np.log10(np.abs(ours / theirs)), 0, atol=within)


def test_a_full_scale_sine_of_997_Hz_in_one_channel_has_minus_3_01_LUFS() -> None:
    # BS.1770-5, annex 1
    assert integrated_loudness(sine(5, 0, 997, channels=1), RATE) == pytest.approx(-3.01, abs=5e-3)
    left = sine(5, 0, 997) * [[1.0], [0.0]]
    assert integrated_loudness(left, RATE) == pytest.approx(-3.01, abs=5e-3)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(20, -23)], -23),
        ([(20, -33)], -33),
        ([(10, -36), (60, -23), (10, -36)], -23),
        ([(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)], -23),
        ([(20, -26), (20.1, -20), (20, -26)], -23),
    ],
    ids=["1", "2", "3", "4", "5"],
)
def test_ebu_tech_3341_loudness_cases(parts: list[tuple[float, float]], expected: float) -> None:
    assert integrated_loudness(levels(*parts), RATE) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("rate", [16000, 22050, 44100, 96000])
def test_997_Hz_at_minus_23_has_minus_23_LUFS_at_any_rate(rate: int) -> None:
    assert integrated_loudness(sine(5, -23, 997, rate), rate) == pytest.approx(-23, abs=0.1)


def test_loudness_is_that_of_the_definition_written_out() -> None:
    rng = np.random.default_rng(0)
    sound = rng.standard_normal((2, 5 * RATE)) * np.repeat([0.001, 0.1, 0.3, 0.02, 1e-5], RATE)
    weighted = signal.sosfilt(k_weighting(RATE), sound)
    starts = range(0, sound.shape[1] - 19200 + 1, 4800)
    blocks = np.array([np.square(weighted[:, s : s + 19200]).mean(-1).sum() for s in starts])
    loud = -0.691 + 10 * np.log10(blocks)
    gate = -0.691 + 10 * np.log10(blocks[loud > -70].mean()) - 10
    kept = blocks[(loud > -70) & (loud > gate)]
    assert 0 < len(kept) < len(blocks)
    expected = -0.691 + 10 * np.log10(kept.mean())
    assert integrated_loudness(sound, RATE) == pytest.approx(expected, rel=1e-9)


def test_loudness_is_that_of_pyloudnorm_with_the_standards_filters() -> None:
    # pyloudnorm 0.2.0; its other filter class only comes near the standard, and this one only at 48 kHz
    sound = np.random.default_rng(0).standard_normal((2, 3 * RATE)) * 0.1
    expected = Meter(RATE, filter_class="DeMan").integrated_loudness(sound.T)
    assert integrated_loudness(sound, RATE) == pytest.approx(expected, rel=1e-9)


def test_silence_has_no_loudness_and_no_peak() -> None:
    assert integrated_loudness(np.zeros((2, RATE)), RATE) == -np.inf
    assert integrated_loudness(sine(2, -80), RATE) == -np.inf
    assert true_peak(np.zeros((2, RATE)), RATE) == -np.inf


def test_less_than_400_ms_have_no_loudness() -> None:
    assert np.isnan(integrated_loudness(sine(0.39, -10), RATE))
    assert np.isnan(LoudnessMeter(RATE).integrated())
    assert np.isfinite(integrated_loudness(sine(0.4, -10), RATE))


def faded(period: float, phase: float, amplitude: float, rate: int) -> np.ndarray:
    """A tone of `period` samples that swells and dies, so that its ends add no peak of their own."""
    time = np.arange(rate // 4)
    edges = np.minimum(1, np.minimum(time, time[::-1]) / 2000)
    return (amplitude * edges * np.sin(2 * np.pi * time / period + np.radians(phase)))[None]


@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize(
    ("period", "phase", "amplitude", "expected"),
    [(4, 0, 0.5, -6), (4, 45, 0.5, -6), (6, 60, 0.5, -6), (8, 67.5, 0.5, -6), (4, 45, 1.41, 3)],
    ids=["15", "16", "17", "18", "19"],
)
def test_ebu_tech_3341_true_peak_cases(rate: int, period: int, phase: float, amplitude: float, expected: float) -> None:
    # Their tolerance is +0.2 / -0.4 dB; the samples alone reach 3 dB less in case 16.
    sound = faded(period, phase, amplitude, rate)
    assert true_peak(sound, rate) == pytest.approx(expected, abs=0.03)


def test_a_true_peak_is_that_of_scipys_resampling() -> None:
    sound = np.random.default_rng(0).standard_normal((2, 16000)) * 0.1
    upsampled = signal.resample(np.pad(sound, ((0, 0), (500, 500))), 12 * 17000, axis=-1)
    assert true_peak(sound, 16000) == pytest.approx(20 * np.log10(np.abs(upsampled).max()), abs=0.05)
    assert true_peak(sound, 16000) > 20 * np.log10(np.abs(sound).max())


def test_no_true_peak_is_below_the_largest_sample() -> None:
    for place in (0, 1, 50, 99):
        click = np.zeros((2, 100))
        click[1, place] = -0.5
        assert true_peak(click, RATE) == pytest.approx(20 * np.log10(0.5))
    assert true_peak(np.full((1, 1), 0.25), RATE) == pytest.approx(20 * np.log10(0.25))


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20), st.sampled_from([8000, 11025, 16000]))
def test_a_stream_measures_alike_however_it_is_cut(cuts: list[int], rate: int) -> None:
    sound = np.random.default_rng(len(cuts)).standard_normal((2, max(sum(cuts), rate // 2))) * 0.1
    loudness, peak = LoudnessMeter(rate), TruePeakMeter(rate)
    for block in np.split(sound, np.cumsum(cuts), axis=-1):
        loudness.add(block)
        peak.add(block)
    assert loudness.integrated() == pytest.approx(integrated_loudness(sound, rate), rel=1e-12)
    assert peak.peak() == pytest.approx(true_peak(sound, rate), rel=1e-12)


def test_a_meter_may_be_asked_and_fed_on() -> None:
    loudness, peak = LoudnessMeter(RATE), TruePeakMeter(RATE)
    for meter, ask in ((loudness, loudness.integrated), (peak, peak.peak)):
        meter.add(sine(1, -30))
        first = ask()
        assert ask() == first
        meter.add(sine(1, -20))
        assert ask() > first


@pytest.mark.parametrize("meter", [LoudnessMeter, TruePeakMeter])
@pytest.mark.parametrize(
    ("block", "message"),
    [
        (np.array([[0.0, np.nan], [0.0, 0.0]]), "the audio holds NaN or infinity"),
        (np.zeros((3, 10)), "the audio has shape (3, 10); (2, T) is needed"),
        (np.zeros(10), "the audio has shape (10,); (2, T) is needed"),
    ],
)
def test_invalid_audio_is_refused(meter: type, block: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError) as refused:
        meter(RATE).add(block)
    assert str(refused.value) == message


def test_rates_and_channels_that_cannot_be_measured_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^a rate of 3000 Hz is too low for the K-weighting; 4000 Hz at least are needed$"
    ):
        LoudnessMeter(3000)
    with pytest.raises(ValueError, match=r"^loudness is of one or two channels here, not 6$"):
        LoudnessMeter(RATE, channels=6)
