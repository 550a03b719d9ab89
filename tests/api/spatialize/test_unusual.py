"""Unusual files: each is handled as docs/spatialize.md states."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from support.films import moving, noise, try_spatialize

from avspatial.api.load import Trained
from avspatial.api.spatialize import Result

Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]
Packets = Callable[[Path], list[tuple[str, float]]]


def notes(result: Result) -> tuple[str, ...]:
    assert result.error == "" and result.done is not None
    return result.done.notes


def difference(result: Result, read_track: ReadTrack) -> np.ndarray:
    assert result.error == "" and result.done is not None
    return np.subtract(*read_track(result.out)[0]) / result.done.level.factor


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_a_variable_frame_rate_stays(
    film: Film, packets: Packets, trained: Trained, tmp_path: Path, suffix: str
) -> None:
    times = [0, 0.04, 0.08, 0.35, 0.36, 0.7, 0.71, 1.2]
    source = film(tmp_path / f"in.{suffix}", pictures=moving(8), times=times, audio="alac")
    result = try_spatialize(source, trained)
    shown = packets(result.out)
    assert [packet for packet, _ in shown] == [packet for packet, _ in packets(source)]
    stamps = np.sort([time for _, time in shown])
    assert stamps - stamps[0] == pytest.approx(times, abs=2e-3)


def test_the_picture_nearest_in_time_counts_not_its_number(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    """Every second picture is left out where little moves: seen at the same times, the film is nearly the same."""
    shown = moving(15)
    doubled = [shown[k - k % 2] for k in range(15)]
    full = film(tmp_path / "full.mkv", pictures=doubled, audio="flac")
    thinned = film(tmp_path / "thin.mkv", pictures=shown[::2], times=[0.2 * k for k in range(8)], audio="flac")
    # Were pictures counted, the thinned film would be over after its first half.
    counted = film(tmp_path / "counted.mkv", pictures=shown[::2] + shown[-1:] * 7, audio="flac")
    differences = [difference(try_spatialize(path, trained), read_track) for path in (full, thinned, counted)]
    # Half-way between two pictures the earlier one counts; 0.1 s is where they would part.
    assert np.abs(differences[1] - differences[0]).mean() < 0.5 * np.abs(differences[2] - differences[0]).mean()


TURN = {"clockwise": (0, 1, -1, 0), "upside down": (-1, 0, 0, -1), "counter": (0, -1, 1, 0)}


def turned(film: Path, out: Path, turn: str) -> Path:
    """The mp4 with this 2x2 turn in its picture track's header, as a telephone writes it (ISO 14496-12, 8.3.2)."""
    data = film.read_bytes()
    a, b, c, d = (value * 65536 for value in TURN[turn])
    matrix = b"".join(v.to_bytes(4, "big", signed=True) for v in (a, b, 0, c, d, 0, 0, 0, 0x40000000))
    start = data.index(b"tkhd") + 4 + 40
    out.write_bytes(data[:start] + matrix + data[start + 36 :])
    return out


