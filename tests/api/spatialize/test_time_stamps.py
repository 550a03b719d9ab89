"""Audio whose time stamps disagree with its count of samples stays in step and complete, and a note says so."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.films import moving, try_spatialize
from support.odd_times import join, lag, restamp, rumble, with_audio_earlier

from avspatial.api.load import Trained
from avspatial.api.spatialize import Result
from avspatial.media.audio import read_audio

Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]
RATE = 48000


def lags(result: Result, read_track: ReadTrack, true: np.ndarray, moments: tuple[float, ...]) -> list[float]:
    """How late the result's mono is at these times, s."""
    assert result.error == ""
    samples, reader = read_track(result.out)
    return [lag(samples.mean(0), true[0], RATE, at - reader.start) + reader.start for at in moments]


def notes(result: Result) -> tuple[str, ...]:
    assert result.error == "" and result.done is not None
    return result.done.notes


@pytest.mark.parametrize(
    ("audio", "out"),
    [
        ("aac", "joined.mp4"),
        pytest.param("alac", "joined.mov", marks=pytest.mark.slow),
        pytest.param("libopus", "joined.mkv", marks=pytest.mark.slow),
    ],
)
def test_joined_clips_stay_in_step(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path, audio: str, out: str
) -> None:
    """Each clip's sound is 40 ms longer than its pictures, and has the silence that encoders add at both ends."""
    true = rumble(7)
    step = RATE // 2
    parts = [true[:, k * step : k * step + round(0.54 * RATE)] for k in range(10)]
    clips = [
        film(tmp_path / f"{k}.mp4", seconds=0.5, audio=audio, sound=part, pictures=moving(5))
        for k, part in enumerate(parts)
    ]
    result = try_spatialize(join(clips, tmp_path / out, 0.5), trained)
    assert lags(result, read_track, true, (0.1, 1.1, 2.6, 4.6)) == pytest.approx([0] * 4, abs=0.002)
    (note,) = (note for note in notes(result) if "overlap" in note)
    dropped, rest = note.split(" ", 1)
    assert rest == "s of audio were dropped where its time stamps overlap" and 0.35 < float(dropped) < 1


def test_joined_clips_with_too_little_sound_stay_in_step(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    """Gaps of 30 ms, each too short to be noticed by itself."""
    true = rumble(6)
    parts = [true[:, k * RATE // 2 :][:, : round(0.47 * RATE)] for k in range(10)]
    clips = [
        film(tmp_path / f"{k}.mov", seconds=0.5, audio="alac", sound=part, pictures=moving(5))
        for k, part in enumerate(parts)
    ]
    result = try_spatialize(join(clips, tmp_path / "in.mov", 0.5), trained)
    assert lags(result, read_track, true, (0.05, 2.55, 4.55)) == pytest.approx([0] * 3, abs=0.002)
    assert "0.27 s of silence fill gaps in the audio's time stamps" in notes(result)


@pytest.mark.parametrize(
    ("suffix", "audio", "clock", "kind"),
    [
        ("mp4", "aac", 1.009, "slow"),
        pytest.param("mkv", "flac", 0.992, "fast", marks=pytest.mark.slow),
        pytest.param("mov", "libmp3lame", 0.994, "fast", marks=pytest.mark.slow),
    ],
)
def test_a_clock_that_runs_off_is_followed(
    film: Film,
    read_track: ReadTrack,
    trained: Trained,
    tmp_path: Path,
    suffix: str,
    audio: str,
    clock: float,
    kind: str,
) -> None:
    true = rumble(7)
    plain = film(tmp_path / f"plain.{suffix}", seconds=7, fps=5, audio=audio, sound=true)
    source = restamp(plain, tmp_path / f"in.{suffix}", lambda _, time: clock * time)
    result = try_spatialize(source, trained)
    (note,) = notes(result)
    pattern = rf"the audio's clock is (0\.\d\d\d)% {kind}: resampled to stay in step with the video"
    match = re.fullmatch(pattern, note)
    assert match is not None and float(match[1]) == pytest.approx(100 * abs(clock - 1), abs=0.01)
    late = lags(result, read_track, true, (0.1, 3.1, 6.1))
    assert late == pytest.approx([(clock - 1) * (at + 0.15) for at in (0.1, 3.1, 6.1)], abs=0.002)
    samples, rate = read_audio(source)
    assert samples.shape[1] / rate == pytest.approx(7 * clock, abs=0.03)


def test_no_recorder_has_such_a_clock(film: Film, trained: Trained, tmp_path: Path) -> None:
    plain = film(tmp_path / "plain.mkv", seconds=2, audio="flac", sound=rumble(2))
    source = restamp(plain, tmp_path / "in.mkv", lambda _, time: 1.1 * time)
    assert try_spatialize(source, trained).error == (
        f"{source}: its audio lasts 2.00 s by its samples and 2.20 s by its time stamps\n"
        f"  Make them agree: ffmpeg -i {source} -c:v copy -af aresample=async=1000 -c:a flac AGREEING.mkv"
    )


def test_jittered_time_stamps_change_nothing(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    true = rumble(3)
    random = np.random.default_rng(0)
    plain = film(tmp_path / "plain.mkv", seconds=3, audio="libopus", sound=true)
    source = restamp(plain, tmp_path / "in.mkv", lambda _, time: time + float(random.uniform(-0.009, 0.009)))
    result = try_spatialize(source, trained)
    assert notes(result) == ()
    assert lags(result, read_track, true, (0.1, 1.5, 2.6)) == pytest.approx([0] * 3, abs=0.012)
    assert read_track(result.out)[0].shape[1] == read_track(plain)[0].shape[1]


def test_time_stamps_that_go_back_far_lose_nothing_and_are_named(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    """FFmpeg refuses to write such audio; recorders whose clock is set again do."""
    true = rumble(6)
    plain = film(tmp_path / "plain.mkv", seconds=6, fps=5, audio="flac", sound=true)
    source = with_audio_earlier(plain, tmp_path / "in.mkv", after=4, seconds=1.5)
    result = try_spatialize(source, trained)
    (note,) = notes(result)
    match = re.fullmatch(
        r"the audio's time stamps go back by 1\.50 s at (\d\.\d\d) s: all of it is kept, in the order of the file", note
    )
    assert match is not None and float(match[1]) == pytest.approx(4, abs=0.1)
    assert read_track(result.out)[0].shape[1] == 6 * RATE
    assert lags(result, read_track, true, (0.1, 3.6, 4.2, 5.6)) == pytest.approx([0] * 4, abs=0.001)


def test_a_header_that_states_too_short_a_length_trims_nothing(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    true = rumble(2)
    plain = film(tmp_path / "plain.mov", seconds=2, audio="aac", sound=true)
    data = bytearray(plain.read_bytes())
    header = data.index(b"mdhd", data.index(b"mdhd") + 4)
    (samples,) = struct.unpack_from(">I", data, header + 20)
    struct.pack_into(">I", data, header + 20, samples // 2)
    source = tmp_path / "in.mov"
    source.write_bytes(data)
    result = try_spatialize(source, trained)
    assert 2 * RATE <= read_track(result.out)[0].shape[1] < 2 * RATE + 1024
    assert lags(result, read_track, true, (1.6,)) == pytest.approx([0], abs=0.001)
