"""The camera: a source is drawn at the azimuth of its sound."""

import numpy as np
import pytest

from avspatial.data.simulated.camera import SPRITES, Camera, column
from avspatial.data.simulated.scene import Scene, SceneObject, Trajectory
from avspatial.data.simulated.settings import FAMILIES, SimulatedSettings

PLAIN = SimulatedSettings(seconds=1.0, fps=4, background="plain", brightness=0.0)


def film(*things, settings=PLAIN, cutouts=None, loudness=None):
    return Camera(settings, cutouts or {}).render_frames(Scene(0, things, seed=5), loudness or {}).astype(float)


def thing(kind="voice", azimuth=0.0, distance=1.2, path=None):
    return SceneObject(kind, path or Trajectory(azimuth), distance, height=0.0, sounding=True)


def centre(pictures, background):
    """The mean column and row (P, 2) in pixels of what differs from the background."""
    weight = np.abs(pictures - background).sum(-1)
    rows, columns = np.mgrid[: weight.shape[1], : weight.shape[2]] + 0.5
    total = weight.sum((1, 2))
    return np.stack([(weight * columns).sum((1, 2)) / total, (weight * rows).sum((1, 2)) / total], -1)


def test_the_projection_is_a_pinholes():
    """By similar triangles: at half the field of view the edge, straight ahead the middle, left is small x."""
    assert column(np.array([60.0, 0.0, -60.0]), 256, 120) == pytest.approx([0, 128, 256])
    assert column(45.0, 200, 90) == pytest.approx(0)
    assert column(np.degrees(np.arctan(0.5)), 200, 90) == pytest.approx(50)


@pytest.mark.parametrize("kind", SPRITES)
@pytest.mark.parametrize("azimuth", [-48.3, -10.0, 0.0, 33.3])
def test_a_sprites_middle_stands_at_the_projection_of_its_azimuth(kind, azimuth):
    seen = centre(film(thing(kind, azimuth)), film())
    assert seen[:, 0] == pytest.approx([column(azimuth, 256, 120)] * 4, abs=0.3)


def test_a_moving_sprite_follows_its_azimuth():
    path = Trajectory(10.0, swing=25.0, period=2.0)
    seen = centre(film(thing(path=path)), film())
    assert np.ptp(seen[:, 0]) > 30
    assert seen[:, 0] == pytest.approx(column(path.at(np.arange(4) / 4), 256, 120), abs=0.3)


def height(pictures, background):
    return (np.abs(pictures - background).sum(-1) > 30).any(-1).sum(-1)[0]


@pytest.mark.parametrize("kind", SPRITES)
def test_sprites_are_large_enough_and_smaller_when_farther(kind):
    """At least 15 % of the picture's height, at every distance."""
    near, far = (height(film(thing(kind, distance=d)), film()) for d in (1.0, 2.0))
    assert far >= 0.15 * 144
    assert near > 1.5 * far


def test_a_sprite_moves_when_it_sounds_but_not_sideways():
    pictures = film(thing(), loudness={0: np.array([0.0, 1.0, 0.0, 0.5])})
    seen = centre(pictures, film())
    assert np.array_equal(pictures[0], pictures[2])
    assert seen[1, 1] < seen[0, 1] - 1
    assert seen[:, 0] == pytest.approx([column(0.0, 256, 120)] * 4, abs=0.3)


def test_families_differ_in_colour_and_shape():
    background = film()
    colours, shapes = {}, {}
    for kind in FAMILIES:
        picture = film(thing(kind))
        shapes[kind] = np.abs(picture - background).sum(-1)[0] > 30
        colours[kind] = picture[0][shapes[kind]].mean(0)
    for kind in FAMILIES:
        for other in set(FAMILIES) - {kind}:
            assert np.abs(colours[kind] - colours[other]).max() > 30
            both, either = (shapes[kind] & shapes[other]).sum(), (shapes[kind] | shapes[other]).sum()
            assert both / either < 0.8


def test_the_nearer_thing_hides_the_farther():
    near = thing("box", distance=1.0)
    hidden = film(thing("drum", distance=2.0), near)
    assert np.array_equal(hidden[0, 60:80, 118:138], film(near)[0, 60:80, 118:138])
    assert not np.array_equal(film(thing("drum", distance=2.0))[0, 60:80, 118:138], film()[0, 60:80, 118:138])


def test_brightness_sways_and_textures_vary():
    swaying = film(settings=PLAIN.model_copy(update={"brightness": 0.3, "seconds": 8.0})).mean((1, 2, 3))
    assert swaying.max() > 1.3 * swaying.min()
    textured = film(settings=PLAIN.model_copy(update={"background": "textured"}))
    assert film().std((1, 2)).max() == 0
    assert textured[0].std((0, 1)).min() > 3


def test_a_cut_out_takes_the_sprites_place():
    """A picture of which only the upper right quarter is opaque: that quarter is seen, in its own colour, upright."""
    cutout = np.zeros((40, 40, 4), np.uint8)
    cutout[:20, 20:] = (255, 0, 255, 255)
    pictures, background = film(thing("voice"), cutouts={"voice": cutout}), film()
    painted = np.abs(pictures - background).sum(-1)[0] > 0
    rows, columns = np.nonzero(painted)
    assert columns.min() >= 128
    assert rows.max() < 72
    assert (pictures[0][painted] == (255, 0, 255)).all()
