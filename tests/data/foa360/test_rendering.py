"""Rendering of a recording: what the camera sees and what the ears receive turn together."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
import soundfile
from support.recordings360 import RATE, centre, field, in_aac_carrier, media, panorama, room, voice, write_recording

from avspatial.data.foa360.headers import read_header
from avspatial.data.foa360.layouts import Source
from avspatial.data.foa360.measure import measure
from avspatial.data.foa360.rendering import Foa360Rendering, check_head, head_digest
from avspatial.data.foa360.settings import Foa, Renderer, View
from avspatial.errors import DataError
from avspatial.media.audio import read_audio
from avspatial.media.video import grid_images
from avspatial.signal.ambisonics import encode
from avspatial.signal.sofa import read_responses

RENDERERS = [Renderer(use="mid_side"), Renderer(), Renderer(use="virtual", layout="ring8", weighting="max_re")]


def rendering(renderer=RENDERERS[0], view=None, **other):
    return Foa360Rendering(renderer, view or View(), other.pop("foa", Foa()), head_digest(renderer), **other)


def level_difference(ears):
    """Left over right, dB, from 700 Hz to 6 kHz."""
    power = np.abs(np.fft.rfft(ears)) ** 2
    frequencies = np.fft.rfftfreq(ears.shape[-1], 1 / RATE)
    return 10 * np.log10(np.divide(*power[:, (frequencies > 700) & (frequencies < 6000)].sum(-1)))


def seen_azimuth(image, fov):
    """Degrees to the left of the middle at which a pinhole camera sees the disc."""
    half = image.shape[1] / 2
    return np.degrees(np.arctan((half - centre(image)) / half * np.tan(np.radians(fov / 2))))


@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: renderer.use)
@pytest.mark.parametrize("turned", [25, -50])
def test_a_camera_turned_right_hears_and_sees_the_source_further_left(renderer, turned):
    camera = rendering(renderer, View(kind="perspective", fov=120, yaw=-turned))
    ears = camera.stereo(encode(voice(0.5), 0).astype(np.float32), RATE)
    assert ears.shape == (2, RATE // 2)
    assert ears.dtype == np.float32
    assert np.sign(turned) * level_difference(ears) > 2
    assert seen_azimuth(camera.view(panorama(0)[None], (60, 120))[0], 120) == pytest.approx(turned, abs=1)


@pytest.mark.parametrize("view", [View(), View(kind="perspective", yaw=20, pitch=10), View(pitch=-15)], ids=str)
def test_a_further_turn_is_the_turn_of_another_camera(view):
    base = rendering(RENDERERS[1], view)
    other = rendering(RENDERERS[1], view.model_copy(update={"yaw": view.front + 70}))
    sound, images = field(33, 0.3), np.stack([panorama(60), panorama(-80)])
    assert base.stereo(sound, RATE, yaw=70) == pytest.approx(other.stereo(sound, RATE), abs=1e-6)
    assert np.array_equal(base.view(images, (32, 64), yaw=70), other.view(images, (32, 64)))


@pytest.mark.parametrize("renderer", RENDERERS, ids=lambda renderer: renderer.use)
def test_turning_round_swaps_the_ears_and_the_halves_of_the_panorama(renderer):
    sound = encode(voice(0.3), 90).astype(np.float32)
    ahead, behind = rendering(renderer), rendering(renderer, View(yaw=180))
    assert behind.stereo(sound, RATE) == pytest.approx(ahead.stereo(sound, RATE)[::-1], abs=1e-5)
    image = panorama(90)[None]
    assert np.array_equal(behind.view(image, (128, 256)), np.roll(ahead.view(image, (128, 256)), 128, axis=2))


@pytest.mark.parametrize("azimuth", [-120, -33.3, 0, 61])
def test_sprite_and_sound_are_at_one_azimuth(tmp_path, azimuth):
    """A scene as 360-degree video, decoded and turned: within a degree."""
    images = [panorama(azimuth, 448)] * 10
    film = write_recording(tmp_path / "scene.mkv", field(azimuth, 1.0), images)
    camera = rendering(view=View(kind="perspective", fov=100, yaw=azimuth - 30))
    audio, rate = read_audio(film)
    measured = measure(audio, rate, camera)
    seen = camera.view(grid_images(film, 10, camera.panorama, 10), (224, 224))
    assert measured.azimuth == pytest.approx([30] * 4, abs=1)
    assert [seen_azimuth(image, 100) for image in seen] == pytest.approx([30] * 10, abs=0.5)
    entire = rendering().view(grid_images(film, 10, camera.panorama, 10), (224, 448))
    assert 360 * (0.5 - centre(entire[0]) / 448) == pytest.approx(azimuth, abs=0.5)


def test_a_view_smaller_than_the_panorama_has_no_jagged_edges():
    """Fine stripes become grey: no column of the view is a sample of single ones."""
    stripes = np.zeros((1, 448, 896, 3), np.uint8)
    stripes[:, :, ::2] = 200
    for view in (View(), View(kind="perspective"), View(pitch=5)):
        small = rendering(view=view).view(stripes, (28, 56)).astype(float)
        assert np.abs(small[:, 10:18] - 100).max() < 20


def buzz(seconds):
    """(T,): thirty harmonics whose level moves, which codecs keep better than noise."""
    time = np.arange(round(seconds * RATE)) / RATE
    tones = sum(np.sin(2 * np.pi * 220 * k * time + k * k) / k**0.7 for k in range(1, 30))
    return 0.02 * tones * (1 + 0.5 * np.sin(2 * np.pi * 3 * time))


def with_stereo(sound):
    return np.concatenate([sound, 0.1 * sound[[3, 2]]])


def write_wav(path, sound):
    soundfile.write(path, sound.T, RATE, subtype="PCM_16")
    return path


def write_vorbis(path, sound):
    soundfile.write(path, sound.T, RATE, format="OGG", subtype="VORBIS")
    return path


CARRIERS = {
    "wav": lambda folder, sound: write_wav(folder / "field.wav", sound),
    "flac": lambda folder, sound: write_recording(folder / "field.mkv", sound, None, "flac"),
    "vorbis": lambda folder, sound: write_vorbis(folder / "field.ogg", sound),
    "opus": lambda folder, sound: write_recording(folder / "field.webm", sound, None, "libopus"),
    "opus with stereo for the head": lambda folder, sound: write_recording(
        folder / "field.mkv", with_stereo(sound), None, "libopus", layout="ambisonic 1+stereo", mapping_family="2"
    ),
    "opus without a layout": lambda folder, sound: write_recording(
        folder / "field.webm", with_stereo(sound), None, "libopus", mapping_family="255"
    ),
    "aac 5.1": lambda folder, sound: write_recording(folder / "field.m4a", in_aac_carrier(sound), None, "aac"),
}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_one_field_in_every_carrier_gives_the_same_ears(tmp_path, carrier):
    """Within 10 % of the ears' amplitude (-20 dB) for codecs that lose something, and 0.1 dB in their difference."""
    sound = (encode(buzz(2.0), 40, 20) + room(2.0, level=0.001)).astype(np.float32)
    file = CARRIERS[carrier](tmp_path, sound)
    video = write_recording(tmp_path / "video.mp4", None, [panorama(40)] * 20)
    header = read_header(Source("any", file, video), 10, 1, tmp_path / "cache")
    camera = rendering(RENDERERS[1], chosen=header.chosen)
    audio, rate = read_audio(file)
    ears, true = camera.stereo(camera.field(audio), rate), camera.stereo(sound, RATE)
    inside = slice(4800, 90000)
    error = np.mean((ears[:, inside] - true[:, inside]) ** 2) / np.mean(true[:, inside] ** 2)
    assert 10 * np.log10(error) < (-60 if carrier in ("wav", "flac") else -20)
    assert level_difference(ears) == pytest.approx(level_difference(true), abs=0.1)


