"""The sound of any file."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avspatial.errors import MediaError
from avspatial.media.audio import is_audio, read_audio, write_wav
from avspatial.media.video import write_video

RATE = 16000


def tone(channels: int = 2) -> np.ndarray:
    time = np.arange(2 * RATE) / RATE
    return (0.3 * np.stack([np.sin(2 * np.pi * (300 + 100 * c) * time) for c in range(channels)])).astype(np.float32)


def video(path: Path, sound: np.ndarray | None) -> Path:
    write_video(path, [np.zeros((32, 32, 3), np.uint8)] * 8, 4, sound, RATE)
    return path


@pytest.mark.parametrize("channels", [1, 2])
def test_a_video_has_its_sound_from_the_first_to_the_last_sample(tmp_path: Path, channels: int) -> None:
    sound, rate = read_audio(video(tmp_path / "a.mp4", tone(channels)))
    assert rate == RATE and sound.shape == (channels, 2 * RATE) and sound.dtype == np.float32
    middle = slice(2000, -2000)
    assert np.abs(sound[:, middle] - tone(channels)[:, middle]).max() < 0.02


def test_a_wav_is_read_as_it_is(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.WAV", tone(), RATE)
    sound, rate = read_audio(tmp_path / "a.WAV")
    assert rate == RATE and np.array_equal(sound, tone())


def test_what_counts_as_sound_goes_by_the_name() -> None:
    assert all(is_audio(Path(name)) for name in ("a.wav", "b.FLAC", "c.mp4", "d.mkv"))
    assert not any(is_audio(Path(name)) for name in ("a.txt", "wav", "b.jpg"))


def test_sound_whose_channels_change_is_refused(tmp_path: Path) -> None:
    parts = [video(tmp_path / f"{n}.ts", tone(n)).read_bytes() for n in (2, 1)]
    (tmp_path / "both.ts").write_bytes(b"".join(parts))
    with pytest.raises(MediaError) as error:
        read_audio(tmp_path / "both.ts")
    assert str(error.value) == (
        f"{tmp_path}/both.ts: the number of channels of its audio changes from 2 to 1 at 0.44 s\n"
        "  Convert its audio to one format first, or cut the video there."
    )


@pytest.mark.parametrize("channels", [6, 8])
def test_a_track_of_many_channels_is_read(tmp_path: Path, channels: int) -> None:
    """PyAV 18.1 crashes the process when it reads the planes of eight."""
    expected = np.linspace(-0.5, 0.5, channels)[:, None] * np.ones((1, 4096))
    with av.open(tmp_path / "many.mka", "w") as container:
        stream = container.add_stream("pcm_f32le", rate=RATE, layout={6: "5.1", 8: "7.1"}[channels])
        packed = expected.T.reshape(1, -1).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(packed, "flt", stream.layout.name)
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    audio, rate = read_audio(tmp_path / "many.mka")
    assert rate == RATE and np.array_equal(audio, expected.astype(np.float32))


def test_a_silent_film_and_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.mp4: has no audio stream"):
        read_audio(video(tmp_path / "a.mp4", None))
    with pytest.raises(MediaError, match=r"b\.mp4: no such video file"):
        read_audio(tmp_path / "b.mp4")
