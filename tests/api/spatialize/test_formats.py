"""From one container into another: what can be copied is, and what cannot is refused with what would work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support.films import try_spatialize

from avspatial.api.load import Trained

Film = Callable[..., Path]
ReadTrack = Callable[[Path], tuple[np.ndarray, Any]]
Packets = Callable[[Path], list[tuple[str, float]]]
ENCODERS = {"h264": "libx264", "hevc": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
REFUSED = {"mov": ("vp9", "av1"), "webm": ("h264", "hevc")}
"""What a container cannot hold; all else it can."""


@pytest.fixture(scope="module")
def sources(film: Film, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sources")
    return {
        codec: film(folder / f"{codec}.mkv", video=encoder, audio="flac", seconds=0.5)
        for codec, encoder in ENCODERS.items()
    }


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
@pytest.mark.parametrize("codec", ENCODERS)
def test_pictures_go_from_matroska_where_they_can_go(
    sources: dict[str, Path],
    packets: Packets,
    read_track: ReadTrack,
    trained: Trained,
    tmp_path: Path,
    codec: str,
    suffix: str,
) -> None:
    out = tmp_path / f"out.{suffix}"
    result = try_spatialize(sources[codec], trained, out=out)
    if codec in REFUSED.get(suffix, ()):
        able = {"webm": ".mp4 or .m4v or .mov or .mkv", "mov": ".mp4 or .m4v or .mkv or .webm"}[suffix]
        last = {"webm": ".mkv", "mov": ".webm"}[suffix]
        assert result.error == (
            f"{out}: .{suffix} cannot hold {codec} video, which is only copied\n"
            f"  Give an output that ends in {able}: -o NAME{last}."
        )
        assert list(tmp_path.iterdir()) == []
        return
    assert result.error == ""
    assert [packet for packet, _ in packets(out)] == [packet for packet, _ in packets(sources[codec])]
    with av.open(str(out)) as container:
        shown, sound = container.streams
        assert shown.codec_context.codec.canonical_name == codec
        assert sound.codec_context.name == {"mp4": "alac", "mov": "pcm_s24le", "mkv": "flac", "webm": "opus"}[suffix]
    if suffix != "webm":
        assert read_track(out)[0].shape == (2, 24000)


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
@pytest.mark.parametrize("tag", ["hvc1", "hev1"])
def test_hevc_keeps_its_name(
    film: Film, packets: Packets, trained: Trained, tmp_path: Path, suffix: str, tag: str
) -> None:
    """The name says whether the parameter sets stand in the header alone; copying moves nothing."""
    source = film(tmp_path / f"in.{suffix}", video="libx265", tag=tag, seconds=0.5)
    result = try_spatialize(source, trained)
    for path in (source, result.out):
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.codec_tag == tag
    assert packets(result.out) == packets(source)


def test_hevc_from_matroska_gets_the_name_that_apples_players_know(
    sources: dict[str, Path], trained: Trained, tmp_path: Path
) -> None:
    result = try_spatialize(sources["hevc"], trained, out=tmp_path / "out.mp4")
    with av.open(str(result.out)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "hvc1"


@pytest.mark.parametrize("video", ["libvpx-vp9", "libsvtav1"])
def test_webm_stays_webm_where_it_is_asked_for(
    film: Film, packets: Packets, read_track: ReadTrack, trained: Trained, tmp_path: Path, video: str
) -> None:
    source = film(tmp_path / "in.webm", video=video, audio="libopus", seconds=1.0)
    out = tmp_path / "out.webm"
    result = try_spatialize(source, trained, out=out)
    assert result.error == "" and result.done is not None
    assert packets(out) == packets(source)
    before, reader = read_track(source)
    after, written = read_track(out)
    assert written.rate == reader.rate == 48000
    assert written.start == pytest.approx(reader.start, abs=2e-3)
    assert after.shape[1] == pytest.approx(before.shape[1], abs=960)  # Opus has blocks of 20 ms
    common = min(before.shape[1], after.shape[1])
    clean = result.done.level.factor * before[:, :common].mean(0)
    # Nothing is shifted, and the lossy sound is near: the mono at 256 kbit/s.
    assert np.corrcoef(after[:, :common].mean(0), clean)[0, 1] > 0.98


def test_webm_keeps_no_other_rate_than_that_of_opus(film: Film, trained: Trained, tmp_path: Path) -> None:
    source = film(tmp_path / "in.mkv", video="libvpx-vp9", audio="flac", rate=44100, seconds=0.5)
    out = tmp_path / "out.webm"
    assert try_spatialize(source, trained, out=out).error == (
        f"{out}: .webm holds Opus audio, which is always at 48000 Hz; this audio is at 44100 Hz\n"
        "  Give a name that ends in .mkv, which holds the same video and audio of any rate."
    )
