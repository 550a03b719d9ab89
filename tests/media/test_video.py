"""Images on a fixed grid, by time stamp, upright; videos written completely and reproducibly."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from support.full_disk import room

from avspatial.errors import MediaError
from avspatial.media.frame_grid import read_image
from avspatial.media.video import (
    folder_images,
    frame_aspect,
    grid_images,
    image_files,
    video_seconds,
    write_video,
)

REAL = Path(__file__).parents[2] / "../shared/media/FAIR-Play/videos/000001.mp4"


def greys(count: int, height: int = 32, width: int = 48) -> np.ndarray:
    """Picture k is grey, 16 + k * 200 / count: which picture was taken shows in one number."""
    levels = 16 + np.arange(count) * 200 // count
    return np.broadcast_to(levels[:, None, None, None], (count, height, width, 3)).astype(np.uint8)


def timed_video(path: Path, times_ms: list[int], options: dict[str, str] | None = None) -> None:
    """A video of greys whose frames have exactly these time stamps."""
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1", "threads": "1"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time, picture in zip(times_ms, greys(len(times_ms)), strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def which(pictures: np.ndarray, count: int) -> list[int]:
    """Which of `count` greys each picture is."""
    levels = greys(count)[:, 0, 0, 0].astype(int)
    means = pictures.reshape(len(pictures), -1).mean(1)
    assert np.abs(levels[:, None] - means[None]).min(0).max() < 3
    return [int(np.abs(levels - mean).argmin()) for mean in means]


def nearest(times: np.ndarray, fps: float, count: int) -> list[int]:
    """The rule, written out: the frame nearest to k / fps, the earlier of two equally near."""
    return [int(np.round(np.abs(times - k / fps), 6).argmin()) for k in range(count)]


@pytest.mark.parametrize("fps", [2.0, 4.0, 5.0, 10.0, 25.0])
def test_every_grid_picture_is_the_nearest_frame(tmp_path: Path, fps: float) -> None:
    write_video(tmp_path / "a.mp4", greys(20), 10)
    pictures = grid_images(tmp_path / "a.mp4", fps, (32, 48))
    assert pictures.shape == (round(2 * fps), 32, 48, 3)
    assert which(pictures, 20) == nearest(np.arange(20) / 10, fps, len(pictures))


def test_time_stamps_decide_not_the_number_of_the_frame(tmp_path: Path) -> None:
    times = [0, 40, 80, 700, 740, 1500, 1510, 1520, 2900, 3000]
    timed_video(tmp_path / "a.mp4", times)
    pictures = grid_images(tmp_path / "a.mp4", 4, (32, 48), count=13)
    assert which(pictures, 10) == nearest(np.array(times) / 1000, 4, 13)


def test_the_grid_starts_with_the_clip_even_if_its_stamps_do_not(tmp_path: Path) -> None:
    timed_video(tmp_path / "a.mkv", [5000 + 100 * k for k in range(20)])
    pictures = grid_images(tmp_path / "a.mkv", 4, (32, 48), count=8)
    assert which(pictures, 20) == nearest(np.arange(20) / 10, 4, 8)


def test_a_grid_longer_than_the_video_repeats_the_last_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", greys(10), 10)
    assert which(grid_images(tmp_path / "a.mp4", 4, (32, 48), count=7), 10) == [0, 2, 5, 7, 9, 9, 9]


def test_a_single_frame_is_a_video(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", greys(1), 10)
    assert grid_images(tmp_path / "a.mp4", 4, (32, 48)).shape == (1, 32, 48, 3)


TURNS = {"none": (1, 0, 0, 1), "clockwise": (0, 1, -1, 0), "upside down": (-1, 0, 0, -1), "counter": (0, -1, 1, 0)}


def turned(data: bytes, turn: str) -> bytes:
    """The mp4 with this 2x2 turn in its track header, as a telephone writes it (ISO 14496-12, 8.3.2)."""
    a, b, c, d = (value * 65536 for value in TURNS[turn])
    matrix = b"".join(v.to_bytes(4, "big", signed=True) for v in (a, b, 0, c, d, 0, 0, 0, 0x40000000))
    start = data.index(b"tkhd") + 4 + 40
    return data[:start] + matrix + data[start + 36 :]


@pytest.mark.parametrize(
    ("turn", "edge"),
    [("none", np.s_[:, :8]), ("clockwise", np.s_[:8]), ("upside down", np.s_[:, -8:]), ("counter", np.s_[-8:])],
)
def test_rotation_metadata_is_applied(tmp_path: Path, turn: str, edge: tuple[slice, ...]) -> None:
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[:, :48] = (200, 0, 0)  # as stored, the left half is red
    write_video(tmp_path / "a.mp4", [picture], 10)
    (tmp_path / "b.mp4").write_bytes(turned((tmp_path / "a.mp4").read_bytes(), turn))
    upright = grid_images(tmp_path / "b.mp4", 4, (40, 40))[0]
    assert upright[edge][..., 0].mean() > 180
    assert upright[..., 0].mean() == pytest.approx(100, abs=8)
    assert frame_aspect(tmp_path / "b.mp4") == (1.5 if turn in ("none", "upside down") else 1 / 1.5)


def test_resizing_smooths_as_pillow_does(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    write_video(tmp_path / "a.mp4", [noise], 10)
    full = grid_images(tmp_path / "a.mp4", 4, (160, 240))[0]
    small = grid_images(tmp_path / "a.mp4", 4, (28, 28))[0]
    expected = np.asarray(Image.fromarray(full).resize((28, 28), Image.Resampling.BILINEAR))
    assert np.abs(small.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("pattern", ["{}.jpg", "{:06d}.png"])
def test_folder_of_pictures_is_read_in_the_order_of_its_numbers(tmp_path: Path, pattern: str) -> None:
    folder = tmp_path / "100%d.mp4"
    folder.mkdir()
    for number, picture in enumerate(greys(12), start=1):
        Image.fromarray(picture).save(folder / pattern.format(number), quality=95)
    (folder / "thumbs.db").write_text("not a picture")
    assert len(image_files(folder)) == 12
    pictures = folder_images(folder, 10, 4, (32, 48), count=5)
    assert which(pictures, 12) == nearest(np.arange(12) / 10, 4, 5)


def colourful(file: Path, **options: Any) -> np.ndarray:
    """A jpg file whose colours change from place to place, and what Pillow reads in it."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(coarse).resize((160, 120)).save(file, **options)
    return np.asarray(ImageOps.exif_transpose(Image.open(file)).convert("RGB"))


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_a_jpg_file_is_read_as_pillow_reads_it(tmp_path: Path, subsampling: str) -> None:
    expected = colourful(tmp_path / "1.jpg", subsampling=subsampling)
    assert np.abs(read_image(tmp_path / "1.jpg").astype(int) - expected).max() <= 1


