"""First-order ambisonics against closed forms: plane waves, conventions, rotation and the intensity vector."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avspatial.signal.ambisonics import directions, encode, gains, rotate, rotation, to_ambix

AZIMUTHS = st.floats(-180, 180)
ELEVATIONS = st.floats(-90, 90)


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(0).standard_normal(16000)


def test_a_plane_wave_has_the_gains_of_acn_and_sn3d():
    assert gains(0) == pytest.approx([1, 0, 0, 1])
    assert gains(90) == pytest.approx([1, 1, 0, 0])
    assert gains(-90) == pytest.approx([1, -1, 0, 0])
    assert gains(180) == pytest.approx([1, 0, 0, -1])
    assert gains(0, 90) == pytest.approx([1, 0, 1, 0])
    assert gains(30, 45) == pytest.approx([1, np.sqrt(0.125), np.sqrt(0.5), np.sqrt(0.375)])


@given(AZIMUTHS, ELEVATIONS)
def test_first_order_of_a_plane_wave_has_the_energy_of_w(azimuth, elevation):
    w, *first = gains(azimuth, elevation)
    assert w == 1
    assert np.linalg.norm(first) == pytest.approx(1)


@pytest.mark.parametrize(
    ("order", "normalization", "wave"),
    [  # a wave from 30 degrees left and 45 up, written down by hand
        ("acn", "sn3d", [1, 0.353553, 0.707107, 0.612372]),
        ("acn", "n3d", [1, 0.612372, 1.224745, 1.060660]),
        ("fuma", "fuma", [0.707107, 0.612372, 0.353553, 0.707107]),
        ("fuma", "sn3d", [1, 0.612372, 0.353553, 0.707107]),
    ],
)
def test_conventions_become_ambix(order, normalization, wave):
    field = np.outer(wave, np.ones(3)).astype(np.float32)
    found = to_ambix(field, order, normalization)
    assert found == pytest.approx(np.outer(gains(30, 45), np.ones(3)), abs=1e-6)
    assert found.dtype == np.float32


def test_a_field_needs_four_channels():
    with pytest.raises(ValueError, match=r"shape \(4, T\), not \(2, 5\)"):
        to_ambix(np.zeros((2, 5)))


@given(AZIMUTHS, ELEVATIONS, st.floats(-180, 180))
def test_a_camera_that_turns_left_sees_everything_further_right(azimuth, elevation, yaw):
    field = encode(np.ones(2), azimuth, elevation)
    assert rotate(field, yaw) == pytest.approx(encode(np.ones(2), azimuth - yaw, elevation), abs=1e-12)


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_rotations_keep_lengths_and_hands(yaw, pitch, roll):
    matrix = rotation(yaw, pitch, roll)
    assert matrix @ matrix.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)


def test_pitch_and_roll_turn_the_way_that_they_say():
    assert rotate(encode(np.ones(1), 0, 20), pitch=20) == pytest.approx(encode(np.ones(1), 0, 0), abs=1e-12)
    assert rotate(encode(np.ones(1), 0, 0), pitch=20) == pytest.approx(encode(np.ones(1), 0, -20), abs=1e-12)
    # The right side goes down: what was straight right is then above it.
    assert rotate(encode(np.ones(1), -90, 0), roll=30) == pytest.approx(encode(np.ones(1), -90, 30), abs=1e-12)


def test_pitch_comes_after_yaw():
    """A camera turned to what stands left and up has it in front."""
    assert rotate(encode(np.ones(1), 50, 20), yaw=50, pitch=20) == pytest.approx(encode(np.ones(1), 0), abs=1e-12)


@given(st.floats(-179, 179))
def test_the_intensity_of_a_plane_wave_points_at_it(azimuth):
    field = encode(np.random.default_rng(1).standard_normal(4000), azimuth, 10)
    found = directions(field, 8000)
    assert found.azimuth == pytest.approx(np.full(2, azimuth), abs=1e-6)
    assert found.directness == pytest.approx(np.ones(2))
    assert found.times == pytest.approx([0.125, 0.375])


def test_a_diffuse_field_has_no_direction():
    """120 independent plane waves evenly around: the intensity vectors cancel."""
    random = np.random.default_rng(2)
    field = sum(encode(random.standard_normal(48000), azimuth) for azimuth in range(-180, 180, 3))
    assert directions(field, 16000).directness.max() < 0.1


def test_of_two_equal_waves_the_direction_is_the_middle_and_directness_its_cosine(noise):
    field = encode(noise, 40) + encode(np.random.default_rng(3).standard_normal(16000), -20)
    found = directions(field, 16000, seconds=1.0)
    assert found.azimuth == pytest.approx([10], abs=2)
    assert found.directness == pytest.approx([np.cos(np.radians(30))], abs=0.02)


def test_silence_has_no_directness():
    found = directions(np.zeros((4, 8000)), 16000)
    assert list(found.directness) == [0, 0]
    assert list(found.energy) == [0, 0]


def test_rumble_from_elsewhere_does_not_count(noise):
    rumble = np.sin(2 * np.pi * 40 * np.arange(16000) / 16000) * 20
    found = directions(encode(noise, 60) + encode(rumble, -90), 16000, seconds=1.0)
    assert found.azimuth == pytest.approx([60], abs=1)