@pytest.mark.parametrize(
    ("foa", "channels"),
    [
        (Foa(order="fuma", normalization="fuma"), lambda w, y, z, x: (w / 2**0.5, x, y, z)),
        (Foa(normalization="n3d"), lambda w, y, z, x: (w, 3**0.5 * y, 3**0.5 * z, 3**0.5 * x)),
    ],
)
def test_conventions_are_settings(foa, channels):
    sound = field(40, 0.2)
    converted = rendering(foa=foa).field(np.stack(channels(*sound)).astype(np.float32))
    assert converted == pytest.approx(sound, abs=1e-6)
    assert converted.dtype == np.float32


def test_two_channels_are_no_field():
    with pytest.raises(DataError, match=r"^2 channels where an ambisonic field has 4"):
        rendering().field(np.zeros((2, 100), np.float32))


def test_the_key_says_everything_that_changes_the_result(tmp_path):
    base = rendering(RENDERERS[1])
    others = [
        rendering(RENDERERS[2]),
        rendering(Renderer(use="virtual", layout="ring8")),
        rendering(RENDERERS[1], View(yaw=10)),
        rendering(RENDERERS[1], View(kind="perspective")),
        rendering(RENDERERS[1], View(pitch=10)),
        replace(base, foa=Foa(normalization="n3d")),
        replace(base, chosen=(2, 1, 4, 0)),
        replace(base, panorama=(224, 448)),
        replace(base, head="other"),
    ]
    keys = [one.key for one in (base, *others)]
    assert len(set(keys)) == len(keys)
    assert rendering(RENDERERS[1], View(yaw="random")).key == base.key
    assert rendering(RENDERERS[1]).key == base.key


