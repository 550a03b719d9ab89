"""An excerpt of any file's audio is that part of the entire audio, and nothing else is decoded for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.films import noise, write_film
from support.odd_times import restamp, rumble

from avspatial.errors import MediaError
from avspatial.media.audio import audio_info, audio_start, read_audio, write_wav
from avspatial.media.audio_track import TrackDecoder

SECONDS = 4.0
SOUND = noise(round(48000 * SECONDS), channels=2)
NO_NOISE = {"aac_pns": "0"}
"""Lets FFmpeg's encoder write every band, not the level of random noise that a decoder then makes."""

TRACKS: dict[str, dict[str, Any]] = {
    "aac.mp4": {"audio": "aac", "options": NO_NOISE},
    "aac.mkv": {"audio": "aac", "options": NO_NOISE},
    "aac.ts": {"audio": "aac", "options": NO_NOISE},
    "opus.mkv": {"audio": "libopus"},
    "opus.mp4": {"audio": "libopus"},
    "vorbis.mkv": {"audio": "vorbis", "options": {"strict": "experimental"}},
    "flac.mkv": {"audio": "flac"},
    "pcm.mov": {"audio": "pcm_s24le"},
    "alac.mp4": {"audio": "alac"},
    "mp3.avi": {"audio": "libmp3lame", "video": "mpeg4"},
    "track.opus": {"audio": "libopus", "video": None},
    "track.mp3": {"audio": "libmp3lame", "video": None},
}
LOSSLESS = ("flac", "pcm", "alac")


def part(entire: np.ndarray, rate: int, start: float, seconds: float | None) -> np.ndarray:
    first = round(start * rate)
    return entire[:, first : None if seconds is None else first + round(seconds * rate)]


def assert_parts(path: Path, atol: float, *excerpts: tuple[float, float | None]) -> None:
    entire, rate = read_audio(path)
    for start, seconds in excerpts:
        found, found_rate = read_audio(path, start, seconds)
        assert found_rate == rate and found.dtype == np.float32 and found.flags.c_contiguous
        np.testing.assert_allclose(found, part(entire, rate, start, seconds), rtol=0, atol=atol)


EXCERPTS = ((0.0, 1.0), (0.01, 0.5), (1.7, 0.5), (2.333, 1.0), (3.5, None), (3.9, 0.05))


@pytest.mark.parametrize("begins", [0.0, 1.3])
@pytest.mark.parametrize("name", TRACKS)
def test_an_excerpt_of_a_track_is_that_part_of_it(tmp_path: Path, name: str, begins: float) -> None:
    path = write_film(tmp_path / name, seconds=SECONDS, sound=SOUND, begins=begins, **TRACKS[name])
    assert_parts(path, 0 if name.startswith(LOSSLESS) else 1e-6, *EXCERPTS)


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("a.wav", "PCM_24"), ("b.flac", "PCM_16"), ("c.aiff", "PCM_16"), ("d.ogg", "VORBIS"), ("e.ogg", "OPUS")],
)
def test_an_excerpt_of_an_audio_file_is_that_part_of_it(tmp_path: Path, name: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, SOUND.T, 48000, subtype)
    assert_parts(tmp_path / name, 0 if subtype.startswith("PCM") else 1e-6, *EXCERPTS)


