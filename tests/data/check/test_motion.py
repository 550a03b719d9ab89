"""Where images move."""

import numpy as np
import pytest

from avspatial.data.check.motion import motion_side, on_a_side


def film(columns: slice) -> np.ndarray:
    images = np.full((4, 36, 64, 3), 100, np.uint8)
    images[1::2, 10:20, columns] = 200
    return images


def test_motion_at_the_left_edge_is_positive_as_azimuths_are() -> None:
    assert motion_side(film(slice(0, 8))) == pytest.approx(1 - 8 / 64)
    assert motion_side(film(slice(56, 64))) == pytest.approx(-(1 - 8 / 64))
    assert motion_side(film(slice(0, 64))) == pytest.approx(0)
    assert motion_side(film(slice(0, 16))[:, :, ::-1]) == pytest.approx(-motion_side(film(slice(0, 16))))  # type: ignore[operator]


def test_noise_is_no_motion() -> None:
    images = np.random.default_rng(0).integers(100, 108, (4, 36, 64, 3), np.uint8)
    assert motion_side(images) is None
    assert motion_side(images[:1]) is None
    assert not on_a_side(None) and not on_a_side(0.05) and on_a_side(-0.5)
