"""Mixdown: mono at full quality, a difference at the model's rate, one common gain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avspatial.inference.files.mixdown import StereoAssembler, common_gain
from avspatial.media.audio_meters import Meters, downmix
from avspatial.media.resample import Resampler, resample
from avspatial.signal.loudness import integrated_loudness, true_peak


def cut(sound: np.ndarray, lengths: list[int]) -> list[np.ndarray]:
    """sound (..., T) in blocks of these lengths, again and again."""
    blocks, start, turn = [], 0, 0
    while start < sound.shape[-1]:
        blocks.append(sound[..., start : start + lengths[turn % len(lengths)]])
        start, turn = start + lengths[turn % len(lengths)], turn + 1
    return blocks


def noise(samples: int, seed: int = 0, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@given(
    rates=st.sampled_from([(48000, 16000), (44100, 16000), (16000, 48000), (16000, 16000), (8000, 16000)]),
    samples=st.integers(1, 20000),
    lengths=st.lists(st.integers(1, 5000), min_size=1, max_size=4),
)
def test_resampled_in_blocks_is_resampled_at_once(rates: tuple[int, int], samples: int, lengths: list[int]) -> None:
    sound = np.stack([noise(samples), noise(samples, 1)])
    resampler = Resampler(2, *rates)
    blocks = [resampler.push(block) for block in cut(sound, lengths)]
    np.testing.assert_array_equal(np.concatenate([*blocks, resampler.finish()], 1), resample(sound, *rates))


@given(
    rate=st.sampled_from([8000, 16000, 44100, 48000]),
    samples=st.integers(1, 12000),
    lengths=st.lists(st.integers(1, 4000), min_size=1, max_size=3),
    width=st.floats(0, 1.5),
)
def test_assembled_stereo_is_mono_compatible_and_as_long_as_the_mono(
    rate: int, samples: int, lengths: list[int], width: float
) -> None:
    sound, output = noise(samples), noise(round(samples * 16000 / rate), 1)
    assembler, blocks, given_out = StereoAssembler(rate, 16000, width), [], 0
    for block in cut(sound, lengths):
        assembler.push_mono(block)
        blocks += assembler.push_difference(output[given_out : given_out + len(block) // 2])
        given_out += len(block) // 2
    blocks += [*assembler.push_difference(output[given_out:]), *assembler.finish()]
    stereo = np.concatenate(blocks, 1)
    assert stereo.shape == (2, samples)
    np.testing.assert_allclose(stereo.mean(0), sound, atol=1e-6)
    resampled = resample(output[None], 16000, rate)[0]
    expected = np.zeros(samples, np.float32)
    expected[: len(resampled)] = resampled[:samples]
    np.testing.assert_allclose(stereo[0] - stereo[1], width * expected, atol=1e-6)


def metered(sound: np.ndarray) -> Meters:
    meters = Meters(48000)
    for block in cut(sound, [4096]):
        meters.add(block)
    return meters


def test_the_common_gain_restores_the_loudness() -> None:
    sound = np.stack([noise(48000), noise(48000, 1)])
    before = integrated_loudness(sound, 48000) + 3
    level = common_gain(before, metered(sound))
    assert level.gain == pytest.approx(3, abs=1e-6)
    assert integrated_loudness(level.factor * sound, 48000) == pytest.approx(before, abs=1e-6)
    assert level.change == pytest.approx(0, abs=1e-9)


def test_the_peak_comes_before_the_loudness() -> None:
    sound = np.stack([noise(48000), noise(48000, 1)])
    level = common_gain(integrated_loudness(sound, 48000) + 30, metered(sound))
    assert level.true_peak == -1
    assert true_peak(level.factor * sound, 48000) == pytest.approx(-1, abs=1e-6)
    assert level.change is not None and level.change < -1


@pytest.mark.parametrize("sound", [noise(1000), noise(48000, level=1e-6)], ids=["short", "quiet"])
def test_a_sound_without_a_loudness_keeps_its_level(sound: np.ndarray) -> None:
    meters = metered(sound[None])
    level = common_gain(meters.loudness, meters)
    assert (level.gain, level.loudness_before, level.change) == (0.0, None, None)


def test_mono_of_stereo_is_what_both_ears_share() -> None:
    left, right = noise(100), noise(100, 1)
    np.testing.assert_allclose(downmix(np.stack([left, right])), (left + right) / 2)
    np.testing.assert_array_equal(downmix(left[None]), left)