def test_a_field_of_four_channels(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mkv", seconds=3, sound=noise(3 * 48000, channels=4), audio="flac")
    assert read_audio(path, 1.0, 0.5)[0].shape == (4, 24000)
    assert_parts(path, 0, (1.0, 0.5))


@pytest.mark.parametrize("name", ["flac.mkv", "aac.mp4", "opus.mkv"])
def test_silence_stands_where_a_gap_is(tmp_path: Path, name: str) -> None:
    path = write_film(tmp_path / name, seconds=SECONDS, sound=SOUND, gap=1.0, **TRACKS[name])
    assert_parts(path, 1e-6, *EXCERPTS, (1.5, 2.0), (2.2, 0.5), (2.9, 1.5))
    assert not read_audio(path, 2.2, 0.5)[0].any() and read_audio(path, 3.2, 0.5)[0].any()


@pytest.mark.parametrize("clock", [1.0087, 1.00933, 0.9923])
def test_a_clock_that_runs_off_is_followed(tmp_path: Path, clock: float) -> None:
    plain = write_film(tmp_path / "plain.mkv", seconds=8, sound=rumble(8), audio="flac")
    path = restamp(plain, tmp_path / "in.mkv", lambda _, time: clock * time)
    assert audio_info(path).seconds == pytest.approx(8 * clock, abs=0.1)
    assert_parts(path, 1e-4, (0.0, 1.0), (0.5, 1.0), (3.123, 2.0), (6.5, None))


def test_jittered_time_stamps_change_nothing(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    plain = write_film(tmp_path / "plain.mkv", seconds=SECONDS, sound=SOUND, audio="libopus")
    path = restamp(plain, tmp_path / "in.mkv", lambda _, time: time + float(random.uniform(-0.009, 0.009)))
    assert_parts(path, 1e-6, *EXCERPTS)


def test_time_stamps_that_go_back(tmp_path: Path) -> None:
    """They do not say where a sample is, so all before it is decoded."""
    sounds = SOUND[:, :96000], SOUND[:, 96000:]
    films = [write_film(tmp_path / "plain.ts", seconds=2, sound=s, options=NO_NOISE).read_bytes() for s in sounds]
    (tmp_path / "in.ts").write_bytes(b"".join(films))
    assert_parts(tmp_path / "in.ts", 0, (1.0, 0.5), (1.9, 0.3), (3.4, 0.5))


@pytest.fixture(scope="module")
def gappy(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    sound = noise(4 * 8000, channels=2)
    path = write_film(
        tmp_path_factory.mktemp("gappy") / "a.mkv", seconds=4, sound=sound, audio="flac", rate=8000, begins=0.4, gap=0.7
    )
    return path, read_audio(path)[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 4.6), st.floats(0.001, 5))
def test_any_part(gappy: tuple[Path, np.ndarray], start: float, seconds: float) -> None:
    path, entire = gappy
    missing = round(start * 8000) + round(seconds * 8000) - entire.shape[1]
    if missing > min(1600, round(seconds * 8000) / 2):
        with pytest.raises(MediaError, match="was asked for"):
            read_audio(path, start, seconds)
    else:
        np.testing.assert_array_equal(read_audio(path, start, seconds)[0], part(entire, 8000, start, seconds))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time stamps of the frames that come out of the decoder."""
    times: list[float] = []
    frames: Callable[..., Iterator[Any]] = TrackDecoder.frames

    def record(*arguments: Any) -> Iterator[Any]:
        for time, block in frames(*arguments):
            times.append(time)
            yield time, block

    monkeypatch.setattr(TrackDecoder, "frames", record)
    return times


@pytest.mark.parametrize("name", ["aac.mp4", "aac.mkv", "vorbis.mkv", "aac.ts"])
def test_a_track_is_decoded_once_and_then_only_around_each_excerpt(
    tmp_path: Path, decoded: list[float], name: str
) -> None:
    path = write_film(tmp_path / name, seconds=10, sound=noise(480000, channels=2), **TRACKS[name])
    read_audio(path, 3.0, 1.0)
    decoded.clear()
    read_audio(path, 8.0, 1.0)
    assert 1.0 < max(decoded) - min(decoded) < 2.6
    decoded.clear()
    read_audio(path, 0.0, 1.0)
    assert max(decoded) - min(decoded) < 1.2


def test_a_file_that_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    for gap in (0.0, 0.5):
        write_film(path, seconds=SECONDS, sound=SOUND, audio="flac", gap=gap)
        assert_parts(path, 0, (3.0 + gap, 1.0))


@pytest.mark.parametrize("name", ["a.wav", "a.mkv"])
@pytest.mark.parametrize(
    ("start", "seconds", "asked"),
    [(2.0, None, "from 2.00 s on"), (3.0, 1.0, "from 3.00 s to 4.00 s"), (1.0, 1.5, "from 1.00 s to 2.50 s")],
)
def test_an_excerpt_that_is_not_there(
    tmp_path: Path, name: str, start: float, seconds: float | None, asked: str
) -> None:
    sound = noise(2 * 48000)
    path = tmp_path / name
    if path.suffix == ".wav":
        write_wav(path, sound, 48000)
    else:
        write_film(path, seconds=2, sound=sound, audio="flac")
    with pytest.raises(MediaError) as error:
        read_audio(path, start, seconds)
    assert str(error.value) == (
        f"{path}: its audio ends at 2.00 s; an excerpt {asked} was asked for\n"
        "  Correct the times of the clip, leave it out, or copy the file again."
    )


def test_a_little_may_be_missing_at_the_end(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", SOUND, 48000)
    assert read_audio(tmp_path / "a.wav", 3.0, 1.2)[0].shape == (2, 48000)
    with pytest.raises(MediaError, match="was asked for"):
        read_audio(tmp_path / "a.wav", 3.0, 1.21)
    with pytest.raises(MediaError, match="was asked for"):
        read_audio(tmp_path / "a.wav", 3.95, 0.15)


@pytest.mark.parametrize(("start", "seconds"), [(-1.0, None), (0.0, 0.0), (float("nan"), 1.0), (0.0, -1.0)])
def test_times_that_are_none(tmp_path: Path, start: float, seconds: float | None) -> None:
    write_wav(tmp_path / "a.wav", SOUND, 48000)
    with pytest.raises(ValueError, match="an excerpt of"):
        read_audio(tmp_path / "a.wav", start, seconds)


def test_a_missing_file_and_one_without_sound(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"a\.mkv: no such video file"):
        read_audio(tmp_path / "a.mkv", 1.0)
    with pytest.raises(MediaError, match=r"a\.wav: no such audio file"):
        read_audio(tmp_path / "a.wav", 1.0)
    with pytest.raises(MediaError, match=r"b\.mp4: has no audio stream"):
        read_audio(write_film(tmp_path / "b.mp4", audio=None), 1.0)


def test_the_header_and_the_first_sample_of_a_track(tmp_path: Path) -> None:
    path = write_film(tmp_path / "a.mp4", seconds=SECONDS, sound=SOUND, begins=1.3)
    info = audio_info(path)
    assert (info.rate, info.channels) == (48000, 2) and info.seconds == pytest.approx(SECONDS, abs=0.05)
    assert audio_start(path) == pytest.approx(1.3, abs=0.03)
    write_wav(tmp_path / "a.wav", SOUND, 48000)
    assert audio_start(tmp_path / "a.wav") == 0
