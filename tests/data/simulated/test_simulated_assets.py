"""The user's own sounds and cut-outs, and the messages for faulty ones."""

import av
import numpy as np
import pytest

from avspatial.errors import AvspatialError, DataError
from avspatial.media.audio import read_audio, write_wav
from avspatial.media.video import grid_images


def save_png(path, picture):
    """A png file of (H, W, 3) or (H, W, 4) uint8."""
    kind = "rgba" if picture.shape[-1] == 4 else "rgb24"
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as container:
        stream = container.add_stream("png", rate=1)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = kind
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format=kind)))
        container.mux(stream.encode())


@pytest.fixture
def sounds(tmp_path):
    folder = tmp_path / "sounds"
    folder.mkdir()
    return folder


@pytest.fixture
def cutouts(tmp_path):
    folder = tmp_path / "cutouts"
    folder.mkdir()
    return folder


def test_own_sounds_and_cut_outs_take_the_place_of_the_built_in_ones(tmp_path, scenes, sounds, cutouts):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(11025) / 22050)[None]
    (sounds / "cello").mkdir()
    write_wav(sounds / "cello" / "low.wav", tone, 22050)
    save_png(cutouts / "cello.png", np.full((8, 8, 4), (0, 255, 0, 220), np.uint8))
    own = {"sounds": sounds, "cutouts": cutouts, "picture": (32, 32)}
    made = scenes(tmp_path / "set", **own)
    for clip in made.clips("train"):
        sound, rate = read_audio(clip.audio)
        assert sound.shape[1] == rate
        assert np.argmax(np.abs(np.fft.rfft(sound[0]))) == pytest.approx(440, abs=3)
        pictures = grid_images(clip.video, 10, (32, 32)).astype(int)
        assert ((pictures[..., 1] - pictures[..., [0, 2]].max(-1)) > 80).any((1, 2)).all()
    write_wav(sounds / "cello" / "low.wav", 0.5 * tone, 22050)
    assert scenes(tmp_path / "set", **own).fingerprint() != made.fingerprint()


def refused(scenes, tmp_path, **settings):
    made = scenes(tmp_path / "set", **settings)
    with pytest.raises(AvspatialError) as caught:
        made.prepare()
    assert not made.root.exists()
    return str(caught.value)


def test_a_folder_without_sounds(tmp_path, scenes, sounds):
    assert refused(scenes, tmp_path, sounds=sounds) == (
        f"{sounds}: holds no wav or flac file\n  Put FAMILY.wav or FAMILY/NAME.wav into it."
    )


def test_a_silent_sound(tmp_path, scenes, sounds):
    write_wav(sounds / "drum.wav", np.zeros((1, 480)), 48000)
    assert refused(scenes, tmp_path, sounds=sounds) == (
        f"{sounds / 'drum.wav'}: is silent from beginning to end\n  Take it out of the folder."
    )


def test_a_sound_in_stereo(tmp_path, scenes, sounds):
    write_wav(sounds / "drum.wav", np.ones((2, 480)), 48000)
    assert refused(scenes, tmp_path, sounds=sounds) == (
        f"{sounds / 'drum.wav'}: has 2 channels; a dry sound is mono\n  Mix it down to one."
    )


def test_a_sound_that_nothing_is_seen_of(tmp_path, scenes, sounds):
    write_wav(sounds / "cello.wav", np.ones((1, 480)), 48000)
    assert refused(scenes, tmp_path, sounds=sounds) == (
        f"{sounds}: no image for the sounds cello\n  Put cello.png into the folder that data.cutouts names, or "
        "call the sounds plucked, blown, bar, drum, voice."
    )


def test_a_folder_without_cut_outs(tmp_path, scenes, cutouts):
    assert refused(scenes, tmp_path, cutouts=cutouts) == (
        f"{cutouts}: holds no png file\n  Put cut-out images named FAMILY.png into it."
    )


def test_a_cut_out_that_is_no_picture(tmp_path, scenes, cutouts):
    (cutouts / "drum.png").write_text("no picture")
    assert refused(scenes, tmp_path, cutouts=cutouts) == (
        f"{cutouts / 'drum.png'}: is not a readable png image\n  Save it again as png."
    )


def test_a_cut_out_that_is_not_cut_out(tmp_path, scenes, cutouts):
    save_png(cutouts / "drum.png", np.zeros((8, 8, 3), np.uint8))
    assert refused(scenes, tmp_path, cutouts=cutouts) == (
        f"{cutouts / 'drum.png'}: has no transparency, so its background would show\n  Cut the object out."
    )


@pytest.mark.parametrize("name", ["head", "sounds", "cutouts"])
def test_files_that_are_not_there(tmp_path, scenes, name):
    path = tmp_path / "gone"
    with pytest.raises(DataError) as caught:
        scenes(tmp_path / "set", **{name: path})
    assert str(caught.value) == f"{path}: no such file or folder\n  Give one that is there, or leave the setting out."