def test_a_jpg_file_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    expected = colourful(tmp_path / "1.jpg", exif=exif)
    assert expected.shape == (160, 120, 3)
    assert np.abs(read_image(tmp_path / "1.jpg").astype(int) - expected).max() <= 1


def test_a_grey_jpg_file_has_three_equal_colours(tmp_path: Path) -> None:
    Image.new("L", (16, 12), 77).save(tmp_path / "1.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "1.jpg"), np.full((12, 16, 3), 77))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_a_jpg_file_that_is_cut_short(tmp_path: Path, share: float) -> None:
    colourful(tmp_path / "1.jpg")
    content = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(content[: int(share * len(content))])
    with pytest.raises(MediaError) as error:
        folder_images(tmp_path, 10, 4, (32, 48))
    assert str(error.value) == (
        f"{tmp_path}/1.jpg: not a readable image (no jpg, damaged or cut short)\n  Copy it again."
    )


def test_colours_survive(tmp_path: Path) -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:, :] = (180, 90, 40)
    write_video(tmp_path / "a.mp4", [picture] * 3, 10)
    np.testing.assert_allclose(grid_images(tmp_path / "a.mp4", 10, (64, 64))[1].mean((0, 1)), (180, 90, 40), atol=4)


def test_equal_pictures_give_equal_bytes(tmp_path: Path) -> None:
    sound = np.sin(np.arange(16000) * 0.1).astype(np.float32)[None].repeat(2, 0) * 0.3
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, greys(10), 10, sound, 16000)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_pictures_may_come_one_by_one(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", greys(10), 10)
    write_video(tmp_path / "b.mp4", iter(greys(10)), 10)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_audio_is_interleaved_with_the_frames(tmp_path: Path) -> None:
    rate = 48000
    left = 0.3 * np.sin(2 * np.pi * 440 * np.arange(6 * rate) / rate)
    write_video(tmp_path / "a.mp4", greys(60), 10, np.stack([left, 0 * left]), rate)
    assert video_seconds(tmp_path / "a.mp4") == pytest.approx(6)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        places = sorted((p.pos, float(p.pts * p.time_base)) for p in container.demux() if p.size)
    times = np.array([time for _, time in places])
    assert (np.maximum.accumulate(times) - times).max() < 1.5  # never far behind what came before it in the file
    with av.open(str(tmp_path / "a.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert sound.shape[1] >= 6 * rate
    middle = slice(rate, 5 * rate)
    assert np.sqrt(np.mean(sound[0, middle] ** 2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.02)
    assert np.abs(sound[1, middle]).max() < 0.01


@pytest.mark.parametrize("shape", [(31, 48, 3), (32, 47, 3), (32, 48, 4)])
def test_odd_pictures_are_refused(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"^frames must be \(H, W, 3\) with even H and W, not "):
        write_video(tmp_path / "a.mp4", [np.zeros(shape, np.uint8)], 10)
    assert list(tmp_path.iterdir()) == []


def test_a_video_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^a video needs at least one frame$"):
        write_video(tmp_path / "a.mp4", [], 10)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_nothing_half_written(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 64, 64, 3), np.uint8)
    with room(5000), pytest.raises(MediaError) as error:
        write_video(tmp_path / "a.mp4", noise, 10)
    assert str(error.value) == (
        f"{tmp_path}/a.mp4: cannot be written (File too large)\n  Free space, or choose another folder."
    )
    assert list(tmp_path.iterdir()) == []


def message(path: Path) -> str:
    with pytest.raises(MediaError) as error:
        grid_images(path, 4, (32, 48))
    return str(error.value)


def test_missing_video(tmp_path: Path) -> None:
    assert message(tmp_path / "a.mp4") == f"{tmp_path}/a.mp4: no such video file"


def test_clip_with_no_picture(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros((100, 2)), 16000)
    assert message(tmp_path / "a.wav") == (
        f"{tmp_path}/a.wav: a clip without video frames: the file has no video stream\n  Leave the clip out."
    )


@pytest.mark.parametrize("share", [0.001, 0.1, 0.5])
def test_truncated_video(tmp_path: Path, share: float) -> None:
    write_video(tmp_path / "a.mp4", greys(20), 10)
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: int(len(data) * share)])
    assert message(tmp_path / "a.mp4") == (
        f"{tmp_path}/a.mp4: not a readable video (Invalid data found when processing input); it is damaged or cut "
        "short\n  Copy or download it again."
    )


def test_truncated_video_whose_index_comes_first(tmp_path: Path) -> None:
    timed_video(tmp_path / "a.mp4", [100 * k for k in range(60)], {"movflags": "faststart"})
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    sizes, body = data.index(b"stsz") + 16, data.index(b"mdat") + 4
    first_half = sum(int.from_bytes(data[at : at + 4], "big") for at in range(sizes, sizes + 30 * 4, 4))
    (tmp_path / "a.mp4").write_bytes(data[: body + first_half])
    assert message(tmp_path / "a.mp4") == (
        f"{tmp_path}/a.mp4: cut short: its video ends at 3.00 s of 5.94 s\n  Copy or download it again."
    )


def test_picture_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"no picture")
    with pytest.raises(MediaError) as error:
        folder_images(tmp_path, 10, 4, (32, 48))
    assert str(error.value).startswith(f"{tmp_path}/1.png: not a readable video (")


