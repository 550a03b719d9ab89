"""The spherical head against closed forms: Woodworth's formula, and the series of Duda and Martens by other means."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import eval_legendre, spherical_jn, spherical_yn

from avspatial.signal.head import SPEED, SphericalHead, render

RATE = 48000
RADIUS = 0.0875


def series(incidence, frequency, distance):
    """Duda and Martens (1998), eq. 3, from spherical Bessel functions; all arguments scalars."""
    size = 2 * np.pi * frequency * RADIUS / SPEED
    order = np.arange(int(size) + 40)
    far = size * distance / RADIUS

    def hankel(x, derivative=False):
        return spherical_jn(order, x, derivative) + 1j * spherical_yn(order, x, derivative)

    with np.errstate(over="ignore", invalid="ignore"):
        terms = (2 * order + 1) * eval_legendre(order, np.cos(incidence)) * hankel(far) / hankel(size, True)
    return abs(distance / RADIUS / size * np.sum(terms[np.isfinite(terms)]))


def woodworth(azimuth):
    """Woodworth's formula in front, in seconds: a / c (x + sin x)."""
    angle = np.radians(azimuth)
    return RADIUS / SPEED * (angle + np.sin(angle))


def measured_itd(left, right, fine=16):
    """The lag in seconds at the peak of the cross-correlation, on a grid `fine` times finer than the samples."""
    size = 2 * len(left)
    product = np.conj(np.fft.rfft(left, size)) * np.fft.rfft(right, size)
    correlation = np.fft.irfft(product, size * fine)
    lag = int(np.argmax(correlation))
    return (lag - size * fine if lag > size * fine // 2 else lag) / (fine * RATE)


def noise(seconds=1.0, seed=0):
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE))


@pytest.mark.parametrize("distance", [0.2, 0.5, 1.5, 10.0])
@pytest.mark.parametrize("frequency", [100.0, 700.0, 2000.0, 6000.0, 15000.0])
def test_the_shadow_is_the_exact_series(distance, frequency):
    incidence = np.radians([0.0, 40.0, 90.0, 131.0, 150.0, 180.0])
    shadow = SphericalHead(distance=distance).shadow(incidence, [frequency])[:, 0]
    assert shadow == pytest.approx([series(angle, frequency, distance) for angle in incidence], rel=1e-6)


def test_far_away_the_near_ear_gains_6_dB_and_low_frequencies_nothing():
    """Limits of the rigid sphere: pressure doubles on the lit side at high frequencies; long waves pass unhindered."""
    head = SphericalHead(distance=1000.0)
    assert 20 * np.log10(head.shadow([0.0], [15000.0])) == pytest.approx(6.02, abs=0.3)
    assert head.shadow([0.0, np.pi], [1.0]) == pytest.approx(1, abs=0.01)


def test_a_near_source_at_low_frequency_has_the_level_difference_of_the_static_sphere():
    """At 0 Hz the series becomes rho sum (2m+1)/(m+1) P_m(cos x) / rho^(m+1), a formula without Hankel functions."""
    head = SphericalHead(distance=0.25)
    order, rho = np.arange(300), 0.25 / RADIUS
    static = [rho * np.sum((2 * order + 1) / (order + 1) * sign**order / rho ** (order + 1)) for sign in (1.0, -1.0)]
    assert head.shadow([0.0, np.pi], [0.0])[:, 0] == pytest.approx(static, rel=1e-3)


@pytest.mark.parametrize("azimuth", [-80, -35, -10, 0, 5, 30, 55, 90])
def test_the_rendered_time_difference_is_woodworths(azimuth):
    left, right = render(noise(), azimuth, RATE, SphericalHead())
    assert measured_itd(left, right) == pytest.approx(woodworth(azimuth), abs=1 / (16 * RATE))
    assert SphericalHead().itd(azimuth) == pytest.approx(woodworth(azimuth), abs=1e-12)


@pytest.mark.parametrize("azimuth", [-60, -10, 25, 55])
def test_the_rendered_level_difference_is_the_series(azimuth):
    left, right = render(noise(4.0), azimuth, RATE, SphericalHead(distance=1.2))
    frequency = np.fft.rfftfreq(len(left), 1 / RATE)
    power_left, power_right = np.abs(np.fft.rfft(left)) ** 2, np.abs(np.fft.rfft(right)) ** 2
    for middle in (500.0, 1000.0, 2000.0, 4000.0, 8000.0):
        band = np.abs(frequency - middle) < 10
        difference = 10 * np.log10(power_left[band].sum() / power_right[band].sum())
        sides = [series(np.radians(angle), middle, 1.2) for angle in (90 - azimuth, 90 + azimuth)]
        assert difference == pytest.approx(20 * np.log10(sides[0] / sides[1]), abs=0.15)


def test_a_sound_reaches_the_middle_of_the_head_at_once():
    """A click straight ahead arrives at both ears where it was in the dry sound: their travel time is the middle's."""
    click = np.zeros(4800)
    click[1000] = 1
    left, right = render(click, 0.0, RATE, SphericalHead())
    assert np.argmax(left) == np.argmax(right) == 1000


def test_a_moving_source_has_the_time_difference_of_where_it_is():
    seconds = 2.0
    track = np.linspace(-50, 50, 200)
    stereo = render(noise(seconds), track, RATE, SphericalHead())
    for time in (0.3, 0.7, 1.0, 1.4, 1.75):
        part = stereo[:, round((time - 0.02) * RATE) : round((time + 0.02) * RATE)]
        azimuth = -50 + 100 * time / seconds
        assert measured_itd(*part) == pytest.approx(woodworth(azimuth), abs=15e-6)


def test_blocks_join_without_a_seam():
    """A track that hardly moves sounds like one that stands still."""
    dry = noise(0.5)
    still = render(dry, 20.0, RATE, SphericalHead())
    moving = render(dry, [20.0, 20.0 + 1e-9], RATE, SphericalHead())
    assert np.abs(still - moving).max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(azimuth=st.floats(-180, 180), distance=st.floats(0.2, 10))
def test_mirrored_azimuths_swap_the_ears(azimuth, distance):
    head = SphericalHead(distance=distance)
    here, there = head.responses([azimuth, -azimuth], 16000, 128)
    assert here == pytest.approx(there[::-1], abs=1e-9)
    assert head.itd(azimuth) == pytest.approx(-head.itd(-azimuth), abs=1e-12)


def test_a_source_inside_the_head_is_refused():
    with pytest.raises(ValueError, match="outside the head"):
        SphericalHead(distance=0.05)
