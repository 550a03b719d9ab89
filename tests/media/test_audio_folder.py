"""Audio in numbered files of a folder is read as one file."""

import numpy as np
import pytest
import soundfile
from support.films import noise

from avspatial.errors import MediaError
from avspatial.media.audio import audio_info, read_audio
from avspatial.media.audio_stream import AudioReader

RATE = 8000


def cut(folder, sound, seconds=1.0, first=0, rate=RATE):
    """000000.wav, 000001.wav .., each of that many seconds but the last."""
    folder.mkdir(exist_ok=True)
    step = round(seconds * rate)
    for number, start in enumerate(range(0, sound.shape[1], step)):
        part = sound[:, start : start + step].T
        soundfile.write(folder / f"{first + number:06d}.wav", part, rate, subtype="FLOAT")


@pytest.fixture
def sound():
    return noise(round(12.3 * RATE), channels=4)


@pytest.fixture
def folder(tmp_path, sound):
    cut(tmp_path / "ambix", sound)
    (tmp_path / "ambix" / "notes.txt").touch()
    return tmp_path / "ambix"


def test_all_of_it(folder, sound):
    info = audio_info(folder)
    assert (info.rate, info.channels, info.samples) == (RATE, 4, sound.shape[1])
    samples, rate = read_audio(folder)
    assert rate == RATE
    assert np.array_equal(samples, sound)
    assert samples.dtype == np.float32


@pytest.mark.parametrize(("start", "seconds"), [(0.0, 1.0), (0.5, 3.25), (9.999, 2.0), (12.0, None), (3.0, 1.0)])
def test_an_excerpt_over_the_seams(folder, sound, start, seconds):
    end = None if seconds is None else round(start * RATE) + round(seconds * RATE)
    assert np.array_equal(read_audio(folder, start, seconds)[0], sound[:, round(start * RATE) : end])


def test_numbers_count_and_not_names(tmp_path, sound):
    """9.wav comes before 10.wav, and the first number may be any."""
    cut(tmp_path / "ambix", sound, first=3)
    for file in (tmp_path / "ambix").iterdir():
        file.rename(file.with_name(f"{int(file.stem)}.wav"))
    assert np.array_equal(read_audio(tmp_path / "ambix")[0], sound)


def test_blocks_need_little_memory(folder, sound):
    blocks = list(AudioReader(folder).blocks())
    assert max(block.shape[1] for block in blocks) <= 65536
    assert np.array_equal(np.concatenate(blocks, axis=1), sound)


def remove_one(folder):
    (folder / "000004.wav").unlink()


def double_one(folder):
    (folder / "4.wav").write_bytes((folder / "000004.wav").read_bytes())


def lose_channels(folder):
    soundfile.write(folder / "000004.wav", np.zeros((RATE, 2)), RATE)


def damage_one(folder):
    (folder / "000004.wav").write_bytes(b"no audio")


def remove_all(folder):
    for file in folder.glob("*.wav"):
        file.unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_one, "ambix: no audio file between 000003.wav and 000005.wav, or one number twice"),
        (double_one, "ambix: no audio file between 000004.wav and 4.wav, or one number twice"),
        (lose_channels, "000004.wav: 2 channels at 8000 Hz, where 000000.wav has 4 at 8000 Hz"),
        (damage_one, r"000004.wav: not a readable audio file \(Format not recognised\)"),
        (remove_all, "ambix: holds no numbered wav file"),
    ],
)
def test_what_cannot_be_read(folder, damage, message):
    damage(folder)
    with pytest.raises(MediaError, match=message):
        read_audio(folder)
