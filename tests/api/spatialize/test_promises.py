"""The promises of docs/spatialize.md: video untouched, mono-compatible, as long, as loud, never clipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from support.films import spatialize_one

from avspatial.api.load import Trained
from avspatial.signal.loudness import integrated_loudness, true_peak

REAL = Path(__file__).parents[3] / "../shared/media/FAIR-Play/videos/000001.mp4"
Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]
Packets = Callable[[Path], list[tuple[str, float]]]


def mono_error(before: np.ndarray, after: np.ndarray, factor: float) -> float:
    """dB of the largest difference between (left + right) / 2 and the input's mono sound, at the common gain."""
    error = after.mean(0, dtype=np.float64) - factor * before.mean(0, dtype=np.float64)
    return float(20 * np.log10(max(np.abs(error).max(), 1e-12)))


KEPT = [
    (suffix, video, audio)
    for suffix, audios in {
        "mp4": ("aac", "libopus", "flac", "alac", "pcm_s16le", "libmp3lame"),
        "mov": ("aac", "alac", "pcm_s24le", "libmp3lame"),
        "mkv": ("aac", "libopus", "flac", "alac", "pcm_s16le", "libmp3lame"),
        "webm": ("libopus",),
    }.items()
    for video in ("libx264", "libx265", "libvpx-vp9", "libsvtav1")
    for audio in audios
    # webm takes vp9 and av1 alone, mov neither
    if (video in ("libvpx-vp9", "libsvtav1")) != (suffix == "mov") or suffix in ("mp4", "mkv")
    if not (suffix == "webm" and video in ("libx264", "libx265"))
]


def pairs() -> list[Any]:
    """Every kind of pictures and every kind of sound in every container; the other combinations are slow together."""
    often = [kept for kept in KEPT if kept[1] == "libx264"]
    firsts = {(suffix, video): audio for suffix, video, audio in reversed(KEPT)}
    often += [(suffix, video, audio) for (suffix, video), audio in firsts.items()]
    return [kept if kept in often else pytest.param(*kept, marks=pytest.mark.slow) for kept in KEPT]


@pytest.mark.parametrize(("suffix", "video", "audio"), pairs())
def test_every_format_keeps_its_pictures_and_its_sound(
    film: Film,
    packets: Packets,
    read_track: ReadTrack,
    trained: Trained,
    tmp_path: Path,
    suffix: str,
    video: str,
    audio: str,
) -> None:
    source = film(tmp_path / f"in.{suffix}", video=video, audio=audio, seconds=0.6)
    result = spatialize_one(source, trained)
    assert result.out.suffix == (".mkv" if suffix == "webm" else f".{suffix}")
    before, reader = read_track(source)
    after, written = read_track(result.out)
    assert after.shape == (2, before.shape[1])
    assert (written.rate, written.start) == (reader.rate, pytest.approx(reader.start, abs=1e-3))
    assert [packet for packet, _ in packets(result.out)] == [packet for packet, _ in packets(source)]
    times = [[time for _, time in packets(path)] for path in (source, result.out)]
    assert times[1] == pytest.approx(times[0], abs=2e-3)
    assert result.done is not None
    assert mono_error(before, after, result.done.level.factor) < -120
    assert np.abs(after[0] - after[1]).max() > 0.01


def test_the_real_clip(packets: Packets, read_track: ReadTrack, trained: Trained, tmp_path: Path) -> None:
    if not REAL.exists():
        pytest.skip("../shared/media is not there")
    result = spatialize_one(REAL, trained, out=tmp_path / "out.mp4")
    assert packets(result.out) == packets(REAL)
    before, after = read_track(REAL)[0], read_track(result.out)[0]
    assert after.shape == before.shape == (2, 480240)
    assert result.done is not None
    level = result.done.level
    assert mono_error(before, after, level.factor) < -120
    assert integrated_loudness(after, 48000) == pytest.approx(integrated_loudness(before, 48000), abs=0.1)
    assert true_peak(after, 48000) <= -1
    assert level.loudness_after == pytest.approx(integrated_loudness(after, 48000), abs=0.01)
    assert level.true_peak == pytest.approx(true_peak(after, 48000), abs=0.01)


