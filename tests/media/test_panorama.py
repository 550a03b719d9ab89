"""Views of 360-degree frames: directions that were painted into them are seen where the camera's formulas put them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avspatial.media.panorama import Panorama
from avspatial.signal.ambisonics import rotation


def equirectangular(height, width):
    """Directions (height, width, 3), front, left and up, of the pixels of a frame."""
    azimuth = 2 * np.pi * (0.5 - (np.arange(width) + 0.5) / width)
    elevation = np.pi * (0.5 - (np.arange(height) + 0.5) / height)[:, None]
    flat = np.cos(elevation)
    return np.stack(np.broadcast_arrays(np.cos(azimuth) * flat, np.sin(azimuth) * flat, np.sin(elevation)), -1)


def pinhole(height, width, field_of_view):
    """Directions of the pixels of a camera that faces the front."""
    half = np.tan(np.radians(field_of_view) / 2)
    left = half * (1 - 2 * (np.arange(width) + 0.5) / width)
    up = half * height / width * (1 - 2 * (np.arange(height) + 0.5) / height)
    vectors = np.stack(np.broadcast_arrays(1.0, left[None], up[:, None]), -1)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def painted():
    """A frame whose red is the front share, green the left share and blue the upward share of its direction."""
    return np.round(127.5 + 127.5 * equirectangular(180, 360)).astype(np.uint8)[None]


def seen(view):
    return view[0] / 127.5 - 1


@settings(max_examples=20)
@given(st.floats(-180, 180), st.floats(-60, 60), st.floats(-180, 180), st.floats(30, 150))
def test_a_turned_camera_sees_what_stands_there(painted, yaw, pitch, roll, field_of_view):
    view = Panorama((40, 80), field_of_view, yaw, pitch, roll).views(painted)
    assert np.abs(seen(view) - pinhole(40, 80, field_of_view) @ rotation(yaw, pitch, roll)).max() < 0.03


@settings(max_examples=10)
@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_an_equirectangular_view_turns_likewise(painted, yaw, pitch, roll):
    view = Panorama((90, 180), None, yaw, pitch, roll).views(painted)
    assert np.abs(seen(view) - equirectangular(90, 180) @ rotation(yaw, pitch, roll)).max() < 0.03


@pytest.mark.parametrize("yaw", [-170, -50, 0, 25, 178])
def test_the_middle_of_a_view_is_where_the_camera_points(painted, yaw):
    front, left, up = seen(Panorama((41, 81), 60, yaw, 10).views(painted))[20, 40]
    assert np.degrees(np.arctan2(left, front)) == pytest.approx(yaw, abs=1)
    assert np.degrees(np.arcsin(up)) == pytest.approx(10, abs=1)


def test_a_view_is_met_to_half_a_degree(painted):
    """Mean over a view, which rounding to 8 bits and truncation in the filter do not move by more."""
    for yaw in (0, 60, -120):
        found = seen(Panorama((40, 80), 90, yaw).views(painted))
        expected = pinhole(40, 80, 90) @ rotation(yaw)
        angles = [np.degrees(np.arctan2(v[..., 1], v[..., 0])) for v in (found, expected)]
        assert abs(((angles[0] - angles[1] + 180) % 360 - 180).mean()) < 0.5
