"""Sound files: what is written is read again, equal sound gives equal bytes, and every refusal says why."""

import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from support.full_disk import room

from avspatial.errors import MediaError
from avspatial.media.audio import AudioInfo, audio_info, read_audio, write_wav


def noise(channels: int, samples: int, level: float = 0.1) -> np.ndarray:
    return (level * np.random.default_rng(0).standard_normal((channels, samples))).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_float_wav_keeps_every_sample(tmp_path: Path, channels: int) -> None:
    sound = noise(channels, 4321, level=3.0)
    write_wav(tmp_path / "a.wav", sound, 44100)
    samples, rate = read_audio(tmp_path / "a.wav")
    assert rate == 44100
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, sound)


@pytest.mark.parametrize(("subtype", "step"), [("PCM_16", 2**-15), ("PCM_24", 2**-23)])
def test_integer_wav_rounds_to_its_step(tmp_path: Path, subtype: str, step: float) -> None:
    sound = noise(2, 1000)
    write_wav(tmp_path / "a.wav", sound, 48000, subtype)
    assert soundfile.info(tmp_path / "a.wav").subtype == subtype
    np.testing.assert_allclose(read_audio(tmp_path / "a.wav")[0], sound, atol=step)


def test_other_programs_read_what_is_written(tmp_path: Path) -> None:
    sound = noise(2, 500)
    write_wav(tmp_path / "a.wav", sound, 16000)
    samples, rate = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate == 16000
    np.testing.assert_array_equal(samples.T, sound)


def test_equal_sound_gives_equal_bytes_at_any_time(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(2, 100), 16000)
    time.sleep(1.1)  # libsndfile would have put the second into the file
    write_wav(tmp_path / "b.wav", noise(2, 100), 16000)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_header_alone(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", noise(2, 24000), 48000)
    info = audio_info(tmp_path / "a.wav")
    assert info == AudioInfo(rate=48000, channels=2, samples=24000)
    assert info.seconds == 0.5


def test_flac_is_read_as_well(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", noise(2, 1000).T, 22050)
    samples, rate = read_audio(tmp_path / "a.flac")
    assert (samples.shape, rate) == ((2, 1000), 22050)


def test_integer_wav_refuses_to_clip(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^PCM_16 holds samples within \[-1, 1\]; the largest is 1\.500$"):
        write_wav(tmp_path / "a.wav", np.full((2, 10), 1.5, np.float32), 16000, "PCM_16")
    assert list(tmp_path.iterdir()) == []


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as error:
        read_audio(tmp_path / "a.wav")
    assert str(error.value) == f"{tmp_path}/a.wav: no such audio file"


def test_file_that_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("hello")
    with pytest.raises(MediaError) as error:
        read_audio(tmp_path / "a.wav")
    assert str(error.value) == (
        f"{tmp_path}/a.wav: not a readable audio file (Format not recognised)\n  Copy it again, or convert it to wav."
    )


def test_file_without_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((0, 2)), 16000)
    with pytest.raises(MediaError) as error:
        read_audio(tmp_path / "a.wav")
    assert str(error.value) == f"{tmp_path}/a.wav: holds no audio samples\n  Copy it again, or leave the clip out."


def test_sound_that_is_not_finite(tmp_path: Path) -> None:
    sound = noise(2, 100)
    sound[1, 50] = np.nan
    write_wav(tmp_path / "a.wav", sound, 16000)
    with pytest.raises(MediaError) as error:
        read_audio(tmp_path / "a.wav")
    assert str(error.value) == f"{tmp_path}/a.wav: has samples that are NaN or infinite\n  Write the file again."


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16"])
def test_full_disk_leaves_nothing_half_written(tmp_path: Path, subtype: str) -> None:
    with room(5000), pytest.raises(MediaError) as error:
        write_wav(tmp_path / "a.wav", noise(2, 100_000), 16000, subtype)
    assert str(error.value).startswith(f"{tmp_path}/a.wav: cannot be written (")
    assert str(error.value).endswith(")\n  Free space, or choose another folder.")
    assert list(tmp_path.iterdir()) == []
