"""Measured heads: MIT KEMAR as Debian brings it, and small SOFA files with faults."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from avspatial.errors import DataError
from avspatial.signal.head import SphericalHead, head_model, render
from avspatial.signal.sofa import MeasuredHead, read_responses

KEMAR = Path("/usr/share/libmysofa/default.sofa")
needs_kemar = pytest.mark.skipif(not KEMAR.exists(), reason="no MIT KEMAR here: apt-get install libmysofa1")


def kemar_response(azimuth):
    """The response straight from the file (2, N) and its rate."""
    with h5py.File(KEMAR) as file:
        position = file["SourcePosition"][:]
        chosen = (position[:, 1] == 0) & (np.abs(position[:, 0] - azimuth % 360) < 1e-6)
        return file["Data.IR"][np.flatnonzero(chosen)[0]], int(file["Data.SamplingRate"][0])


def make_sofa(path, azimuths, responses, rate=48000.0, **more):
    """A minimal SOFA file of a ring at elevation 0."""
    with h5py.File(path, "w") as file:
        file["Data.IR"] = responses
        file["Data.SamplingRate"] = [rate]
        file["SourcePosition"] = np.stack([azimuths, np.zeros(len(azimuths)), np.ones(len(azimuths))], -1)
        for name, value in more.items():
            file[name.replace("_", ".") if name == "Data_Delay" else name] = value
    return path


def clicks(azimuths, length=64):
    """Responses in which the left ear leads by one sample for every 10 degrees: left at 20, right later."""
    responses = np.zeros((len(azimuths), 2, length))
    for row, azimuth in enumerate(azimuths):
        lateral = np.degrees(np.arcsin(np.sin(np.radians(azimuth))))
        responses[row, 0, 20] = 1
        responses[row, 1, round(20 + lateral / 10)] = 0.5
    return responses


@needs_kemar
@pytest.mark.parametrize("azimuth", [-55, -30, 0, 10, 45, 90, 180])
def test_at_a_measured_direction_the_response_is_the_measured_one(azimuth):
    response, rate = kemar_response(azimuth)
    ours = MeasuredHead(KEMAR).responses([azimuth], rate, response.shape[-1])[0]
    assert ours == pytest.approx(response, abs=1e-12)


@needs_kemar
@pytest.mark.parametrize("azimuth", [-40, 25])
def test_rendering_on_kemar_is_filtering_with_its_response(azimuth):
    response, rate = kemar_response(azimuth)
    dry = np.random.default_rng(1).standard_normal(rate)
    head = MeasuredHead(KEMAR)
    stereo = render(dry, azimuth, rate, head)
    length = 2 * round(0.008 * rate / 2)
    late = head.lead(rate, length)
    for ear in (0, 1):
        expected = np.convolve(dry, response[ear, :length])[late : late + rate]
        assert stereo[ear] == pytest.approx(expected, abs=1e-9)


@needs_kemar
@pytest.mark.parametrize("azimuth", [30, -55])
def test_at_another_rate_time_and_level_differences_stay_those_of_kemar(azimuth):
    """Responses must be resampled: taken as they are at 16 kHz, every time difference grows 2.8 times."""
    response, rate = kemar_response(azimuth)
    ours = MeasuredHead(KEMAR).responses([azimuth], 16000, 256)[0]
    frequencies = np.arange(300.0, 6000.0, 100.0)
    theirs = response @ np.exp(-2j * np.pi * np.outer(np.arange(response.shape[-1]) / rate, frequencies))
    here = ours @ np.exp(-2j * np.pi * np.outer(np.arange(256) / 16000, frequencies))
    assert 20 * np.log10(np.abs(here / theirs)) == pytest.approx(0, abs=0.1)
    assert np.angle(here / theirs) == pytest.approx(0, abs=0.02)


@needs_kemar
def test_kemars_time_difference_is_near_that_of_a_sphere():
    azimuths = np.arange(-90, 91, 5)
    difference = MeasuredHead(KEMAR).itd(azimuths) - SphericalHead().itd(azimuths)
    assert np.abs(difference).max() < 90e-6


def test_between_two_directions_the_delay_is_between_theirs(tmp_path):
    azimuths = np.arange(0, 360, 20)
    head = MeasuredHead(make_sofa(tmp_path / "ring.sofa", azimuths, clicks(azimuths)))
    assert head.itd([20.0, 30.0, 40.0]) * 48000 == pytest.approx([2.0, 3.0, 4.0], abs=1e-6)
    left, right = head.responses([30.0], 48000, 64)[0]
    assert (np.argmax(left), np.argmax(right)) == (20, 23)
    assert np.argmax(head.responses([-170.0], 48000, 64)[0, 1]) == 19


def test_delays_ears_and_coordinates_are_read_as_the_file_says(tmp_path):
    azimuths = np.arange(0, 360, 20)
    plain = MeasuredHead(make_sofa(tmp_path / "a.sofa", azimuths, clicks(azimuths))).responses([40.0], 48000, 64)
    late = make_sofa(tmp_path / "b.sofa", azimuths, clicks(azimuths), Data_Delay=[[5.0, 5.0]])
    assert MeasuredHead(late).responses([40.0], 48000, 64) == pytest.approx(np.roll(plain, 5, -1), abs=1e-9)
    ears = np.array([[0, -0.09, 0], [0, 0.09, 0]])[..., None]
    swapped = make_sofa(tmp_path / "c.sofa", azimuths, clicks(azimuths)[:, ::-1], ReceiverPosition=ears)
    assert MeasuredHead(swapped).responses([40.0], 48000, 64) == pytest.approx(plain, abs=1e-9)
    angles = np.radians(azimuths)
    with h5py.File(tmp_path / "a.sofa", "r+") as file:
        file["SourcePosition"][:] = np.stack([np.cos(angles), np.sin(angles), 0 * angles], -1)
        file["SourcePosition"].attrs["Type"] = np.bytes_("cartesian")
    assert MeasuredHead(tmp_path / "a.sofa").responses([40.0], 48000, 64) == pytest.approx(plain, abs=1e-9)


def message(path):
    with pytest.raises(DataError) as caught:
        MeasuredHead(path)
    return str(caught.value)


def test_a_missing_file(tmp_path):
    path = tmp_path / "no.sofa"
    assert (
        message(path)
        == f"{path}: no such file of head responses\n  Give a SOFA file, `kemar`, or `spherical` for a sphere."
    )


def test_a_file_that_is_no_sofa(tmp_path):
    path = tmp_path / "text.sofa"
    path.write_text("not hdf5")
    assert message(path) == (
        f"{path}: not a SOFA file of head-related impulse responses: it needs Data.IR, Data.SamplingRate and "
        "SourcePosition\n  Copy it again, or set the head to `kemar` or `spherical`."
    )


@needs_kemar
def test_a_truncated_sofa_file(tmp_path):
    path = tmp_path / "cut.sofa"
    path.write_bytes(KEMAR.read_bytes()[:200_000])
    assert "not a SOFA file of head-related impulse responses" in message(path)


RING = np.arange(0, 360, 20)
FAULTS = {
    "its Data.IR has the shape (18, 1, 8), not (directions, 2 ears, samples)": (RING, np.zeros((18, 1, 8))),
    "its responses or directions hold numbers that are not finite": (RING, np.full((18, 2, 8), np.nan)),
    "its responses hold numbers beyond 1e+06": (RING, np.full((18, 2, 8), 1e200)),
    "some of its responses are silent": (RING, np.zeros((18, 2, 8))),
    "it has 4 directions around the horizon, and at least 8 are needed": (RING[::5], np.ones((4, 2, 8))),
}


@pytest.mark.parametrize("why", FAULTS)
def test_a_sofa_file_of_something_else(tmp_path, why):
    path = make_sofa(tmp_path / "odd.sofa", *FAULTS[why])
    assert message(path) == (
        f"{path}: not a SOFA file of head-related impulse responses: {why}\n"
        "  Copy it again, or set the head to `kemar` or `spherical`."
    )


@needs_kemar
def test_the_packaged_kemar_is_the_published_one_to_the_bit():
    packaged, published = read_responses("kemar"), read_responses(KEMAR)
    assert np.array_equal(packaged.responses, published.responses)
    assert packaged.azimuths == pytest.approx(published.azimuths, abs=1e-9)
    assert np.array_equal(packaged.elevations, published.elevations)
    assert packaged.rate == published.rate == 44100


def test_kemar_needs_no_file():
    azimuths = np.array([-90.0, 0.0, 30.0, 90.0])
    responses = head_model("kemar").responses(azimuths, 48000, 384)
    left, right = (responses**2).sum(-1).T
    assert 10 * np.log10(left / right) == pytest.approx([-11.8, 0.0, 8.5, 11.8], abs=0.1)  # Gardner and Martin
    assert head_model("kemar").itd(azimuths)[[1, 3]] == pytest.approx([0, 700e-6], abs=40e-6)


def test_levels_decide_which_ear_is_left(tmp_path):
    """A widespread conversion of the CIPIC heads names the ears the wrong way round; the levels are right."""
    azimuths = np.arange(-180.0, 180, 20)
    responses = clicks(azimuths)
    lateral = np.sin(np.radians(azimuths))
    responses *= np.stack([1 + 0.5 * lateral, 2 * (1 - 0.5 * lateral)], -1)[..., None]
    plain = make_sofa(tmp_path / "plain.sofa", azimuths, responses)
    wrong = make_sofa(
        tmp_path / "wrong.sofa",
        azimuths,
        responses,
        ReceiverPosition=np.array([[[0.0], [-0.09], [0.0]], [[0.0], [0.09], [0.0]]]),
    )
    swapped = make_sofa(tmp_path / "swapped.sofa", azimuths, responses[:, ::-1])
    for path in (wrong, swapped):
        assert np.array_equal(read_responses(path).responses, read_responses(plain).responses)


def test_the_nearest_direction_and_the_ring(tmp_path):
    kemar = read_responses("kemar")
    found = kemar.nearest(np.array([31.0, -92.0, 0.0]), np.array([1.0, -2.0, 88.0]))
    assert list(zip(kemar.azimuths[found], kemar.elevations[found], strict=True)) == [(30, 0), (-90, 0), (0, 90)]
    ring = kemar.ring()
    assert ring.azimuths == pytest.approx(np.arange(-180, 180, 5))
    assert set(ring.elevations) == {0}