@pytest.mark.parametrize(("turn", "quarters"), [("clockwise", -1), ("upside down", 2), ("counter", 1)])
@pytest.mark.parametrize("out", ["out.mp4", "out.mkv"])
def test_rotation_stays_and_the_model_sees_the_picture_upright(
    film: Film,
    packets: Packets,
    read_track: ReadTrack,
    trained: Trained,
    tmp_path: Path,
    turn: str,
    quarters: int,
    out: str,
) -> None:
    random = np.random.default_rng(0)
    scene = np.kron(random.integers(0, 256, (4, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    pictures = [scene] * 15
    plain = film(tmp_path / "plain.mp4", pictures=pictures)
    source = turned(plain, tmp_path / "in.mp4", turn)
    upright = film(tmp_path / "upright.mp4", pictures=[np.rot90(scene, quarters).copy() for _ in pictures])
    result = try_spatialize(source, trained, out=tmp_path / out)
    assert [packet for packet, _ in packets(result.out)] == [packet for packet, _ in packets(source)]
    angles = []
    for path in (source, result.out):
        with av.open(str(path)) as container:
            angles.append(next(container.decode(video=0)).rotation)
    assert angles[0] == angles[1] != 0
    lying, standing = (difference(try_spatialize(path, trained), read_track) for path in (plain, upright))
    seen = difference(result, read_track)
    assert np.abs(seen - standing).mean() < 0.2 * np.abs(seen - lying).mean()


def test_a_portrait_film_keeps_its_shape(film: Film, packets: Packets, trained: Trained, tmp_path: Path) -> None:
    source = film(tmp_path / "in.mp4", pictures=moving(15, 96, 48))
    result = try_spatialize(source, trained)
    assert packets(result.out) == packets(source)
    with av.open(str(result.out)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (48, 96)


@pytest.mark.parametrize("count", [1, 15])
def test_a_still_picture_is_done_and_noted(film: Film, trained: Trained, tmp_path: Path, count: int) -> None:
    source = film(tmp_path / "in.mkv", pictures=moving(1) * count)
    assert notes(try_spatialize(source, trained)) == (
        "the video does not move: directions are guessed from a single image",
    )


@pytest.mark.parametrize(
    ("scenes", "expected"),
    [
        (2, ("1 scene cut: no window mixes images of two scenes",)),
        (3, ("2 scene cuts: no window mixes images of two scenes",)),
    ],
)
def test_scene_cuts_are_found_and_noted(
    film: Film, trained: Trained, tmp_path: Path, scenes: int, expected: tuple[str, ...]
) -> None:
    random = np.random.default_rng(0)
    places = [np.kron(random.integers(0, 256, (3, 4, 3)), np.ones((16, 16, 1))).astype(np.uint8) for _ in range(scenes)]
    pictures = [place for place in places for _ in range(7)]
    source = film(tmp_path / "in.mp4", pictures=pictures, seconds=len(pictures) / 10)
    assert notes(try_spatialize(source, trained)) == expected


def test_a_gap_in_the_audio_becomes_silence_and_is_noted(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    source = film(tmp_path / "in.mkv", audio="flac", seconds=1.0, gap=0.5)
    result = try_spatialize(source, trained)
    assert "0.50 s of silence fill gaps in the audio's time stamps" in notes(result)
    after = read_track(result.out)[0]
    assert after.shape == (2, 72000)
    assert np.abs(after[:, 28000:51000].sum(0)).max() < 1e-6
    assert np.abs(after[:, 52000:]).max() > 0.01


def test_more_than_two_channels_are_refused(film: Film, trained: Trained, tmp_path: Path) -> None:
    message = (
        "its audio has 6 channels; mono or stereo is needed\n"
        "  Mix it down to mono first; if it is surround or ambisonic audio, it is spatial already."
    )
    source = film(tmp_path / "in.mp4", sound=noise(48000, 6), seconds=1.0)
    assert try_spatialize(source, trained).error == f"{source}: {message}"
    picture = film(tmp_path / "picture.mp4", audio=None)
    alone = tmp_path / "in.wav"
    soundfile.write(alone, noise(48000, 6).T, 48000)
    assert try_spatialize(alone, trained, video=picture).error == f"{alone}: {message}"
    assert not list(tmp_path.glob("*_binaural*"))


@pytest.mark.parametrize(
    ("streams", "message"),
    [
        ({"audio": None}, "has no audio stream"),
        ({"video": None}, "a clip without video frames: the file has no video stream\n  Leave the clip out."),
        ({"sound": np.zeros((1, 48000), np.float32)}, "its audio is silent, so there is nothing to spatialize"),
    ],
)
def test_what_has_nothing_to_spatialize_is_refused(
    film: Film, trained: Trained, tmp_path: Path, streams: dict[str, Any], message: str
) -> None:
    source = film(tmp_path / "in.mkv", seconds=1.0, **streams)
    assert try_spatialize(source, trained).error == f"{source}: {message}"
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize(
    ("suffix", "video", "audio"),
    [
        ("mkv", "libx264", "flac"),
        ("webm", "libvpx-vp9", "libopus"),
        ("mp4", "libx264", "aac"),
        ("mov", "libx264", "alac"),
    ],
)
def test_a_download_that_broke_off_is_refused(
    film: Film, trained: Trained, tmp_path: Path, suffix: str, video: str, audio: str
) -> None:
    plain = film(tmp_path / f"plain.{suffix}", video=video, audio=audio, seconds=3.0)
    full, source = tmp_path / f"full.{suffix}", tmp_path / f"in.{suffix}"
    # mp4 and mov as downloads have them, their index first; otherwise nothing of the rest can be read.
    options = {"movflags": "+faststart"} if suffix in ("mp4", "mov") else {}
    with av.open(str(plain)) as container, av.open(str(full), "w", options=options) as target:
        copies = {stream.index: target.add_stream_from_template(stream) for stream in container.streams}
        for packet in container.demux():
            if packet.size:
                packet.stream = copies[packet.stream_index]
                target.mux(packet)
    source.write_bytes(full.read_bytes()[: full.stat().st_size * 6 // 10])
    error = try_spatialize(source, trained).error
    assert re.fullmatch(
        re.escape(f"{source}: ")
        + r"(cut short: it ends at [12]\.\d\d s of 3\.\d\d s|not a readable video \(.*\); it is "
        r"damaged or cut short)\n  Copy or download it again\.",
        error,
    )
    assert not list(tmp_path.glob("*_binaural*"))


def test_left_and_right_that_cancel_are_refused_and_nearly_so_is_noted(
    film: Film, trained: Trained, tmp_path: Path
) -> None:
    left, shared = noise(48000, level=0.3), noise(48000, level=1.0)[:, ::-1]
    messages = []
    for number, share in enumerate((0.0, 1e-5, 1e-2)):
        sound = np.concatenate((left + share * shared, -left + share * shared))
        source = film(tmp_path / f"{number}.mkv", seconds=1, sound=sound.astype(np.float32), audio="pcm_f32le")
        result = try_spatialize(source, trained)
        assert result.out.exists() == (share > 0)
        messages.append(result.error or notes(result)[1])
    assert messages[0].startswith(
        f"{tmp_path / '0.mkv'}: its left and right cancel each other: their mixture is silent, "
        "so there is nothing to spatialize"
    )
    assert messages[1] == "what its left and right share is too quiet to have a loudness: they nearly cancel each other"
    assert re.fullmatch(
        r"its left and right nearly cancel each other: what they share was lifted by \d\d dB", messages[2]
    )
