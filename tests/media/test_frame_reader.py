"""Only needed frames are decoded, and the result is that of decoding everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avspatial.errors import MediaError
from avspatial.media import frame_reader
from avspatial.media.frame_grid import nearest_frames, on_grid
from avspatial.media.frame_reader import MissingFrameError, read_on_grid, require_frames
from avspatial.media.image import write_jpeg
from avspatial.media.video import folder_images, grid_images

OPTIONS = {
    "libx264": {},
    "libx265": {"x265-params": "log-level=none"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
    "mpeg4": {"bf": "2"},
    "mpeg2video": {"bf": "2"},
    "mjpeg": {},
}


def film(
    path: Path,
    codec: str = "libx264",
    stamps: Sequence[int] = range(60),
    fps: int = 30,
    options: dict[str, str] | None = None,
) -> Path:
    """A rolling noise picture at each of `stamps` / `fps` s."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    options = {"threads": "1", **OPTIONS[codec], **(options or {})}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps, options=options)
        stream.height, stream.width = noise.shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, fps)
        for number, stamp in enumerate(stamps):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, (number, 2 * number), (0, 1)), format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def everything_decoded(path: Path, fps: float, count: int, origin: float = 0.0) -> list[np.ndarray]:
    """The nearest frames by decoding all of them (the oracle)."""
    with av.open(str(path)) as container:
        frames = [(frame.time - origin, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    times = np.array([time for time, _ in frames])
    return [frames[int(np.argmin(np.round(np.abs(times - k / fps), 6)))][1] for k in range(count)]


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of the frames that come out of the decoder."""
    times: list[float] = []

    def record(decode: Callable[..., Iterator[tuple[float, Any]]]) -> Callable[..., Iterator[tuple[float, Any]]]:
        def frames(*arguments: Any) -> Iterator[tuple[float, Any]]:
            for time, frame in decode(*arguments):
                times.append(time)
                yield time, frame

        return frames

    for name in ("stream_frames", "all_frames"):
        monkeypatch.setattr(frame_reader, name, record(getattr(frame_reader, name)))
    return times


@pytest.mark.parametrize("codec", OPTIONS)
def test_the_pictures_are_those_that_decoding_everything_gives(
    tmp_path: Path, codec: str, decoded: list[float]
) -> None:
    path = film(tmp_path / "a.mkv", codec)
    found = list(read_on_grid(path, 4, (64, 96), 8))
    np.testing.assert_array_equal(found, everything_decoded(path, 4, 8))
    assert 8 <= len(decoded) <= 60


def test_frames_that_nothing_refers_to_are_not_decoded(tmp_path: Path, decoded: list[float]) -> None:
    path = film(tmp_path / "a.mp4")
    assert len(list(read_on_grid(path, 4, (64, 96), 8))) == 8
    assert 8 <= len(decoded) < 48


def test_where_every_frame_stands_alone_no_other_is_decoded(tmp_path: Path, decoded: list[float]) -> None:
    path = film(tmp_path / "a.mov", "mjpeg")
    assert len(list(read_on_grid(path, 4, (64, 96), 8))) == 8
    assert len(decoded) == 8


def test_nothing_is_decoded_beyond_the_last_picture_that_is_asked_for(tmp_path: Path, decoded: list[float]) -> None:
    path = film(tmp_path / "a.mov", "mjpeg")
    pictures = read_on_grid(path, 4, (64, 96), 8)
    for wanted in (1, 2, 3):
        next(pictures)
        assert len(decoded) == wanted + 1  # the one after it shows that it is the nearest


stamps = st.lists(st.integers(1, 25), min_size=1, max_size=40).map(lambda steps: [0, *np.cumsum(steps).tolist()])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stamps, st.floats(0.7, 40), st.integers(1, 60), st.floats(-1, 2))
def test_any_frame_rate_grid_and_origin(
    tmp_path: Path, stamps: list[int], fps: float, count: int, origin: float
) -> None:
    path = film(tmp_path / "a.mp4", stamps=stamps, fps=25)
    found = list(read_on_grid(path, fps, (64, 96), count, origin))
    with av.open(str(path)) as container:
        frames = ((frame.time - origin, frame) for frame in container.decode(video=0))
        np.testing.assert_array_equal(found, list(on_grid(frames, fps, (64, 96), count, path)))


@given(stamps, st.floats(0.5, 60), st.integers(1, 80), st.floats(-2, 2))
def test_the_frames_to_take_are_those_that_the_grid_takes(
    stamps: list[int], fps: float, count: int, origin: float
) -> None:
    times = np.array(stamps) / 25 - origin
    shown = [np.full((1, 1, 3), number, np.uint8) for number in range(len(times))]
    taken = on_grid(zip(times, shown, strict=True), fps, (1, 1), count, Path("film"))
    assert sorted({int(picture[0, 0, 0]) for picture in taken}) == nearest_frames(times, fps, count).tolist()


def test_a_frame_that_was_asked_for_and_did_not_come_is_noticed(tmp_path: Path) -> None:
    """No encoder at hand makes packets without a picture: here the demuxer loses one instead."""
    with av.open(str(film(tmp_path / "a.mov", "mjpeg"))) as container:
        packets = [packet for packet in container.demux(video=0) if packet.pts not in (None, 20 * 512)]
        frames = [(frame.time, frame) for packet in packets for frame in packet.decode()]
    stamps = [frame.pts for _, frame in frames]
    assert len(stamps) == 59 and 20 * 512 not in stamps
    assert len(list(require_frames(frames, np.array(stamps[::7])))) == 59
    for needed in ([0, 20 * 512, 30 * 512], [20 * 512], [0, 99 * 512]):
        with pytest.raises(MissingFrameError):
            list(require_frames(frames, np.array(needed)))


def test_a_film_that_is_cut_short_is_refused_before_anything_is_decoded(tmp_path: Path, decoded: list[float]) -> None:
    path = film(tmp_path / "a.mov", "mjpeg")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    # The index lies behind the pictures: put it before them, then lose the second half.
    front = tmp_path / "b.mov"
    with av.open(str(path)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as target:
        copy = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copy
                target.mux(packet)
    shift = front.read_bytes().index(b"mdat") - path.read_bytes().index(b"mdat")
    front.write_bytes(front.read_bytes()[: places[30] + shift])
    with pytest.raises(MediaError) as error:
        next(read_on_grid(front, 4, (64, 96), 8))
    assert str(error.value) == f"{front}: cut short: its video ends at 1.00 s of 2.00 s\n  Copy or download it again."
    assert decoded == []


KEYFRAMES = {
    "libx264": {"x264-params": "keyint=30:open-gop=1:bframes=3"},
    "libx265": {"x265-params": "log-level=none:keyint=30:open-gop=1"},
}


@pytest.mark.parametrize("begins", [0, 37])
@pytest.mark.parametrize(
    ("codec", "suffix"),
    [
        ("libx264", "mp4"),
        ("libx264", "mkv"),
        ("libx264", "ts"),
        ("libx265", "mp4"),
        ("libvpx-vp9", "webm"),
        ("libsvtav1", "mp4"),
        ("mpeg4", "avi"),
        ("mpeg2video", "mpg"),
        ("mjpeg", "mov"),
    ],
)
def test_the_pictures_of_an_excerpt_are_those_of_the_entire_film(
    tmp_path: Path, codec: str, suffix: str, begins: int
) -> None:
    options = KEYFRAMES.get(codec, {"g": "30"})
    path = film(tmp_path / f"a.{suffix}", codec, range(begins, begins + 150), options=options)
    entire = list(read_on_grid(path, 10, (64, 96), 60))
    for start in (0.1, 0.9, 1.0, 2.3, 4.5):
        found = list(read_on_grid(path, 10, (64, 96), 8, start=start))
        np.testing.assert_array_equal(found, entire[round(10 * start) :][:8])


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", "mp4"), ("libx264", "mkv"), ("libx264", "ts"), ("libsvtav1", "mp4")]
)
def test_of_an_excerpt_only_what_follows_the_keyframe_before_is_decoded(
    tmp_path: Path, codec: str, suffix: str, decoded: list[float]
) -> None:
    path = film(tmp_path / f"a.{suffix}", codec, range(300), options={"g": "30"})
    assert len(list(read_on_grid(path, 10, (64, 96), 10, start=7.5))) == 10
    assert min(decoded) > -2.2 and max(decoded) < 1.1


def test_of_an_excerpt_where_every_frame_stands_alone_no_other_is_decoded(
    tmp_path: Path, decoded: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    packets: list[float] = []
    from_keyframe = frame_reader._from_keyframe

    def record(*arguments: Any) -> Iterator[Any]:
        for packet in from_keyframe(*arguments):
            packets.append(packet.pts * packet.time_base)
            yield packet

    monkeypatch.setattr(frame_reader, "_from_keyframe", record)
    path = film(tmp_path / "a.mov", "mjpeg", stamps=range(600))
    assert len(list(read_on_grid(path, 10, (64, 96), 10, start=7.5))) == 10
    assert len(decoded) == 10 and min(packets) > 7.4 and max(packets) < 10


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stamps, st.floats(0.7, 40), st.integers(1, 60), st.floats(-1, 2), st.floats(0.001, 30))
def test_an_excerpt_of_any_film(
    tmp_path: Path, stamps: list[int], fps: float, count: int, origin: float, start: float
) -> None:
    path = film(tmp_path / "a.mp4", stamps=stamps, fps=25, options={"g": "7"})
    with av.open(str(path)) as container:
        frames = ((frame.time - origin - start, frame) for frame in container.decode(video=0))
        expected = list(on_grid(frames, fps, (64, 96), count, path))
    try:
        found = list(read_on_grid(path, fps, (64, 96), count, origin, start))
    except MediaError as error:  # how long the last frame is shown is a guess
        assert "was asked for" in str(error) and stamps[-1] / 25 < origin + start
    else:
        np.testing.assert_array_equal(found, expected)


def test_an_excerpt_behind_the_end_of_a_film(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv")
    with pytest.raises(MediaError) as error:
        next(read_on_grid(path, 4, (64, 96), 8, start=2.5))
    assert str(error.value) == (
        f"{path}: its video ends at 2.00 s; an excerpt from 2.50 s on was asked for\n"
        "  Correct the times of the clip, leave it out, or copy the file again."
    )
    with pytest.raises(MediaError, match=r"its video ends at 2\.00 s; an excerpt from 2\.50 s on was asked for"):
        grid_images(path, 4, (64, 96), start=2.5)


def test_an_excerpt_of_a_folder_of_pictures(tmp_path: Path) -> None:
    for number in range(30):
        write_jpeg(tmp_path / f"{number}.jpg", np.full((8, 8, 3), 8 * number, np.uint8), quality=100)
    entire = folder_images(tmp_path, 10, 4, (8, 8), 14)
    np.testing.assert_array_equal(folder_images(tmp_path, 10, 4, (8, 8), 4, start=0.5), entire[2:6])
    np.testing.assert_array_equal(folder_images(tmp_path, 10, 4, (8, 8), 6, start=2.0), entire[8:])
    np.testing.assert_array_equal(folder_images(tmp_path, 10, 4, (8, 8), start=2.0), entire[8:12])
    with pytest.raises(MediaError, match=r"its video ends at 3\.00 s; an excerpt from 3\.10 s on was asked for"):
        folder_images(tmp_path, 10, 4, (8, 8), 4, start=3.1)