def test_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as error:
        image_files(tmp_path)
    assert str(error.value) == (f"{tmp_path}: holds no numbered png or jpg image\n  Name them 1.jpg or 000001.png ...")
    with pytest.raises(MediaError) as error:
        image_files(tmp_path / "gone")
    assert str(error.value) == f"{tmp_path}/gone: no such folder of images"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.binary(min_size=1, max_size=200))
def test_damage_anywhere_is_a_media_error_or_nothing(tmp_path: Path, place: float, junk: bytes) -> None:
    good = tmp_path / "good.mp4"
    if not good.exists():
        write_video(good, np.random.default_rng(0).integers(0, 256, (10, 32, 48, 3), np.uint8), 10)
    data = bytearray(good.read_bytes())
    start = int(place * (len(data) - 1))
    data[start : start + len(junk)] = junk[: len(data) - start]
    (tmp_path / "bad.mp4").write_bytes(data)
    try:
        pictures = grid_images(tmp_path / "bad.mp4", 4, (32, 48), count=4)
    except MediaError:
        return
    assert pictures.shape == (4, 32, 48, 3)


@pytest.mark.skipif(not REAL.exists(), reason="../shared/media is not there")
def test_real_clip() -> None:
    pictures = grid_images(REAL, 4, (224, 224), count=41)
    assert pictures.shape == (41, 224, 224, 3)
    with av.open(str(REAL)) as container:
        frames = [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    chosen = nearest(np.array([time for time, _ in frames]), 4, 41)
    for k in (0, 1, 17, 40):
        small = Image.fromarray(frames[chosen[k]][1]).resize((224, 224), Image.Resampling.BILINEAR)
        assert np.abs(pictures[k].astype(int) - np.asarray(small)).max() <= 1