def test_a_head_is_known_by_what_its_file_holds(tmp_path):
    (tmp_path / "one.sofa").write_bytes(b"head")
    (tmp_path / "two.sofa").write_bytes(b"head")
    one, two = (head_digest(Renderer(head=tmp_path / name)) for name in ("one.sofa", "two.sofa"))
    assert one == two
    assert head_digest(Renderer()) == "kemar"
    with pytest.raises(
        DataError, match=r"gone.sofa: the head's responses cannot be read \(No such file or directory\)"
    ):
        head_digest(Renderer(head=tmp_path / "gone.sofa"))


def test_a_head_of_one_ring_is_none_for_magls(tmp_path):
    ring = read_responses("kemar").ring()
    with h5py.File(tmp_path / "ring.sofa", "w") as file:
        file["Data.IR"], file["Data.SamplingRate"] = ring.responses, [ring.rate]
        file["SourcePosition"] = np.stack([ring.azimuths, ring.elevations, np.ones(len(ring.azimuths))], -1)
    renderer = Renderer(head=tmp_path / "ring.sofa")
    with pytest.raises(DataError) as caught:
        check_head(renderer, head_digest(renderer))
    assert str(caught.value) == (
        f"{tmp_path / 'ring.sofa'}: not a head for magls: the directions lie on one ring, not around the head\n"
        "  Take a head that was measured all around, or renderer: {use: virtual, layout: ring8}."
    )
    check_head(Renderer(use="virtual", head=tmp_path / "ring.sofa"), "ring")


@pytest.mark.slow
def test_another_file_under_the_name_of_a_head_is_read_again(tmp_path):
    """Two heads, one after the other in the same place."""
    ears = []
    sound = encode(voice(0.1), 60).astype(np.float32)
    for name in ("ari_dtf_nh2.sofa", "cipic_subject_003.sofa"):
        place = tmp_path / "head.sofa"
        place.unlink(missing_ok=True)
        place.symlink_to(media("sofa") / name)
        ears.append(rendering(Renderer(head=place)).stereo(sound, RATE))
    assert np.abs(ears[0] - ears[1]).max() > 0.01