def test_a_hot_sound_is_turned_down_not_clipped(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    time = np.arange(72000) / 48000
    loud = (0.98 * np.sin(2 * np.pi * 300 * time))[None].astype(np.float32)
    source = film(tmp_path / "hot.mkv", sound=loud, audio="flac")
    result = spatialize_one(source, trained)
    after = read_track(result.out)[0]
    assert true_peak(after, 48000) == pytest.approx(-1, abs=0.01)
    assert result.done is not None
    level = result.done.level
    assert level.change is not None and level.change < 0
    assert mono_error(read_track(source)[0], after, level.factor) < -120


def test_the_loudness_is_that_of_the_mono_sound_on_both_ears(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    source = film(tmp_path / "in.mkv", audio="flac")
    after = read_track(spatialize_one(source, trained).out)[0]
    both = np.repeat(read_track(source)[0], 2, 0)
    assert integrated_loudness(after, 48000) == pytest.approx(integrated_loudness(both, 48000), abs=0.01)


@pytest.mark.parametrize("width", [0, 50, 150])
def test_width_scales_the_difference(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path, width: int
) -> None:
    source = film(tmp_path / "in.mkv", audio="flac")
    full_width = spatialize_one(source, trained, out=tmp_path / "a.mkv")
    scaled = spatialize_one(source, trained, out=tmp_path / "b.mkv", width_percent=width)
    assert full_width.done is not None and scaled.done is not None
    full = np.subtract(*read_track(full_width.out)[0]) / full_width.done.level.factor
    part = np.subtract(*read_track(scaled.out)[0]) / scaled.done.level.factor
    np.testing.assert_allclose(part, width / 100 * full, atol=2e-6)


def test_what_lies_above_the_models_band_stays_mono(
    film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path
) -> None:
    time = np.arange(72000) / 48000
    high = (0.2 * np.sin(2 * np.pi * 9000 * time))[None].astype(np.float32)
    low = 0.2 * np.random.default_rng(0).standard_normal((1, 72000)).astype(np.float32)
    source = film(tmp_path / "in.mkv", audio="flac", sound=np.clip(high + low, -1, 1))
    spectrum = np.abs(np.fft.rfft(np.subtract(*read_track(spatialize_one(source, trained).out)[0])))
    band = int(4000 * 1.5)  # the model works at 8 kHz; a bin is 1 / 1.5 Hz
    assert spectrum[int(band * 1.05) :].max() < 1e-3 * spectrum[:band].max()


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 96000])
def test_any_rate_is_kept(film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path, rate: int) -> None:
    source = film(tmp_path / "in.mkv", audio="flac", rate=rate, seconds=0.6)
    after, reader = read_track(spatialize_one(source, trained).out)
    assert (reader.rate, after.shape[1]) == (rate, read_track(source)[0].shape[1])


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "PCM_24"), ("flac", "PCM_24")])
def test_sound_alone_with_pictures_from_a_video(
    film: Film, trained: Trained, tmp_path: Path, suffix: str, subtype: str
) -> None:
    picture = film(tmp_path / "pictures.mp4", audio=None)
    sound = 0.1 * np.random.default_rng(0).standard_normal(40001)
    soundfile.write(tmp_path / f"in.{suffix}", sound, 44100, "PCM_16")
    result = spatialize_one(tmp_path / f"in.{suffix}", trained, video=picture)
    assert result.out == tmp_path / f"in_binaural.{suffix}"
    info = soundfile.info(result.out)
    assert (info.samplerate, info.frames, info.channels, info.subtype) == (44100, 40001, 2, subtype)


def test_stereo_is_mixed_and_noted(film: Film, read_track: ReadTrack, trained: Trained, tmp_path: Path) -> None:
    sound = 0.1 * np.random.default_rng(1).standard_normal((2, 48000)).astype(np.float32)
    source = film(tmp_path / "in.mkv", audio="flac", sound=sound)
    result = spatialize_one(source, trained)
    assert result.done is not None
    assert "the input is stereo: its own left and right were mixed, and the result is made from the mixture" in (
        result.done.notes
    )
    assert mono_error(read_track(source)[0], read_track(result.out)[0], result.done.level.factor) < -120


def test_the_old_sound_as_a_second_track(film: Film, trained: Trained, tmp_path: Path) -> None:
    def sounds(path: Path, track: int) -> list[bytes]:
        with av.open(str(path)) as container:
            return [bytes(packet) for packet in container.demux(container.streams.audio[track]) if packet.size]

    source = film(tmp_path / "in.mp4")
    result = spatialize_one(source, trained, keep_original=True)
    with av.open(str(result.out)) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == ["alac", "aac"]
    assert sounds(result.out, 1) == sounds(source, 0)


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
@pytest.mark.parametrize("begins", [0.4, 0.0])
@pytest.mark.parametrize("seconds", [0.7, 2.5])
def test_sound_that_starts_later_than_the_picture_is_shorter_or_longer(
    film: Film,
    read_track: ReadTrack,
    packets: Packets,
    trained: Trained,
    tmp_path: Path,
    suffix: str,
    begins: float,
    seconds: float,
) -> None:
    sound = 0.1 * np.random.default_rng(2).standard_normal((1, round(48000 * seconds))).astype(np.float32)
    source = film(tmp_path / f"in.{suffix}", audio="alac", sound=sound, begins=begins)
    result = spatialize_one(source, trained)
    before, old = read_track(source)
    after, new = read_track(result.out)
    assert before.shape[1] == after.shape[1] == sound.shape[1]
    first = [packets(path)[0][1] for path in (source, result.out)]
    assert new.start - first[1] == pytest.approx(old.start - first[0], abs=2e-3)
    assert old.start - first[0] == pytest.approx(begins, abs=2e-3)
    assert result.done is not None
    assert mono_error(before, after, result.done.level.factor) < -120
