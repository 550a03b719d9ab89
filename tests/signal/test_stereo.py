"""Left, right, mixture and difference."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from avspatial.signal import stereo

SAMPLES = st.floats(-1, 1, width=32)
PAIRS = arrays.arrays(np.float32, st.tuples(st.just(2), st.integers(1, 50)), elements=SAMPLES)


def test_by_hand() -> None:
    sound = np.array([[1.0, 2.0, -1.0], [3.0, 2.0, 0.5]])  # left, right
    assert stereo.mixture(sound).tolist() == [4.0, 4.0, -0.5]
    assert stereo.difference(sound).tolist() == [-2.0, 0.0, -1.5]
    assert stereo.stereo(np.array([4.0]), np.array([-2.0])).tolist() == [[1.0], [3.0]]


@given(PAIRS)
def test_left_plus_right_is_the_mixture_whatever_the_difference(pair: np.ndarray) -> None:
    mixture, difference = pair
    np.testing.assert_allclose(stereo.stereo(mixture, difference).sum(0), mixture, atol=2e-7)


@given(PAIRS)
def test_there_and_back(pair: np.ndarray) -> None:
    back = stereo.stereo(stereo.mixture(pair), stereo.difference(pair))
    np.testing.assert_allclose(back, pair, atol=3e-7)


@given(PAIRS)
def test_arrays_and_tensors_give_the_same(pair: np.ndarray) -> None:
    tensor = torch.from_numpy(pair)
    assert np.array_equal(stereo.mixture(pair), stereo.mixture(tensor).numpy())
    assert np.array_equal(stereo.difference(pair), stereo.difference(tensor).numpy())
    assert np.array_equal(stereo.stereo(*pair), stereo.stereo(*tensor).numpy())


def test_a_mono_signal_is_both_channels() -> None:
    mono = np.array([0.5, -0.25])
    both = np.stack([mono, mono])
    assert stereo.mixture_of_mono(mono).tolist() == stereo.mixture(both).tolist()
    assert stereo.to_mono(both).tolist() == mono.tolist()
    assert torch.equal(stereo.to_mono(torch.tensor([[1.0, 2.0], [0.5, -1.0]])), torch.tensor([0.75, 0.5]))


def test_batches_keep_their_axes() -> None:
    sound = torch.rand(3, 2, 7)
    assert stereo.mixture(sound).shape == (3, 7)
    assert torch.equal(stereo.stereo(sound[:, 0], sound[:, 1])[2], stereo.stereo(*sound[2]))


@given(PAIRS)
def test_either_channel_implies_the_difference(pair: np.ndarray) -> None:
    mixture, difference = stereo.mixture(pair), stereo.difference(pair)
    np.testing.assert_allclose(stereo.difference_by_left(mixture, pair[0]), difference, atol=3e-7)
    np.testing.assert_allclose(stereo.difference_by_right(mixture, pair[1]), difference, atol=3e-7)
